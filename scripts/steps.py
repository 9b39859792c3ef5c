"""Runs one program of the test sequence within a time limit, with its output in a log file."""

import os
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TAIL_LINES = 80


def python():
    """The distribution's Python, which sees the distribution's pytest and redis packages."""
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"


def leave_on_sigterm():
    """Lets SIGTERM unwind like Ctrl-C, so that whatever runs is ended too."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def end(process, own_group):
    """Ends a process, and what it started if it leads its own group."""
    for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        try:
            if own_group:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        except ProcessLookupError:
            pass
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue


def run(command, log_path, limit_seconds, environment=None, own_group=True):
    """(exit code, seconds). The code is None if the limit was reached; the output goes to `log_path`.

    A program that starts no others can stay in the caller's process group, and ends with it.
    """
    os.makedirs(os.path.dirname(log_path), exist_ok=True)
    started = time.monotonic()
    with open(log_path, "ab") as log:
        log.write((" ".join(command) + "\n").encode())
        log.flush()
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=own_group,
        )
        try:
            code = process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            log.write(f"\nended after {limit_seconds} s, the limit of this step\n".encode())
            code = None
        finally:
            if process.poll() is None:
                end(process, own_group)
    return code, time.monotonic() - started


def tail(log_path, lines=TAIL_LINES):
    try:
        with open(log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:]).rstrip("\n")
    except OSError as error:
        return f"(no log: {error})"


def last_counts(log_path):
    """(passed, failed) of a log whose last line is "N passed, N failed", else None."""
    words = tail(log_path, 1).replace(",", "").split()
    if len(words) == 4 and words[1] == "passed" and words[3] == "failed" and words[0].isdigit() and words[2].isdigit():
        return int(words[0]), int(words[2])
    return None


def ready_folder(path):
    """Makes `path` an empty folder of plain files."""
    os.makedirs(path, exist_ok=True)
    for name in os.listdir(path):
        full = os.path.join(path, name)
        if os.path.isfile(full):
            os.remove(full)
    return path
