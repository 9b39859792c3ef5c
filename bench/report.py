"""Turns measurements into Markdown tables, and puts them into docs/benchmarks.md."""

import os
import platform
import re
import statistics

import data_types
import failover as failover_rows
import full_sync as full_sync_rows
import latency as latency_rows
import promises as promise_rows
import rejoin as rejoin_rows
import replica_lag as lag_rows
import servers
import snapshot as snapshot_rows

DOCUMENT = os.path.join(servers.ROOT, "docs", "benchmarks.md")
LEAST_SHARE = 0.5  # of the timed writes that must be undisturbed


def verdict(ratio, target):
    if target is None:
        return "", ""
    return f"<= {target:.2f}", "ok" if ratio <= target else "MISS"


def table(heads, lines):
    """A Markdown table; the first column is text, the others are numbers."""
    rule = ["---"] + ["---:"] * (len(heads) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [heads, rule, *lines])


def throughput_line(row, found):
    title = f"{row.title}, pipeline {row.pipeline}"
    if isinstance(found, str):
        return [title, found] + [""] * 7
    redis, hearth = found["redis"], found["hearth"]
    ratio = hearth.cpu_microseconds / redis.cpu_microseconds
    target, word = verdict(ratio, row.target)
    return [
        title,
        f"{redis.requests_per_second:,.0f}",
        f"{hearth.requests_per_second:,.0f}",
        f"{hearth.requests_per_second / redis.requests_per_second:.2f}",
        f"{redis.cpu_microseconds:.3f}",
        f"{hearth.cpu_microseconds:.3f}",
        f"{ratio:.2f}",
        target,
        word,
    ]


def throughput(results):
    heads = ["row", "Redis req/s", "Hearth req/s", "ratio", "Redis CPU µs", "Hearth CPU µs", "ratio", "target", ""]
    text = table(heads, [throughput_line(row, found) for row, found in results])
    spreads = [side.spread for _, found in results if not isinstance(found, str) for side in found.values()]
    if spreads:
        text += f"\n\nLargest spread of the CPU time per command over the rounds of a row: {max(spreads) * 100:.0f} %."
    return text


def types(results):
    """The throughput table, and the verdict on its median row."""
    text = throughput(results)
    ratios = [
        found["hearth"].cpu_microseconds / found["redis"].cpu_microseconds
        for _, found in results
        if not isinstance(found, str)
    ]
    if ratios:
        middle = statistics.median(ratios)
        target, word = verdict(middle, data_types.MEDIAN_TARGET)
        text += f"\n\nMedian of the rows' ratios of CPU time: {middle:.2f} ({target}: {word})."
    return text


def memory_line(row, found):
    title = f"{row.title}, per {row.unit}"
    if isinstance(found, str):
        return [title, found, "", "", "", ""]
    ratio = found["hearth"] / found["redis"]
    return [title, f"{found['redis']:.1f}", f"{found['hearth']:.1f}", f"{ratio:.2f}", *verdict(ratio, row.target)]


def memory(results):
    heads = ["row", "Redis bytes", "Hearth bytes", "ratio", "target", ""]
    return table(heads, [memory_line(row, found) for row, found in results])


def milliseconds(figures):
    text = [f"{figures[name]:.2f}" for name in ("p50", "p99", "max")] + [f"{figures['cleared']['max']:.2f}"]
    text.append(f"{figures['reply']:.2f}" if "reply" in figures else "")
    if figures.get("left"):
        text[-1] = f"{figures['left']:,} keys were left"
    return text


def latency(results):
    heads = ["event", "server", "p50 ms", "p99 ms", "worst ms", "cleared ms", "own reply ms", "target", ""]
    lines = []
    for row, found in results:
        if isinstance(found, str):
            lines.append([row.title, found] + [""] * 7)
            continue
        for part in found["redis"]:
            for name in servers.NAMES:
                lines.append(latency_line(row, part, name, found[name][part]))
    return table(heads, lines)


