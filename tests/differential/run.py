#!/usr/bin/env python3
"""Runs generated commands against Hearth and a real Redis and reports the first difference.

    tests/differential/run.py [--seed N] [--commands N] [--groups string,list] [--replay FILE]
"""

import argparse
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from differential import families  # noqa: E402
from differential.runner import SERVER_ARGUMENTS  # noqa: E402
from differential.session import describe, read_case, run_case, run_session  # noqa: E402
from support.server import Server  # noqa: E402


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    environment_seed = os.environ.get("HEARTH_SEED")
    parser.add_argument("--seed", type=int, default=int(environment_seed) if environment_seed else None)
    parser.add_argument("--commands", type=int, default=20000)
    parser.add_argument("--groups", default=",".join(families.names()))
    parser.add_argument("--replay", metavar="FILE", help="run the case in FILE once")
    parser.add_argument("--no-shrink", action="store_true")
    return parser.parse_args()


def main():
    chosen = options()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().getrandbits(32)
    with Server("oracle", *SERVER_ARGUMENTS) as left, Server("hearth", *SERVER_ARGUMENTS) as right:
        if chosen.replay:
            steps = read_case(chosen.replay)
            difference, count = run_case(left, right, steps)
            print(describe(0, 0, steps, difference, steps, difference, chosen.replay) if difference else
                  f"{count} commands, no difference")
            return 1 if difference else 0
        print(f"HEARTH_SEED={seed}", flush=True)
        outcome = run_session(left, right, seed, chosen.groups.split(","), chosen.commands,
                              not chosen.no_shrink)
    print(outcome.report or f"{outcome.commands} commands in {outcome.seconds:.1f} s, no difference")
    return 1 if outcome.report else 0


if __name__ == "__main__":
    sys.exit(main())
