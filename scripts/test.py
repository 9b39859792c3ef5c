#!/usr/bin/env python3
"""Everything that a change has to pass, one step after the other: what `./x test` and continuous integration run.

A failing step does not stop the others. Each step's log is build/test-logs/<step>.log; the end of it is shown when
the step fails. The last line of the output is "N passed, N failed", and the exit code says whether N failed is zero.
"""

import argparse
import glob
import os
import shutil
import stat
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Callable

import steps

LOGS = os.path.join(steps.ROOT, "build", "test-logs")
BUILD_LIMIT = 45 * 60
UNIT_LIMIT = 10 * 60
INTEGRATION_LIMIT = 20 * 60
SHORT_COMMANDS = 10_000
FUZZ_SECONDS = 60
SIM_SECONDS = 110

# Every report of a sanitizer also becomes a file, so that one from a server that a test started cannot get lost.
SANITIZER_OPTIONS = {
    "asan": {
        "ASAN_OPTIONS": "log_path={reports}/report:detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=0",
        "UBSAN_OPTIONS": "log_path={reports}/report:print_stacktrace=1",
    },
    "tsan": {"TSAN_OPTIONS": "log_path={reports}/report:halt_on_error=0:second_deadlock_stack=1"},
}


@dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Step:
    name: str
    what: str
    action: Callable[[str], Outcome]
    needs: str = ""  # the step without which this one makes no sense


def log_of(name):
    return os.path.join(LOGS, name + ".log")


def whole(command, limit, environment=None):
    """A program that passes or fails as one."""

    def action(name):
        code, seconds = steps.run(command, log_of(name), limit, environment)
        return Outcome(int(code == 0), int(code != 0), seconds, reason_of(code))

    return action


def counted(command, limit):
    """A program whose last line is "N passed, N failed"."""

    def action(name):
        code, seconds = steps.run(command, log_of(name), limit)
        passed, failed = steps.last_counts(log_of(name)) or (0, 0)
        return Outcome(passed, max(failed, int(code != 0)), seconds, reason_of(code))

    return action


def reason_of(code):
    if code is None:
        return "ran into its time limit"
    return "" if code == 0 else f"exit code {code}"


def count_xml(paths):
    """(passed, failed) over JUnit files as GoogleTest and pytest write them; skipped cases count as neither."""
    passed = failed = 0
    for path in paths:
        try:
            tree = ElementTree.parse(path)
        except (ElementTree.ParseError, OSError):
            failed += 1
            continue
        for case in tree.iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
            elif case.find("skipped") is None and case.get("status") != "notrun":
                passed += 1
    return passed, failed


def without_address_randomisation(preset, command):
    """Thread sanitizer's shadow memory does not fit every random layout of newer kernels."""
    if preset == "tsan" and shutil.which("setarch"):
        return ["setarch", os.uname().machine, "-R", *command]
    return command


def sanitizer_environment(preset, name):
    if preset not in SANITIZER_OPTIONS:
        return {}, None
    reports = steps.ready_folder(os.path.join(LOGS, name + "-reports"))
    options = {key: value.format(reports=reports) for key, value in SANITIZER_OPTIONS[preset].items()}
    return {**options, "HEARTH_SANITIZER": preset}, reports


def add_reports(outcome, name, reports):
    """Counts every sanitizer report as a failure and puts it into the log."""
    found = sorted(glob.glob(os.path.join(reports, "report*"))) if reports else []
    for path in found:
        with open(log_of(name), "a", encoding="utf-8") as log:
            log.write(f"\n--- sanitizer report {os.path.basename(path)}\n{steps.tail(path)}\n")
    if found:
        outcome.failed += len(found)
        outcome.reason = f"{len(found)} sanitizer report(s)"
    return outcome


