"""Starts and stops a server (Hearth, or the real Redis that is the oracle) in a folder of its own.

The binaries come from HEARTH_SERVER (default build/release/bin/hearth-server of this checkout) and
REDIS_SERVER (default redis-server). A server listens on loopback and on a unix socket only, and is ended by
its pid.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from support.resp import Client, ConnectionClosed, Error, ReplyTimeout

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_SECONDS = 15.0
STOP_SECONDS = 15.0


def hearth_binary():
    return os.environ.get("HEARTH_SERVER", str(ROOT / "build" / "release" / "bin" / "hearth-server"))


def oracle_binary():
    return os.environ.get("REDIS_SERVER", "redis-server")


def binary_of(role):
    return {"hearth": hearth_binary, "oracle": oracle_binary}[role]()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds=10.0, what="the condition", pause=0.01):
    """Polls `condition` until it is true and returns its value; fails at the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(pause)


class Server:
    """One running server process. `address` is its unix socket; `tcp` its loopback address (None with
    tcp=False)."""

    def __init__(self, role="hearth", *arguments, tcp=False, config=None, stdin=None, folder=None, wait=True,
                 unix_socket=True):
        self.role = role
        self.owns_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="hearth-test-"))
        self.port = free_port() if tcp else 0
        self.tcp = ("127.0.0.1", self.port) if tcp else None
        self.address = str(self.folder / "s.sock") if unix_socket else self.tcp
        self.log_path = self.folder / "server.log"
        self.command = self._command(config, [str(a) for a in arguments], stdin is not None, unix_socket)
        self.process = self._launch(stdin)
        if wait:
            self.wait_until_ready()

    def _command(self, config, arguments, from_stdin, unix_socket):
        command = [binary_of(self.role)]
        if from_stdin:
            command.append("-")
        elif config is not None:
            path = self.folder / "server.conf"
            path.write_text(config)
            command.append(str(path))
        command += ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--daemonize",
                    "no"]
        if unix_socket:
            command += ["--unixsocket", self.address]
        given = set(arguments)
        if "--save" not in given:
            command += ["--save", ""]
        if "--appendonly" not in given:
            command += ["--appendonly", "no"]
        return command + arguments

    def _launch(self, stdin):
        with open(self.log_path, "ab") as log:
            process = subprocess.Popen(self.command, stdin=subprocess.PIPE if stdin is not None
                                       else subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)
        if stdin is not None:
            process.stdin.write(stdin.encode())
            process.stdin.close()
        return process

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        """All that the process wrote so far; empty when its folder is gone."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_until_ready(self, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                code = self.process.returncode
                raise AssertionError(f"{self.command[0]} ended with {code} at start:\n{self.log()}")
            if self.answers():
                return
            time.sleep(0.01)
        self.kill()
        raise AssertionError(f"{self.command[0]} was not ready within {seconds} s:\n{self.log()}")

    def answers(self):
        """True when it takes a connection and has its data loaded."""
        try:
            with Client(self.address, timeout=2.0) as client:
                reply = client.call("PING")
                return not (isinstance(reply, Error) and reply.value.startswith(b"LOADING"))
        except (OSError, ConnectionClosed, ReplyTimeout):
            return False

    def restart(self):
        """Starts the ended process again with the same arguments and folder."""
        if self.is_running():
            raise AssertionError(f"process {self.pid} still runs")
        pathlib.Path(self.folder / "s.sock").unlink(missing_ok=True)
        self.process = self._launch(None)
        self.wait_until_ready()

    def client(self, timeout=10.0, tcp=False):
        return Client(self.tcp if tcp else self.address, timeout)

    def is_running(self):
        return self.process.poll() is None

    def wait_for_exit(self, seconds=STOP_SECONDS):
        """The exit code; fails when the process does not end in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            message = f"process {self.pid} did not end within {seconds} s:\n{self.log()}"
            raise AssertionError(message) from error

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.is_running():
            self.process.kill()
        self.process.wait(STOP_SECONDS)

    def has_crashed(self):
        """True when the process ended by a fault of its own or a sanitizer complained."""
        crashes = (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE)
        return self.process.poll() in crashes or "Sanitizer" in self.log()

    def finish_dying(self, seconds=5.0):
        """Lets a crashed process write its report; one that hangs is killed."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def stop(self, keep_folder=False):
        """Ends the process by its pid and removes its folder. Hearth has to end on SIGTERM (and a sanitizer
        reports then), or is killed; the oracle is killed at once, which saves a tenth of a second for each
        test."""
        if self.role == "oracle":
            self.kill()
        elif self.is_running():
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        if not keep_folder:
            self.remove_folder()

    def remove_folder(self):
        """Removes the folder unless it belongs to somebody else."""
        if self.owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def resident_bytes(self):
        """Resident memory of the process as the kernel counts it."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the kernel gives no VmRSS")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
