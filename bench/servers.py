"""Starts the two servers that are compared, each pinned to its cores, and reads what the kernel knows about them.

HEARTH_SERVER and REDIS_SERVER name other binaries; comparing Redis with itself shows what the method's noise is.
"""

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


def on_cores(chosen, command):
    return ["taskset", "-c", ",".join(str(core) for core in chosen), *command]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server on a loopback port of its own, without persistence; `with` ends it by its pid."""

    def __init__(self, name, chosen_cores, *arguments):
        self.name = name
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="hearth-bench-")
        self.log_path = os.path.join(self.folder, "log")
        command = [binary_of(name), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder]
        command += ["--save", "", "--appendonly", "no", *arguments]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                on_cores(chosen_cores, command), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with resp.Client(self.port) as client:
                    client.call("PING")
                    return
            except (OSError, resp.ServerError):
                time.sleep(0.02)
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            raise RuntimeError(f"{binary_of(self.name)} did not start:\n{log.read()}")

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

    def pause(self):
        """Stops all its threads. Redis's I/O threads spin when they are left active, and would take the core."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def version(self):
        with resp.Client(self.port) as client:
            text = client.call("INFO", "server").decode()
        found = dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)
        return found.get("hearth_version") or found.get("redis_version", "unknown")

    def stop(self):
        if self.process.poll() is None:
            self.resume()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
