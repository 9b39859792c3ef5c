#!/usr/bin/env python3
"""Rounds of randomised tests with fresh seeds until a bound is reached or something fails.

A round is: the unit tests with a new HEARTH_SEED, snapshots at random points in time, kill -9 and full disks, Sentinels
that are killed, networks that fail, primaries that come back empty, primaries that are killed after promises, the
differential tests, every fuzzer for a while. The first failure ends the soak with its seed, so that the same round can
be run again with --seed; the tests of snapshots take a seed of their own each time, and print it.
"""

import argparse
import os
import random
import sys
import time

import steps

LOGS = os.path.join(steps.ROOT, "build", "soak-logs")


def round_of(arguments, seed):
    """(name, command, limit in seconds, environment) of what one round runs."""
    environment = {"HEARTH_SEED": str(seed)}
    # Generous: a slow machine is no failure, a hang is.
    differential_limit = 600 + arguments.commands // 50
    unit = ["ctest", "--test-dir", "build/release", "--output-on-failure", "--no-tests=error"]
    differential = [steps.python(), "-m", "pytest", "-q", "-c", "tests/pytest.ini", "--seed", str(seed)]
    differential += ["--commands", str(arguments.commands), "tests/differential"]
    parts = [("unit", unit, 900, environment)]
    if arguments.cut_seeds:
        cuts = ["build/release/bin/commands_test", "--gtest_filter=CutTest.*", "--gtest_brief=1",
                "--gtest_break_on_failure", f"--gtest_repeat={arguments.cut_seeds}"]
        parts.append(("cuts", cuts, 600 + 10 * arguments.cut_seeds, {}))
    if arguments.kills:
        kills = [steps.python(), "-m", "pytest", "-q", "-c", "tests/pytest.ini", "--seed", str(seed)]
        kills += ["tests/persistence/test_kill.py", "tests/persistence/test_full_disk.py"]
        parts.append(("kills", kills, 600 + 40 * arguments.kills, {"HEARTH_KILL_ROUNDS": str(arguments.kills)}))
    if arguments.sentinel_kills:
        kills = [steps.python(), "-m", "pytest", "-q", "-c", "tests/pytest.ini", "tests/sentinel/test_kills.py"]
        parts.append(("sentinel-kills", kills, 600 + 60 * arguments.sentinel_kills,
                      {**environment, "HEARTH_SENTINEL_KILL_ROUNDS": str(arguments.sentinel_kills)}))
    if arguments.partitions:
        partitions = [steps.python(), "tests/sentinel/partitions.py", "--seed", str(seed)]
        partitions += ["--rounds", str(arguments.partitions)]
        parts.append(("partitions", partitions, 600 + 300 * arguments.partitions, {}))
    if arguments.guard_rounds:
        restarts = [steps.python(), "tests/replication/empty_restarts.py", "--seed", str(seed)]
        restarts += ["--rounds", str(arguments.guard_rounds)]
        parts.append(("guard", restarts, 600 + 60 * arguments.guard_rounds, {}))
    if arguments.promise_kills:
        promises = [steps.python(), "-m", "pytest", "-q", "-c", "tests/pytest.ini", "--seed", str(seed)]
        promises += ["tests/replication/test_promised_writes.py", "-k", "primary_is_killed"]
        parts.append(("promise-kills", promises, 600 + 60 * arguments.promise_kills,
                      {"HEARTH_REPLICATION_ROUNDS": str(arguments.promise_kills)}))
    parts.append(("differential", differential, differential_limit, environment))
    if arguments.fuzz_seconds:
        command = [steps.python(), "scripts/fuzz.py", "--seconds", str(arguments.fuzz_seconds)]
        parts.append(("fuzz", command, 600 + 20 * arguments.fuzz_seconds, {}))
    return parts


def main():
    parser = argparse.ArgumentParser(prog="x soak", description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="start no round after this long (default 60)")
    parser.add_argument("--rounds", type=int, default=0, help="at most this many rounds (default 0: no such bound)")
    parser.add_argument("--commands", type=int, default=200_000, help="generated commands a round (default 200,000)")
    parser.add_argument("--fuzz-seconds", type=int, default=60, help="per fuzzer and round (default 60, 0 for none)")
    parser.add_argument("--cut-seeds", type=int, default=20, help="runs of the tests of snapshots a round (default 20)")
    parser.add_argument("--kills", type=int, default=10, help="kill -9 per fsync policy and round (default 10)")
    parser.add_argument("--sentinel-kills", type=int, default=5, help="failovers in which Sentinels are killed (default 5)")
    parser.add_argument("--guard-rounds", type=int, default=3,
                        help="restarts of an empty primary, for Redis and for Hearth (default 3)")
    parser.add_argument("--promise-kills", type=int, default=3,
                        help="primaries killed for each way of promising writes (default 3)")
    parser.add_argument("--partitions", type=int, default=0,
                        help="rounds of failing networks, for Redis and for Hearth (default 0; needs root)")
    parser.add_argument("--seed", type=int, help="seed of the first round (default: fresh)")
    arguments = parser.parse_args()
    deadline = time.monotonic() + 60 * arguments.minutes
    rounds = 0
    while time.monotonic() < deadline and (not arguments.rounds or rounds < arguments.rounds):
        rounds += 1
        fresh = random.SystemRandom().getrandbits(32)
        seed = arguments.seed if rounds == 1 and arguments.seed is not None else fresh
        print(f"round {rounds}, seed {seed}", flush=True)
        for name, command, limit, environment in round_of(arguments, seed):
            log = os.path.join(LOGS, name + ".log")
            if os.path.exists(log):
                os.remove(log)
            code, seconds = steps.run(command, log, limit, environment)
            print(f"  {name}: {'ok' if code == 0 else 'FAILED'} in {seconds:.0f} s", flush=True)
            if code != 0:
                print(steps.tail(log))
                print(f"again: ./x soak --rounds 1 --seed {seed} --commands {arguments.commands}")
                print(f"{rounds - 1} passed, 1 failed")
                return 1
    print(f"{rounds} passed, 0 failed")
    return 0


if __name__ == "__main__":
    steps.leave_on_sigterm()
    sys.exit(main())
