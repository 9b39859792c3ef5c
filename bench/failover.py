"""How long a primary's end keeps writers waiting, and what is lost; Hearth's Sentinels over Hearth, Redis's over Redis.

One primary, two replicas, three Sentinels. A writer adds numbers to a set, each once, and asks the Sentinels where to go
on when a write is not answered. The primary is killed, or stopped without being closed. What counts is the time until
the next write is acknowledged by another server, and how many acknowledged numbers that one does not have.
"""

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

import resp
import servers

ROUNDS = 10
LEAST_ROUNDS = 2
NAME = "bench"
REPLICAS = 2
SENTINELS = 3
WARM_SECONDS = 0.5
AFTER_SECONDS = 0.2  # of writes to the new primary
LIMIT_SECONDS = 60
ANSWER_SECONDS = 0.1  # a writer that waits longer asks for another primary
RATIO_TARGET = 0.6  # Hearth over Redis, at most
BEYOND_TARGETS = {"kill": {1000: 1250, 200: 450}, "freeze": {1000: 1450, 200: 650}}  # median ms, at most
# Sentinels know one another sooner so. What is measured has the usual periods again.
HURRY = {"info-period": 100, "publish-period": 100}
USUAL = {"info-period": 10_000, "publish-period": 2_000}


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    how: str  # "kill" or "freeze"
    down_after_ms: int
    is_promised: bool = False  # Hearth acknowledges what a replica has, too

    @property
    def target_ms(self):
        return BEYOND_TARGETS[self.how][self.down_after_ms]


def rows():
    words = {"kill": "kill -9", "freeze": "SIGSTOP"}
    plain = [Row(f"failover-{how}-{ms}", f"{words[how]}, down-after {ms} ms", how, ms)
             for how in words for ms in (1000, 200)]
    return [*plain, Row("failover-promised", "kill -9, down-after 200 ms, Hearth with replication-acks 1", "kill", 200, True)]


class Sentinel:
    """A Sentinel of either kind with a configuration file of its own."""

    def __init__(self, name, configuration):
        self.port = servers.free_port()
        self.folder = tempfile.mkdtemp(prefix="hearth-bench-")
        path = os.path.join(self.folder, "sentinel.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n{configuration}")
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen([servers.binary_of(name), path, "--sentinel"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT)

    def ask(self, *words):
        with resp.Client(self.port) as client:
            return client.call("SENTINEL", *words)

    def knows_all(self):
        try:
            replicas = self.ask("REPLICAS", NAME)
            others = self.ask("SENTINELS", NAME)
        except (OSError, resp.ServerError):
            return False
        return (len(replicas) == REPLICAS and all(one[one.index(b"flags") + 1] == b"slave" for one in replicas)
                and len(others) == SENTINELS - 1)

    def set_periods(self, periods):
        self.ask("DEBUG", *(str(word) for pair in periods.items() for word in pair))

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Writer(threading.Thread):
    """Adds the numbers 0, 1, 2, ... to a set, wherever the Sentinels say. It never sends a number twice."""

    def __init__(self, port, sentinels):
        super().__init__(daemon=True)
        self.ports = [sentinel.port for sentinel in sentinels]
        self.first_port = self.port = port
        self.acknowledged = []
        self.switched_at = None  # when another server first acknowledged
        self.is_over = False

    def run(self):
        number = 0
        client = None
        while not self.is_over:
            number += 1
            try:
                client = client or self.connect()
                client.call("SADD", "numbers", str(number))
                self.acknowledged.append(number)
                if self.switched_at is None and self.port != self.first_port:
                    self.switched_at = time.monotonic()
            except (OSError, ValueError, resp.ServerError):
                if client is not None:
                    client.close()
                client = None
                self.port = self.ask(number) or self.port

    def connect(self):
        client = resp.Client(self.port)
        client.socket.settimeout(ANSWER_SECONDS)
        return client

    def ask(self, number):
        """The primary's port, as one Sentinel after the other says it; at most so many questions a second."""
        time.sleep(0.001)
        try:
            with resp.Client(self.ports[number % len(self.ports)]) as client:
                client.socket.settimeout(ANSWER_SECONDS)
                return int(client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1])
        except (OSError, ValueError, TypeError, resp.ServerError):
            return None

    def finish(self):
        self.is_over = True
        self.join()