def unit(preset):
    def action(name):
        results = steps.ready_folder(os.path.join(LOGS, name + "-results"))
        environment, reports = sanitizer_environment(preset, name)
        environment["GTEST_OUTPUT"] = f"xml:{results}/"
        command = ["ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "--no-tests=error"]
        command += ["-j", str(os.cpu_count() or 2), "--timeout", str(UNIT_LIMIT // 2)]
        command = without_address_randomisation(preset, command)
        code, seconds = steps.run(command, log_of(name), UNIT_LIMIT, environment)
        passed, failed = count_xml(glob.glob(os.path.join(results, "*.xml")))
        outcome = Outcome(passed, max(failed, int(code != 0)), seconds, reason_of(code))
        return add_reports(outcome, name, reports)

    return action


def server_with_io_threads(binary, count):
    """A program beside `binary` that starts it with more I/O threads than a test asks for."""
    path = f"{binary}-io-threads-{count}"
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            "#!/bin/sh\n# Written by scripts/test.py. A lone argument (--version, a file) stays alone.\n"
            f'[ $# -gt 1 ] && set -- "$@" --io-threads {count}\nexec "{binary}" "$@"\n'
        )
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return path


def integration(preset, folders, *arguments, io_threads=1):
    def action(name):
        environment, reports = sanitizer_environment(preset, name)
        binary = os.path.join(steps.ROOT, "build", preset, "bin", "hearth-server")
        if io_threads > 1 and os.path.exists(binary):
            binary = server_with_io_threads(binary, io_threads)
        environment["HEARTH_SERVER"] = binary
        results = os.path.join(LOGS, name + ".xml")
        if os.path.exists(results):
            os.remove(results)
        command = [steps.python(), "-m", "pytest", "-q", f"--junitxml={results}", "-c", "tests/pytest.ini"]
        # Much of their time goes by while servers wait for each other.
        command += ["-n", str(os.cpu_count() or 2), *arguments, *(f"tests/{folder}" for folder in folders)]
        command = without_address_randomisation(preset, command)
        code, seconds = steps.run(command, log_of(name), INTEGRATION_LIMIT, environment)
        passed, failed = count_xml([results])
        outcome = Outcome(passed, max(failed, int(code != 0)), seconds, reason_of(code))
        return add_reports(outcome, name, reports)

    return action


def build(preset):
    return whole(["./x", "build-only", preset], BUILD_LIMIT)


def sequence():
    short = ("--commands", str(SHORT_COMMANDS), "-m", "not slow and not jemalloc")
    python = steps.python()
    fuzz = ["--seconds", str(FUZZ_SECONDS)]
    return [
        Step("lint", "include floors, sizes, bans, formatting", counted([python, "lint/run.py"], 120)),
        Step("lint-test", "the lint finds what it is there to find", whole([python, "lint/lint_test.py"], 120)),
        Step("docs", "generated documents are fresh", whole([python, "spec/generate.py", "docs", "--check"], 120)),
        Step("build", "release build", build("release")),
        Step("unit", "unit tests", unit("release"), "build"),
        Step("sim", f"fresh seeds of the simulator for {SIM_SECONDS} s",
             counted(["build/release/bin/simulator", "--seconds", str(SIM_SECONDS)], 5 * SIM_SECONDS), "build"),
        Step("differential", "same commands, same replies as Redis", integration("release", ["differential"]),
             "build"),
        Step("interop", "clients and tools", integration("release", ["interop"]), "build"),
        Step("hostile", "bad input and bad clients", integration("release", ["hostile"]), "build"),
        Step("server", "start, configuration, introspection", integration("release", ["server"]), "build"),
        Step("persistence", "snapshots and the append-only file, with the real server's too",
             integration("release", ["persistence"]), "build"),
        Step("replication", "primaries and replicas of both kinds, over links that fail",
             integration("release", ["replication"]), "build"),
        Step("sentinel", "Sentinels of both kinds over servers of both kinds",
             integration("release", ["sentinel"]), "build"),
        Step("asan-build", "address and undefined-behaviour sanitizer build", build("asan")),
        Step("asan-unit", "its unit tests", unit("asan"), "asan-build"),
        Step("asan-integration", "a short integration run on it",
             integration("asan", ["differential", "interop", "hostile", "server", "persistence"], *short), "asan-build"),
        Step("tsan-build", "thread sanitizer build", build("tsan")),
        Step("tsan-unit", "its unit tests", unit("tsan"), "tsan-build"),
        Step("tsan-integration", "a short integration run on it with three I/O threads",
             integration("tsan", ["differential", "interop", "hostile", "persistence"], *short, io_threads=3), "tsan-build"),
        Step("fuzz-build", "fuzzers", build("fuzz")),
        Step("fuzz", f"each fuzzer for {FUZZ_SECONDS} s", counted([python, "scripts/fuzz.py", *fuzz], 45 * 60),
             "fuzz-build"),
    ]


def chosen(all_steps, only):
    """The steps whose name, or whose part before the dash, is in `only`; needed builds come along."""
    if not only:
        return all_steps
    words = only.split(",")
    names = {step.name for step in all_steps if step.name in words or step.name.split("-")[0] in words}
    unknown = [word for word in words if not any(word in (s.name, s.name.split("-")[0]) for s in all_steps)]
    if unknown:
        print(f"test: there is no step '{unknown[0]}'; ./x test --list names them", file=sys.stderr)
        sys.exit(2)
    names |= {step.needs for step in all_steps if step.name in names}
    return [step for step in all_steps if step.name in names]


def run_all(wanted):
    outcomes = {}
    for step in wanted:
        print(f"== {step.name}: {step.what}", flush=True)
        needed = outcomes.get(step.needs)
        if needed is not None and needed.failed:
            outcome = Outcome(0, 1, 0.0, f"not run, because {step.needs} failed")
        else:
            log = log_of(step.name)
            if os.path.exists(log):
                os.remove(log)
            outcome = step.action(step.name)
            if outcome.failed:
                print(steps.tail(log), flush=True)
        outcomes[step.name] = outcome
        reason = f" ({outcome.reason})" if outcome.failed and outcome.reason else ""
        word = "FAILED" if outcome.failed else "ok"
        print(f"   {word} in {outcome.seconds:.1f} s: {outcome.passed} passed, {outcome.failed} failed{reason}",
              flush=True)
    return outcomes


def main():
    parser = argparse.ArgumentParser(prog="x test", description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="step names joined by commas; asan, tsan and fuzz stand for all of theirs")
    parser.add_argument("--list", action="store_true", help="name the steps and do nothing")
    arguments = parser.parse_args()
    all_steps = sequence()
    if arguments.list:
        for step in all_steps:
            print(f"{step.name:18} {step.what}")
        return 0
    started = time.monotonic()
    outcomes = run_all(chosen(all_steps, arguments.only))
    print("\nsummary")
    for name, outcome in outcomes.items():
        word = "FAILED" if outcome.failed else "ok"
        print(f"  {name:18} {word:7} {outcome.seconds:8.1f} s  {outcome.passed} passed, {outcome.failed} failed"
              f"{'  ' + outcome.reason if outcome.failed else ''}")
    print(f"  everything took {(time.monotonic() - started) / 60:.1f} minutes")
    failed = sum(outcome.failed for outcome in outcomes.values())
    print(f"{sum(outcome.passed for outcome in outcomes.values())} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    steps.leave_on_sigterm()
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
