#!/usr/bin/env python3
"""No failover without a reason: Sentinels with a short down-after over servers under full load, for many minutes.

    steady.py [--minutes N] [--down-after MS] [--kind hearth|redis]
"""

import argparse
import collections
import contextlib
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from sentinel.deployment import Deployment, Sentinel, Watched  # noqa: E402
from support.lasting import let_pass  # noqa: E402

BENCHMARK = ["redis-benchmark", "-n", "100000000", "-r", "1000000", "-c", "50", "-P", "16", "-d", "100", "-q",
             "-t", "set,get,lpush,lpop,hset,zadd"]
LOOK_SECONDS = 5.0
TELLING = ("+sdown", "-sdown", "+odown", "-odown", "+try-failover", "+elected-leader", "+switch-master", "+tilt", "-tilt")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--down-after", type=int, default=200)
    parser.add_argument("--kind", choices=("hearth", "redis"), default="hearth")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        def begin(cls):
            def start(*words, **options):
                one = cls(*words, **options)
                stack.callback(one.remove_folder)
                stack.callback(one.kill)
                return one
            return start

        kinds = (arguments.kind,) * 3
        deployment = Deployment(begin(Watched), begin(Sentinel), servers=kinds, sentinels=kinds,
                                down_after_ms=arguments.down_after,
                                arguments=("--maxmemory", "200mb", "--maxmemory-policy", "allkeys-lru"))
        events = [one.events() for one in deployment.sentinels]
        load = subprocess.Popen([*BENCHMARK, "-p", str(deployment.primary.port)], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        stack.callback(load.wait)
        stack.callback(load.kill)
        end = time.monotonic() + 60 * arguments.minutes
        told = 0
        while time.monotonic() < end:
            let_pass(LOOK_SECONDS)
            counts = collections.Counter(name for one in events for name in one.names() if name in TELLING)
            if sum(counts.values()) != told:
                told = sum(counts.values())
                print(f"{arguments.minutes - (end - time.monotonic()) / 60:6.1f} min: {dict(counts)}", flush=True)
            if load.poll() is not None:
                print("the load has ended before its time", flush=True)
                return 1
        failovers = counts["+try-failover"]
        print(f"{arguments.minutes:g} minutes with down-after {arguments.down_after}: {failovers} failovers, "
              f"{counts['+odown']} times objectively and {counts['+sdown']} times subjectively down")
        return 1 if failovers else 0


if __name__ == "__main__":
    sys.exit(main())