@contextlib.contextmanager
def deployment(name, row):
    """(primary, all servers, Sentinels), all of which know one another."""
    cores, _ = servers.cores_of_service()
    options = ["--repl-diskless-sync-delay", "0"]
    if row.is_promised and name == "hearth":
        options += ["--replication-acks", "1"]
    with contextlib.ExitStack() as stack:
        primary = stack.enter_context(servers.Server(name, cores, *options))
        replicas = [stack.enter_context(servers.Server(name, cores, *options, "--replicaof", f"127.0.0.1 {primary.port}"))
                    for _ in range(REPLICAS)]
        with resp.Client(primary.port) as client:
            servers.wait_until(
                lambda: client.info("replication").get("connected_slaves") == str(REPLICAS)
                and "state=online" in client.info("replication").get(f"slave{REPLICAS - 1}", ""),
                "the replicas", LIMIT_SECONDS)
        configuration = (f"sentinel monitor {NAME} 127.0.0.1 {primary.port} 2\n"
                         f"sentinel down-after-milliseconds {NAME} {row.down_after_ms}\n"
                         f"sentinel failover-timeout {NAME} 10000\n")
        sentinels = [Sentinel(name, configuration) for _ in range(SENTINELS)]
        for sentinel in sentinels:
            stack.callback(sentinel.stop)
        for sentinel in sentinels:
            servers.wait_until(lambda one=sentinel: is_answering(one), "a Sentinel", LIMIT_SECONDS)
            sentinel.set_periods(HURRY)
        for sentinel in sentinels:
            servers.wait_until(sentinel.knows_all, "the Sentinels' knowledge", LIMIT_SECONDS)
        for sentinel in sentinels:
            sentinel.set_periods(USUAL)
        yield primary, [primary, *replicas], sentinels


def is_answering(sentinel):
    try:
        return len(sentinel.ask("MYID")) == 40
    except (OSError, resp.ServerError):
        return False


def one_round(name, row):
    """(milliseconds until the next acknowledged write, acknowledged writes that are lost, writes)."""
    with deployment(name, row) as (primary, everybody, sentinels):
        writer = Writer(primary.port, sentinels)
        writer.start()
        time.sleep(WARM_SECONDS)
        struck_at = time.monotonic()
        os.kill(primary.pid, signal.SIGKILL if row.how == "kill" else signal.SIGSTOP)
        try:
            servers.wait_until(lambda: writer.switched_at is not None, f"{name}: the failover", LIMIT_SECONDS)
            time.sleep(AFTER_SECONDS)
        finally:
            writer.finish()
            if row.how == "freeze":
                os.kill(primary.pid, signal.SIGCONT)
        new = next(server for server in everybody if server.port == writer.port)
        with resp.Client(new.port) as client:
            present = {int(number) for number in client.call("SMEMBERS", "numbers")}
        lost = sum(number not in present for number in writer.acknowledged)
        return (writer.switched_at - struck_at) * 1000, lost, len(writer.acknowledged)


def measure(wanted, shrink, say):
    """[(row, {"redis": figures, "hearth": figures, "rounds": number} or the text of what went wrong)]."""
    rounds = max(ROUNDS // shrink, LEAST_ROUNDS)
    results = []
    for row in wanted:
        found = {name: [] for name in servers.NAMES}
        try:
            for number in range(rounds):
                for name in servers.NAMES:  # by turns, so that what else the machine does meets both
                    found[name].append(one_round(name, row))
                say(row, f"round {number + 1}: " + ", ".join(
                    f"{name} {found[name][-1][0]:.0f} ms, {found[name][-1][1]} lost" for name in servers.NAMES))
        except (RuntimeError, OSError, resp.ServerError) as error:
            results.append((row, str(error)))
            say(row, str(error))
            continue
        results.append((row, {**{name: figures(one) for name, one in found.items()}, "rounds": rounds}))
    return results


def figures(measured):
    times, lost, writes = zip(*measured)
    return {"median": statistics.median(times), "worst": max(times), "lost": sum(lost), "writes": sum(writes)}
