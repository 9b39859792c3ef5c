#!/usr/bin/env python3
"""Runs the fuzzers of build/fuzz, as many at a time as there are cores.

Seeds come from fuzz/corpus/<fuzzer>/ (read only); what a run finds is kept in build/fuzz/corpus/<fuzzer>/ for the next
run. Words that a fuzzer may put in stand in fuzz/dictionaries/<fuzzer>. A crashing input is left in build/fuzz/artifacts/ and its replay command is printed.
"""

import argparse
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import steps

FOLDER = os.path.join(steps.ROOT, "build", "fuzz")
# Small decoders, whose corners are soon seen, and those whose input comes from the server's own disk or from its operators
# get a third.
SHORT = {"acl_fuzz", "functions_fuzz", "intset_fuzz", "listpack_fuzz", "manifest_fuzz", "segment_fuzz", "sentinel_fuzz",
         "stream_fuzz"}
INPUT_LIMIT_SECONDS = 25
MEMORY_LIMIT_MB = 2048


def fuzzers():
    sources = os.path.join(steps.ROOT, "fuzz")
    return sorted(name[:-3] for name in os.listdir(sources) if name.endswith("_fuzz.cc"))


def fuzz(name, seconds):
    """(name, passed, what to say)."""
    binary = os.path.join(FOLDER, "bin", name)
    if not os.path.exists(binary):
        return name, False, f"{binary} is not built"
    grown = os.path.join(FOLDER, "corpus", name)
    artifacts = os.path.join(FOLDER, "artifacts")
    os.makedirs(grown, exist_ok=True)
    os.makedirs(artifacts, exist_ok=True)
    command = [binary, f"-max_total_time={seconds}", f"-timeout={INPUT_LIMIT_SECONDS}",
               f"-rss_limit_mb={MEMORY_LIMIT_MB}", f"-artifact_prefix={artifacts}/{name}-",
               "-print_final_stats=1", grown]
    dictionary = os.path.join(steps.ROOT, "fuzz", "dictionaries", name)
    if os.path.exists(dictionary):
        command.insert(1, f"-dict={dictionary}")
    seeds = os.path.join(steps.ROOT, "fuzz", "corpus", name)
    if os.path.isdir(seeds):
        command.append(seeds)
    log = os.path.join(FOLDER, name + ".log")
    if os.path.exists(log):
        os.remove(log)
    environment = {"UBSAN_OPTIONS": "print_stacktrace=1"}
    code, _ = steps.run(command, log, seconds + 10 * INPUT_LIMIT_SECONDS, environment, own_group=False)
    if code == 0:
        runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", steps.tail(log))
        return name, True, f"{int(runs.group(1)):,} inputs" if runs else "ok"
    return name, False, f"{steps.tail(log)}\nreplay: {binary} <the input named above, in {artifacts}>"


def main():
    parser = argparse.ArgumentParser(prog="x fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long each fuzzer runs (default 60; a third of it for small ones "
                        "that are not named)")
    parser.add_argument("names", nargs="*", help="fuzzers, without .cc (default: all)")
    arguments = parser.parse_args()
    known = fuzzers()
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        print(f"fuzz: there is no fuzzer '{unknown[0]}'; there are {', '.join(known)}", file=sys.stderr)
        return 2
    passed = failed = 0
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        seconds = {name: arguments.seconds for name in arguments.names} or {
            name: arguments.seconds // 3 if name in SHORT else arguments.seconds for name in known}
        for name, good, text in pool.map(fuzz, seconds.keys(), seconds.values()):
            print(f"{name}: {text}" if good else f"{name} FAILED\n{text}", flush=True)
            passed += good
            failed += not good
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