def latency_line(row, part, name, figures):
    title = f"{part} {row.title}" if part else row.title
    judgement = ["", ""]
    if name == "hearth":
        word = {"max": "worst"}.get(row.judged, row.judged)
        limit = latency_rows.LIMIT_MS
        judgement = [f"{word} <= {limit:g}", "ok" if figures["cleared"][row.judged] <= limit else "MISS"]
    return [title, name.capitalize(), *milliseconds(figures), *judgement]


def compared(redis, hearth, usual_form):
    """A function that gives the cells of one figure of both sides, with the ratio and its verdict."""

    def line(title, value, form=usual_form, most=None):
        ratio = value(hearth) / max(value(redis), 1e-9)
        return [title, form.format(value(redis)), form.format(value(hearth)), f"{ratio:.2f}", *verdict(ratio, most)]

    return line


def judged(cells, target, is_met):
    """The same cells with another verdict than that on the ratio."""
    return [*cells[:-2], target, "ok" if is_met else "MISS"]


def dataset_of(load):
    return f"{load.gigabytes:g} GB of values in {load.keys:,} keys; sorted set and hash of {load.elements:,} each."


def latencies_of(happening, line, before, during):
    """Lines on the writes before and while something was `happening`; two are judged, by Hearth's figures, which
    `before` and `during` are. Where the machine disturbed too many of them, nothing is shown to be met."""
    ms = "{:.2f}"
    is_measured = min(before["undisturbed"]["share"], during["undisturbed"]["share"]) >= LEAST_SHARE

    def of(phase, kind, figure):
        return lambda side: side[phase][kind][figure] if kind else side[phase][figure]

    worst = line(f"worst write {happening}, undisturbed, ms", of("during", "undisturbed", "max"), ms)
    rare = line(f"p99.9 of writes {happening}, undisturbed, ms", of("during", "undisturbed", "p999"), ms)
    calm = {"before": before["undisturbed"], "during": during["undisturbed"]}
    most_rare = 2 * calm["before"]["p999"]
    return [
        line("worst write before, ms", of("before", None, "max"), ms),
        line("worst write before, undisturbed, ms", of("before", "undisturbed", "max"), ms),
        line(f"worst write {happening}, ms", of("during", None, "max"), ms),
        line(f"worst write {happening}, cleared, ms", of("during", "cleared", "max"), ms),
        judged(worst, f"< {latency_rows.LIMIT_MS:g} ms", is_measured and calm["during"]["max"] < latency_rows.LIMIT_MS),
        line("p99.9 of writes before, undisturbed, ms", of("before", "undisturbed", "p999"), ms),
        judged(rare, f"<= {most_rare:.2f} ms", is_measured and calm["during"]["p999"] <= most_rare),
        line(f"share of the writes {happening} that is undisturbed", of("during", "undisturbed", "share"), ms),
    ]


def snapshot(results):
    return "\n\n".join(found if isinstance(found, str) else snapshot_table(found) for _, found in results)


def snapshot_table(found):
    load, redis, hearth = (found[name] for name in ("load", "redis", "hearth"))

    line = compared(redis, hearth, "{:,.0f}")

    kept = {name: found[name]["saturated_during"] / found[name]["saturated_before"] for name in servers.NAMES}
    ms, mb, seconds = "{:.2f}", 1e6, "{:.2f}"
    share = ["share of them kept during a save", f"{kept['redis']:.2f}", f"{kept['hearth']:.2f}", "", "", ""]
    lines = [
        line("resident before, MB", lambda side: side["resident"] / mb),
        line("steady writes/s before", lambda side: side["before"]["rate"]),
        line("steady writes/s during the save", lambda side: side["during"]["rate"]),
        line("the writer's longest delay during the save, ms", lambda side: side["during"]["behind"], ms),
        *latencies_of("during the save", line, hearth["before"], hearth["during"]),
        line("the save, s", lambda side: side["seconds"], seconds, snapshot_rows.DURATION_TARGET),
        line("extra resident memory, MB", lambda side: side["extra"] / mb, most=snapshot_rows.MEMORY_TARGET),
        line("saturating writes/s before", lambda side: side["saturated_before"]),
        line("saturating writes/s during a save", lambda side: side["saturated_during"]),
        judged(share, f">= {snapshot_rows.KEPT_TARGET:g}", kept["hearth"] >= snapshot_rows.KEPT_TARGET),
        line("the save under saturating writes, s", lambda side: side["saturated_seconds"], seconds),
        line("extra resident memory then, MB", lambda side: side["saturated_extra"] / mb),
        line("loading the file, s", lambda side: side["load_seconds"], seconds, snapshot_rows.LOAD_TARGET),
    ]
    return dataset_of(load) + "\n\n" + table(["figure", "Redis", "Hearth", "ratio", "target", ""], lines)


