#!/usr/bin/env python3
"""Measures Hearth beside the installed redis-server in one run and prints Markdown tables.

Rows are chosen by name or glob (`get-p16`, `memory-*`), or by section: throughput, io-threads, types, memory, latency,
snapshot, full-sync, rejoin, replica-lag, promises and failover; the last six run only when they are named.
The exit code is 0 even where a target is missed: the machine may be busy. It is 1 if a row could not be measured.
"""

import argparse
import fnmatch
import os
import shutil
import sys

import data_types
import failover
import full_sync
import latency
import memory
import promises
import rejoin
import replica_lag
import report
import servers
import snapshot
import throughput

QUICK_SHRINK = 10
ROUNDS = 5
ON_REQUEST = ("snapshot", "full-sync", "rejoin", "replica-lag", "promises", "failover")
QUICK_ROUNDS = 3


def sections():
    """{section: rows}, in the order in which they are measured."""
    all_rows = throughput.rows()
    return {
        "throughput": [row for row in all_rows if row.io_threads == 1 and not row.is_tls],
        "io-threads": [row for row in all_rows if row.io_threads > 1],
        "tls": [row for row in all_rows if row.is_tls],
        "types": data_types.rows(),
        "memory": memory.rows(),
        "latency": latency.rows(),
        "snapshot": snapshot.rows(),
        "full-sync": full_sync.rows(),
        "rejoin": rejoin.rows(),
        "replica-lag": replica_lag.rows(),
        "promises": promises.rows(),
        "failover": failover.rows(),
    }


def choose(names):
    """{section: chosen rows}; fails on a name that chooses nothing."""
    everything = sections()
    if not names:
        return {section: rows for section, rows in everything.items() if section not in ON_REQUEST}
    chosen = {}
    used = set()
    for section, rows in everything.items():
        for row in rows:
            matching = [name for name in names if name == section or fnmatch.fnmatchcase(row.name, name)]
            used.update(matching)
            if matching:
                chosen.setdefault(section, []).append(row)
    for name in names:
        if name not in used:
            print(f"bench: nothing is called '{name}'; ./x bench --list names the rows", file=sys.stderr)
            sys.exit(2)
    return chosen


def say(row, found):
    """Progress goes to standard error; the tables alone to standard output."""
    if isinstance(found, str):
        text = found
    elif isinstance(row, throughput.Row):
        text = ", ".join(f"{name} {side.cpu_microseconds:.3f} µs" for name, side in found.items())
    elif isinstance(row, memory.Row):
        text = ", ".join(f"{name} {value:.1f} bytes" for name, value in found.items())
    else:
        worst = {name: max(figures["cleared"]["max"] for figures in parts.values()) for name, parts in found.items()}
        text = ", ".join(f"{name} worst {value:.2f} ms" for name, value in worst.items())
    print(f"  {row.name}: {text}", file=sys.stderr, flush=True)


def measure(section, rows, rounds, shrink, gigabytes):
    if section in ("throughput", "io-threads", "tls", "types"):
        return throughput.measure(rows, rounds, shrink, say)
    if section == "snapshot":
        return snapshot.measure(rows, gigabytes, say)
    if section == "full-sync":
        return full_sync.measure(rows, gigabytes, say)
    if section == "promises":
        return promises.measure(rows, rounds, shrink, say)
    if section in ("rejoin", "replica-lag", "failover"):
        return {"rejoin": rejoin, "replica-lag": replica_lag, "failover": failover}[section].measure(rows, shrink, say)
    return (memory if section == "memory" else latency).measure(rows, shrink, say)


def versions():
    found = {}
    for name in servers.NAMES:
        with servers.Server(name, servers.cores()[0]) as server:
            found[name] = server.version()
    return found


def parse_arguments():
    parser = argparse.ArgumentParser(prog="x bench", description=__doc__.split("\n")[0])
    parser.add_argument("rows", nargs="*", help="names, globs or sections (default: all)")
    parser.add_argument("--quick", action="store_true", help=f"a {QUICK_SHRINK}th of the load, {QUICK_ROUNDS} rounds")
    parser.add_argument("--rounds", type=int, help=f"rounds of each throughput row (default {ROUNDS})")
    parser.add_argument("--gb", type=float, help=f"data of the snapshot and the full sync (default {snapshot.GIGABYTES:g})")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument("--list", action="store_true", help="name the rows and do nothing")
    arguments = parser.parse_args()
    if arguments.gb is not None and arguments.gb <= 0:
        parser.error("--gb takes a size above 0")
    is_part = arguments.quick or arguments.gb is not None or not set(arguments.rows) <= set(sections())
    if arguments.write and is_part:
        parser.error("--write takes whole sections at full load")
    return arguments


def main():
    arguments = parse_arguments()
    if arguments.list:
        for section, rows in sections().items():
            print(f"{section}: {' '.join(row.name for row in rows)}")
        return 0
    chosen = choose(arguments.rows)
    for program in (servers.binary_of("redis"), servers.binary_of("hearth"), "redis-benchmark", "taskset"):
        if shutil.which(program) is None:
            print(f"bench: there is no {program}", file=sys.stderr)
            return 1
    if len(os.sched_getaffinity(0)) < 2:
        print("bench: there is one core; server and client share it, so throughput means little", file=sys.stderr)
    average = os.getloadavg()[0]
    with servers.preferred() as is_preferred:
        return run(arguments, chosen, average, is_preferred)


def run(arguments, chosen, average, is_preferred):
    """Measures and reports what was chosen; the exit code."""
    rounds = arguments.rounds or (QUICK_ROUNDS if arguments.quick else ROUNDS)
    shrink = QUICK_SHRINK if arguments.quick else 1
    gigabytes = arguments.gb or snapshot.GIGABYTES / shrink
    about = report.environment(versions(), rounds, shrink, average, is_preferred)
    print(about)
    tables = {"environment": about}
    failed = missed = 0
    for section, rows in chosen.items():
        print(f"{section}:", file=sys.stderr, flush=True)
        results = measure(section, rows, rounds, shrink, gigabytes)
        shape = report.throughput if section in ("throughput", "io-threads", "tls") else getattr(report, section.replace("-", "_"))
        tables[section] = shape(results)
        print(f"\n## {section}\n\n{tables[section]}", flush=True)
        failed += sum(isinstance(found, str) for _, found in results)
        missed += report.misses(tables[section], results)
    print(f"\n{missed} targets were missed or rows not measured")
    if arguments.write:
        report.write(tables)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
