"""Starts the two servers that are compared, each pinned to its cores, and reads what the kernel knows about them.

HEARTH_SERVER and REDIS_SERVER name other binaries; comparing Redis with itself shows what the method's noise is.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import resp

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
START_SECONDS = 20
LOAD_SECONDS = 600
NICENESS = -10
STOP_SECONDS = 60
NAMES = ("redis", "hearth")


def binary_of(name):
    if name == "hearth":
        return os.environ.get("HEARTH_SERVER", os.path.join(ROOT, "build", "release", "bin", "hearth-server"))
    return os.environ.get("REDIS_SERVER", "redis-server")


def cores():
    """(cores of the server, cores of the clients): one for the server, the rest for what measures it."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        return allowed, allowed
    return allowed[:1], allowed[1:]


def cores_for_io_threads(count):
    """With fewer than count + 1 cores, the I/O threads have to share with the client, for both servers alike."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) > count:
        return allowed[:count], allowed[count:]
    return allowed, allowed


def cores_of_service():
    """(cores of the server, cores of the clients) where replies are timed while the server works in the background.

    The server may use all cores, for its workers or its child, as it would in service; on one core alone they would
    hold up its own main thread, and the figures would be those of the kernel's scheduler.
    """
    allowed = sorted(os.sched_getaffinity(0))
    return allowed, allowed[-1:]


# Full syncs begin as soon as they are asked for, and go straight to the socket.
SYNC_AT_ONCE = ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")


def wait_until(is_done, what, limit_seconds):
    deadline = time.monotonic() + limit_seconds
    while not is_done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}: not within {limit_seconds} s")
        time.sleep(0.005)


class SessionPriority:
    """The niceness of this session as a whole, where the kernel shares out the processor among sessions."""

    PATH = "/proc/self/autogroup"

    def get(self):
        with open(self.PATH, encoding="ascii") as file:
            return int(file.read().split()[-1])

    def set(self, niceness):
        with open(self.PATH, "w", encoding="ascii") as file:
            file.write(str(niceness))


class ProcessPriority:
    """The niceness of this process and of those that it will start."""

    def get(self):
        return os.getpriority(os.PRIO_PROCESS, 0)

    def set(self, niceness):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)


@contextlib.contextmanager
def preferred():
    """Servers and clients that are started meanwhile go before whatever else runs here; yields whether they do.

    That needs rights. The session is preferred to the process, because nobody in it loses what the others have: a
    thread or child of a server's urgent main thread starts with the niceness 0.
    """
    for priority in (SessionPriority(), ProcessPriority()):
        try:
            before = priority.get()
            priority.set(NICENESS)
        except (OSError, ValueError, IndexError):
            continue
        try:
            yield True
        finally:
            with contextlib.suppress(OSError):
                priority.set(before)
        return
    yield False


def on_cores(chosen, command):
    return ["taskset", "-c", ",".join(str(core) for core in chosen), *command]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def private_bytes(pid):
    """The resident pages that this process maps alone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            found = re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", file.read(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(value) for value in found) * 1024


class Server:
    """A running server on a loopback port of its own, without persistence; `with` ends it by its pid."""

    def __init__(self, name, chosen_cores, *arguments, certificates=None):
        self.name = name
        self.port = free_port()
        self.certificates = certificates  # of tls.py, for a port for TLS
        self.tls_port = free_port() if certificates is not None else 0
        self.folder = tempfile.mkdtemp(prefix="hearth-bench-")
        self.log_path = os.path.join(self.folder, "log")
        command = [binary_of(name), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder]
        command += ["--save", "", "--appendonly", "no", *arguments]
        if certificates is not None:
            command += certificates.for_server(self.tls_port)
        self.command = on_cores(chosen_cores, command)
        self._start(START_SECONDS)

    def _start(self, seconds):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_ready(seconds)
        except BaseException:
            self.stop()
            raise

    def restart(self):
        """Ends the process without a save and starts it again on its files: how long until it serves, in seconds."""
        self._end()
        started = time.monotonic()
        self._start(LOAD_SECONDS)
        return time.monotonic() - started

    def _wait_until_ready(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with resp.Client(self.port) as client:
                    client.call("PING")
                    return
            except (OSError, resp.ServerError):
                time.sleep(0.02)
        raise RuntimeError(f"{binary_of(self.name)} did not start:\n{self.log()}")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def pid(self):
        return self.process.pid

    def cpu_seconds(self):
        """CPU time of all threads so far, in nanoseconds' precision where the kernel keeps schedstat."""
        total = 0
        try:
            for task in os.listdir(f"/proc/{self.pid}/task"):
                with open(f"/proc/{self.pid}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
            return total / 1e9
        except FileNotFoundError:
            with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            return int(re.search(r"^Rss:\s+(\d+) kB", file.read(), re.MULTILINE).group(1)) * 1024

    def resident_bytes_quickly(self):
        """The same from the kernel's counters: it neither walks the pages nor holds up the server's own mapping."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def children_bytes(self):
        """What children hold beside the pages that they share with the server."""
        total = 0
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in os.listdir(f"/proc/{self.pid}/task"):
                with open(f"/proc/{self.pid}/task/{task}/children", encoding="ascii") as file:
                    total += sum(private_bytes(child) for child in file.read().split())
        return total

    def settle(self, seconds=10.0):
        """Waits until background work (freeing, table growth) has ended, at most `seconds`."""
        deadline = time.monotonic() + seconds
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(0.05)
            now = self.cpu_seconds()
            if now - before < 0.001:
                return
            before = now

    @contextlib.contextmanager
    def answering_first(self):
        """Its main thread, which answers, goes before all that is not urgent, as the probe does; workers do not.

        Then a late reply is late because of the server, and not because a compiler had the core. A child that the
        server forks meanwhile does not inherit it. Needs rights, so it may stay undone.
        """
        policy = os.sched_getscheduler(self.pid)
        with contextlib.suppress(OSError):
            os.sched_setscheduler(self.pid, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(self.pid, policy, os.sched_param(0))

    def pause(self):
        """Stops all its threads. Redis's I/O threads spin when they are left active, and would take the core."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def version(self):
        with resp.Client(self.port) as client:
            found = client.info("server")
        return found.get("hearth_version") or found.get("redis_version", "unknown")

    def _end(self):
        if self.process.poll() is None:
            self.resume()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self):
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