def full_sync(results):
    shapes = {False: full_sync_table, True: throttled_table}
    return "\n\n".join(found if isinstance(found, str) else shapes[row.is_throttled](found) for row, found in results)


def full_sync_table(found):
    load, redis, hearth = (found[name] for name in ("load", "redis", "hearth"))

    line = compared(redis, hearth, "{:.2f}")
    lines = [
        line("replica online after, s", lambda side: side["online"]),
        line("in step after, s", lambda side: side["in_step"], most=full_sync_rows.TIME_TARGET),
        line("full syncs", lambda side: side["syncs"], "{:d}"),
        line("primary's extra resident memory, MB", lambda side: side["extra"] / 1e6, "{:,.0f}",
             full_sync_rows.MEMORY_TARGET),
        line("steady writes/s during it", lambda side: side["during"]["rate"], "{:,.0f}"),
        *latencies_of("during it", line, hearth["before"], hearth["during"]),
    ]
    return dataset_of(load) + "\n\n" + table(["figure", "Redis", "Hearth", "ratio", "target", ""], lines)


def throttled_table(found):
    load = found["load"]
    sides = [found[name] for name in ("redis", "hearth")]

    def line(title, text_of):
        return [title, *map(text_of, sides)]

    lines = [
        line("writes/s until online", lambda side: f"{side['rate']:,.0f}"),
        line("online after, s", lambda side: f"{side['online']:.1f}" if side["is_online"] else f"not within {side['online']:.0f}"),
        line("full syncs", lambda side: f"{side['syncs']:d}"),
        line("in step after, s", lambda side: f"{side['in_step']:.1f}" if side["in_step"] else "never"),
        line("primary's extra resident memory, MB", lambda side: f"{side['extra'] / 1e6:,.0f}"),
    ]
    text = f"A replica that reads {full_sync_rows.THROTTLE / 1e6:g} MB/s of {load.gigabytes:g} GB, writes at full rate."
    return text + "\n\n" + table(["figure", "Redis", "Hearth"], lines)


def rejoin(results):
    return "\n\n".join(found if isinstance(found, str) else rejoin_table(found) for _, found in results)


def rejoin_table(found):
    redis, hearth = (found[name] for name in servers.NAMES)

    def line(title, figure, form, most=None):
        cells = [title, form(redis[figure]), form(hearth[figure])]
        return cells + (["", ""] if most is None else [f"< {form(most)}", "ok" if hearth[figure] < most else "MISS"])

    lines = [
        line("in step after, s", "seconds", "{:.2f}".format, rejoin_rows.TIME_LIMIT_SECONDS),
        line("sent by the new primary, MB", "bytes", lambda value: f"{value / 1e6:,.1f}", rejoin_rows.BYTES_LIMIT),
        line("full syncs", "syncs", str),
    ]
    text = (f"{found['keys']:,} keys of {rejoin_rows.VALUE_BYTES} bytes, {rejoin_rows.DIVERGED:,} written by the old primary"
            f" alone and {rejoin_rows.PROMOTED_WRITES:,} by the new one.")
    return text + "\n\n" + table(["figure", "Redis", "Hearth", "target", ""], lines)


