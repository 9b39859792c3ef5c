"""A differential session: cases from one seed until a difference is found, its report, and cases in files."""

import json
import os
import pathlib
import tempfile
import time

from differential import families
from differential.grammar import Generator, Step, make_case
from differential.runner import Runner
from differential.shrink import Shrinker

CASE_LENGTH = 2500
CONTEXT = 12
LOG_LINES = 60
# Redis 7.0 has faults of its own that end it now and then (XADD of an entry larger than stream-node-max-bytes may leave
# the stream with memory that was freed).
ORACLE_DEATHS = 3


class Outcome:
    """What a session did; `report` is empty when the servers agreed."""

    def __init__(self, seed, commands, seconds, report="", steps=(), difference=None, replay=None):
        self.seed, self.commands, self.seconds = seed, commands, seconds
        self.report, self.steps, self.difference, self.replay = report, steps, difference, replay


def case_seed(seed, number):
    return seed * 1000003 + number


def run_case(left, right, steps):
    """(difference or None, commands carried out). A server that an earlier case brought down is started
    again."""
    for server in (left, right):
        if not server.answers():
            server.kill()
            server.restart()
    runner = Runner(left, right)
    try:
        return runner.run(steps), runner.commands
    finally:
        runner.close()


def run_session(left, right, seed, groups, commands, try_to_shrink=True):
    """Runs cases of CASE_LENGTH commands until `commands` are done or a difference is found. Every second
    case mixes all groups; the others take one group in turn, since a mixed case visits the corners of each
    more rarely."""
    modules = [families.load(group) for group in groups]
    started, done, number, deaths = time.monotonic(), 0, 0, 0
    while done < commands:
        generator = Generator(case_seed(seed, number))
        chosen = modules if number % 2 == 0 else [modules[number // 2 % len(modules)]]
        steps = make_case(generator, chosen, min(CASE_LENGTH, commands - done))
        difference, count = run_case(left, right, steps)
        done += count
        if difference is not None and difference.kind == "lost" and right.answers() and not left.answers():
            deaths += 1
            if deaths <= ORACLE_DEATHS:
                print(f"the oracle has ended by itself in case {number} of seed {seed}; the case is passed over")
                left.finish_dying()
                number += 1
                continue
        if difference is not None:
            return _failure(left, right, seed, number, steps, difference, done, started, try_to_shrink)
        number += 1
    return Outcome(seed, done, time.monotonic() - started)


def _failure(left, right, seed, number, steps, difference, done, started, try_to_shrink):
    small, small_difference = steps, difference
    for server in (left, right):
        if not server.answers():
            server.finish_dying()
    logs = ["\n".join(server.log().splitlines()[-LOG_LINES:]) for server in (left, right)]
    if try_to_shrink:
        small, small_difference = Shrinker(lambda candidate: run_case(left, right,
            candidate)[0]).shrink(steps, difference)
    replay = write_case(small)
    report = describe(seed, number, steps, difference, small, small_difference, replay)
    if difference.kind == "lost":
        report += "".join(f"\nlog of the {s.role}:\n{log}" for s, log in zip((left, right), logs))
    return Outcome(seed, done, time.monotonic() - started, report, small, small_difference, replay)


def show(step):
    text = " ".join(repr(a)[1:] if len(a) <= 120 else f"{a[:40]!r}...({len(a)} bytes)"
                    for a in step.arguments)
    return f"[{step.connection}] {text}"


def show_reply(reply):
    text = repr(reply)
    return text if len(text) <= 1500 else f"{text[:1500]}...({len(text)} characters)"


def describe(seed, number, steps, difference, small, small_difference, replay):
    lines = [f"DIFFERENCE ({difference.kind}) with seed {seed}, case {number}, command {difference.index}:"]
    named = set(difference.step.arguments[1:]) if difference.step else set()
    before = [i for i in range(difference.index) if named & set(steps[i].arguments[1:])][-CONTEXT:]
    lines += [f"  {i}: {show(steps[i])}" for i in before]
    lines += [f"  {difference.index}: {show(difference.step)}",
              f"  oracle: {show_reply(difference.left)}", f"  hearth: {show_reply(difference.right)}"]
    if len(small) < len(steps):
        lines.append(f"shrunk from {len(steps)} to {len(small)} commands:")
        lines += [f"  {show(step)}" for step in small[:60]]
        lines += [f"  oracle: {show_reply(small_difference.left)}",
                  f"  hearth: {show_reply(small_difference.right)}"]
    lines.append(f"replay: python3 tests/differential/run.py --replay {replay}")
    return "\n".join(lines)


def write_case(steps):
    """A file with the case, for --replay; bytes are kept as latin-1 text."""
    folder = os.environ.get("HEARTH_CASES", tempfile.gettempdir())
    handle, path = tempfile.mkstemp(prefix="hearth-case-", suffix=".json", dir=folder)
    with os.fdopen(handle, "w") as file:
        json.dump([[s.connection, [a.decode("latin-1") for a in s.arguments]] for s in steps], file)
    return path


def read_case(path):
    data = json.loads(pathlib.Path(path).read_text())
    return [Step(connection, tuple(a.encode("latin-1") for a in arguments)) for connection, arguments in data]
