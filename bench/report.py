"""Turns measurements into Markdown tables, and puts them into docs/benchmarks.md."""

import os
import platform
import re

import servers

DOCUMENT = os.path.join(servers.ROOT, "docs", "benchmarks.md")


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
    text = [f"{figures[name]:.2f}" for name in ("p50", "p99", "max")]
    text.append(f"{figures['reply']:.2f}" if "reply" in figures else "")
    if figures.get("left"):
        text[-1] = f"{figures['left']:,} keys were left"
    return text


def latency(results):
    heads = ["event", "server", "p50 ms", "p99 ms", "worst ms", "own reply ms"]
    lines = []
    for row, found in results:
        if isinstance(found, str):
            lines.append([row.title, found, "", "", "", ""])
            continue
        for name in servers.NAMES:
            lines.append([row.title, name.capitalize(), *milliseconds(found[name])])
    return table(heads, lines)


def misses(results):
    """How many rows missed their target or could not be measured."""
    count = 0
    for row, found in results:
        if isinstance(found, str):
            count += 1
        elif getattr(row, "target", None) is not None:
            value = {name: getattr(side, "cpu_microseconds", side) for name, side in found.items()}
            count += value["hearth"] / value["redis"] > row.target
    return count


def environment(versions, rounds, shrink):
    """One paragraph that says where the figures come from."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
        if found:
            model = found.group(1)
    count = len(os.sched_getaffinity(0))
    return (
        f"{model}, {count} cores, Linux {platform.release().split('-')[0]}; Redis {versions['redis']},"
        f" Hearth {versions['hearth']}; medians of {rounds} rounds."
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