def replica_lag(results):
    """Two lines a row: how far the replica is behind, and whether that grows."""
    heads = ["writes", "servers", "commands/s", "CPU µs primary", "replica", "ratio", "behind, median ms", "worst ms",
             "worst MB", "grows, ms/s", "in step after, s", "full syncs", "target", ""]
    lines = []
    for row, found in results:
        if isinstance(found, str):
            lines.append([row.title, found, *[""] * 12])
            continue
        for name in servers.NAMES:
            side = found[name]
            primary, replica = side["cost"]
            judgement = ["", ""]
            if name == "hearth":
                is_met = (side["slope"] <= lag_rows.SLOPE_LIMIT and replica <= primary * lag_rows.COST_LIMIT
                          and side["syncs"] == 1)
                judgement = [f"ratio <= {lag_rows.COST_LIMIT:g}, < {lag_rows.SLOPE_LIMIT:g} ms/s, 1 sync",
                             "ok" if is_met else "MISS"]
            lines.append([row.title, name.capitalize(), f"{side['rate']:,.0f}", f"{primary:.3f}", f"{replica:.3f}",
                          f"{replica / primary:.2f}", f"{side['median']:.1f}", f"{side['worst']:.1f}",
                          f"{side['bytes'] / 1e6:.1f}", f"{side['slope']:+.1f}", f"{side['in_step']:.3f}",
                          str(side["syncs"]), *judgement])
    return table(heads, lines)


def promises(results):
    heads = ["writes", "Redis/s", "Hearth/s", "with replication-acks 1", "share", "target", ""]
    lines = []
    for row, found in results:
        if isinstance(found, str):
            lines.append([row.title, found, *[""] * 5])
            continue
        hearth, least = found["hearth"], promise_rows.SHARE_TARGET
        share = hearth[1] / hearth[0]
        rates = [f"{rate:,.0f}" for rate in (found["redis"][0], hearth[0], hearth[1])]
        lines.append([row.title, *rates, f"{share:.2f}", f">= {least:.2f}", "ok" if share >= least else "MISS"])
    return table(heads, lines)


def failover(results):
    """A line a row: the milliseconds from the primary's end to the next acknowledged write."""
    lines = []
    for row, found in results:
        if isinstance(found, str):
            lines.append([row.title, found, *[""] * 8])
            continue
        redis, hearth = (found[name] for name in servers.NAMES)
        ratio = hearth["median"] / redis["median"]
        is_met = ratio <= failover_rows.RATIO_TARGET and hearth["median"] <= row.target_ms
        lines.append([row.title, *(f"{side[figure]:,.0f}" for side in (redis, hearth) for figure in ("median", "worst")),
                      f"{ratio:.2f}", f"<= {failover_rows.RATIO_TARGET:g}, <= {row.target_ms} ms",
                      "ok" if is_met else "MISS", f"{redis['lost']:,} of {redis['writes']:,}",
                      f"{hearth['lost']:,} of {hearth['writes']:,}"])
    heads = ["the primary's end", "Redis median, ms", "worst", "Hearth median, ms", "worst", "ratio", "target", "",
             "Redis lost", "Hearth lost"]
    return table(heads, lines)


def misses(text, results):
    """How many targets a section's text calls missed, and how many of its rows could not be measured."""
    return text.count("MISS") + sum(isinstance(found, str) for _, found in results)


def environment(versions, rounds, shrink, average, is_preferred):
    """One paragraph that says where the figures come from; `average` is the load average before all else."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
        if found:
            model = found.group(1)
    count = len(os.sched_getaffinity(0))
    return (
        f"{model}, {count} cores, Linux {platform.release().split('-')[0]}; Redis {versions['redis']},"
        f" Hearth {versions['hearth']}; medians of {rounds} rounds. Load average at the start: {average:.2f}"
        + (f"; servers and clients ran at niceness {servers.NICENESS}." if is_preferred else ".")
        + (f" Quick: a {shrink}th of the loads that the rows name." if shrink > 1 else "")
    )


def write(sections):
    """Replaces what stands between <!-- name --> and <!-- /name --> in the document, for each name."""
    with open(DOCUMENT, encoding="utf-8") as file:
        text = file.read()
    for name, content in sections.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise RuntimeError(f"{DOCUMENT} has no place for {name}: <!-- {name} --> ... <!-- /{name} -->")
        text = pattern.sub(lambda match, content=content: match.group(1) + content + "\n" + match.group(2), text)
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(text)
