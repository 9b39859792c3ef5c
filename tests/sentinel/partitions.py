#!/usr/bin/env python3
"""What a network that fails costs: real processes in network namespaces, Hearth and Redis through the same seeds.

Three servers, three Sentinels and two clients, each on a host of its own. The clients write numbers, each once, to
whatever the Sentinels that they can reach call the primary. Then something fails (FAULTS), and heals. Counted are writes
that were acknowledged and are gone in the end, writes that one server acknowledged although another one had begun to,
and the time until all agree again.

    partitions.py [--rounds N] [--seed S] [redis] [hearth] [promised]
"""

import argparse
import dataclasses
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from sentinel import netns  # noqa: E402
from support.info import info_fields  # noqa: E402
from support.lasting import let_pass  # noqa: E402
from support.resp import Client, ConnectionClosed, Error, ProtocolViolation, ReplyTimeout  # noqa: E402
from support.server import hearth_binary, oracle_binary, wait_for  # noqa: E402

SERVERS, SENTINELS, CLIENTS = ["s0", "s1", "s2"], ["t0", "t1", "t2"], ["c0", "c1"]
HOSTS = [*SERVERS, *SENTINELS, *CLIENTS]
NAME = "mymaster"
SERVER_PORT, SENTINEL_PORT = 6379, 26379
DOWN_AFTER_MS = 1000
FAILOVER_TIMEOUT_MS = 10_000
WARM_SECONDS = 0.7
SHORTEST_SECONDS, LONGEST_SECONDS = 2.0, 5.0  # that a fault lasts
ANSWER_SECONDS = 0.25  # a writer that waits longer asks for another primary
START_SECONDS = 30
AGREE_SECONDS = 90
# Sentinels know one another sooner so. What is measured has the usual periods again.
HURRY = {"info-period": 100, "publish-period": 100}
USUAL = {"info-period": 10_000, "publish-period": 2_000}
BROKEN = (OSError, ConnectionClosed, ReplyTimeout, ProtocolViolation)
SYSTEMS = {"redis": ("redis", []), "hearth": ("hearth", []), "promised": ("hearth", ["--replication-acks", "1"])}


class Process:
    """A server or Sentinel on its host, with a folder that outlives it."""

    def __init__(self, network, host, port, command_of):
        self.network, self.host, self.port = network, host, port
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-partitions-"))
        self.command = command_of(self.folder)
        self.process = None
        self.start()

    @property
    def address(self):
        return (self.network.address(self.host), self.port)

    def start(self):
        with self.network.inside(self.host), open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=self.folder)

    def call(self, *words, timeout=1.0):
        """From the host itself, so that no fault is in the way."""
        with self.network.inside(self.host):
            client = Client(self.address, timeout)
        with client:
            return client.call(*words)

    def answers(self):
        try:
            reply = self.call("PING")
            return not isinstance(reply, Error)
        except BROKEN:
            return False

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(20)

    def wipe(self):
        """The disk is another one."""
        for path in self.folder.iterdir():
            if path.name not in ("log", "sentinel.conf"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def server_command(kind, options, primary):
    def command(folder):
        words = [hearth_binary() if kind == "hearth" else oracle_binary(), "--port", str(SERVER_PORT), "--bind", "0.0.0.0",
                 "--protected-mode", "no", "--dir", str(folder), "--save", "", "--appendonly", "yes",
                 "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", *options]
        return words + (["--replicaof", f"{primary} {SERVER_PORT}"] if primary else [])
    return command


def sentinel_command(kind, primary):
    def command(folder):
        path = folder / "sentinel.conf"
        path.write_text(f"port {SENTINEL_PORT}\nbind 0.0.0.0\nprotected-mode no\ndir {folder}\n"
                        f"sentinel monitor {NAME} {primary} {SERVER_PORT} 2\n"
                        f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n"
                        f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}\n")
        return [hearth_binary() if kind == "hearth" else oracle_binary(), str(path), "--sentinel"]
    return command


class Deployment:
    """One primary (s0), two replicas, three Sentinels that know one another when this returns."""

    def __init__(self, network, system):
        kind, options = SYSTEMS[system]
        self.processes = {}
        try:
            primary = network.address("s0")
            for host in SERVERS:
                self.processes[host] = Process(network, host, SERVER_PORT,
                                               server_command(kind, options, primary if host != "s0" else None))
            for host in SERVERS:
                wait_for(self.processes[host].answers, START_SECONDS, f"{host} to answer")
            wait_for(lambda: not self.why_not_agreed(asks_sentinels=False), START_SECONDS, "the replicas")
            for host in SENTINELS:
                self.processes[host] = Process(network, host, SENTINEL_PORT, sentinel_command(kind, primary))
            for host in SENTINELS:
                wait_for(self.processes[host].answers, START_SECONDS, f"{host} to answer")
                self.set_periods(host, HURRY)
            for host in SENTINELS:
                wait_for(lambda one=self.processes[host]: knows_all(one), START_SECONDS, f"{host} to know all")
                self.set_periods(host, USUAL)
        except BaseException:
            self.close()
            raise

    def set_periods(self, host, periods):
        words = [str(word) for pair in periods.items() for word in pair]
        assert self.processes[host].call("SENTINEL", "DEBUG", *words).value == b"OK"

    def primary_of(self, sentinel):
        return self.processes[sentinel].call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[0].decode()

    def why_not_agreed(self, asks_sentinels=True):
        """Why not all mean the same primary and follow it; empty if they do."""
        network = self.processes["s0"].network
        chosen = network.address("s0")
        try:
            if asks_sentinels:
                named = {host: self.primary_of(host) for host in SENTINELS}
                if len(set(named.values())) > 1:
                    return f"the Sentinels name {named}"
                chosen = named["t0"]
            for host in SERVERS:
                fields = info_fields(self.processes[host].call("INFO", "replication"))
                if network.address(host) == chosen:
                    if fields["role"] != "master":
                        return f"{host} is to be the primary and is a replica"
                elif (fields["role"], fields.get("master_host"), fields.get("master_link_status")) != ("slave", chosen, "up"):
                    return f"{host} does not follow {chosen}"
        except (*BROKEN, KeyError) as error:
            return repr(error)
        return ""

    def primary(self):
        address = self.primary_of("t0")
        return next(self.processes[host] for host in SERVERS if self.processes[host].address[0] == address)

    def close(self):
        for process in reversed(self.processes.values()):  # Sentinels first, or they would act on what they see.
            process.kill()
            shutil.rmtree(process.folder, ignore_errors=True)


def knows_all(sentinel):
    flags = []
    for word in ("REPLICAS", "SENTINELS"):
        flags += [one[one.index(b"flags") + 1] for one in sentinel.call("SENTINEL", word, NAME)]
    return sorted(flags) == [b"sentinel"] * 2 + [b"slave"] * 2


@dataclasses.dataclass
class Ack:
    number: int
    server: str
    sent: float
    received: float


class Writer(threading.Thread):
    """Adds numbers to a set, wherever the Sentinels that it reaches say. It never sends a number twice."""

    def __init__(self, network, host, first_number):
        super().__init__(daemon=True)
        self.network, self.host, self.number = network, host, first_number
        self.server = network.address("s0")
        self.acks = []
        self.is_over = False
        self._client = None

    def run(self):
        with self.network.inside(self.host):
            while not self.is_over:
                self.number += 1
                try:
                    self._write()
                except BROKEN:
                    self._leave()
                let_pass(0.001)

    def _write(self):
        if self._client is None:
            self._client = Client((self.server, SERVER_PORT), ANSWER_SECONDS)
        sent = time.monotonic()
        reply = self._client.call("SADD", "numbers", self.number)
        if isinstance(reply, Error):
            raise ConnectionClosed("refused")
        self.acks.append(Ack(self.number, self.server, sent, time.monotonic()))

    def _leave(self):
        if self._client is not None:
            self._client.close()
        self._client = None
        for sentinel in random.sample(SENTINELS, len(SENTINELS)):
            try:
                with Client((self.network.address(sentinel), SENTINEL_PORT), ANSWER_SECONDS) as client:
                    self.server = client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[0].decode()
                return
            except (*BROKEN, TypeError, AttributeError):
                if self.is_over:
                    return

    def finish(self):
        self.is_over = True
        self.join()


# ---- what fails, for how many seconds; s0 is the primary

def isolate(deployment, network, _rng, seconds):
    network.split(["s0", "c0"])
    let_pass(seconds)


def isolate_inwards(deployment, network, _rng, seconds):
    network.cut([name for name in HOSTS if name not in ("s0", "c0")], ["s0"])
    let_pass(seconds)


def isolate_outwards(deployment, network, _rng, seconds):
    network.cut(["s0"], [name for name in HOSTS if name not in ("s0", "c0")])
    let_pass(seconds)


def minority(deployment, network, _rng, seconds):
    network.split(["s1", "t0", "c0"])
    let_pass(seconds)


def halves(deployment, network, _rng, seconds):
    network.split(["s0", "s1", "t0", "c0"])
    let_pass(seconds)


def restart(deployment, network, rng, seconds):
    deployment.processes["s0"].kill()
    let_pass(rng.uniform(0.1, seconds))
    deployment.processes["s0"].start()


def restart_empty(deployment, network, rng, seconds):
    deployment.processes["s0"].kill()
    deployment.processes["s0"].wipe()
    let_pass(rng.uniform(0.1, seconds))
    deployment.processes["s0"].start()


def freeze(deployment, network, _rng, seconds):
    process = deployment.processes["s0"].process
    process.send_signal(signal.SIGSTOP)
    let_pass(seconds)
    process.send_signal(signal.SIGCONT)


def flap(deployment, network, rng, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        network.split(["s0"] if rng.random() < 0.5 else [rng.choice(HOSTS)])
        let_pass(rng.uniform(0.1, 1.5))
        network.heal()
        let_pass(rng.uniform(0.1, 0.7))


FAULTS = {"isolated": isolate, "unheard": isolate_inwards, "mute": isolate_outwards, "minority": minority,
          "halves": halves, "restart": restart, "restart-empty": restart_empty, "frozen": freeze, "flapping": flap}


@dataclasses.dataclass
class Round:
    system: str
    fault: str
    acknowledged: int
    lost: int
    doubled: int  # acknowledged by a server although another one had begun to
    agreed_seconds: float
    switched: bool


def until_switched(side):
    """A fault that splits `side`, with s0, off, and lasts until the other Sentinels have another primary."""
    def fault(deployment, network, _rng, _seconds):
        network.split(side)
        others = [host for host in SENTINELS if host not in side]
        old = network.address("s0")
        wait_for(lambda: all(deployment.primary_of(host) != old for host in others), AGREE_SECONDS, "a switch")
        let_pass(WARM_SECONDS)  # for writes on both sides
    return fault


def play(network, system, fault, rng, do=None):
    """`do` is what fails, if it is not one of FAULTS."""
    seconds = rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
    network.heal()
    deployment = Deployment(network, system)
    writers = [Writer(network, host, 1 + index * 10**9) for index, host in enumerate(CLIENTS)]
    try:
        for writer in writers:
            writer.start()
        let_pass(WARM_SECONDS)
        (do or FAULTS[fault])(deployment, network, rng, seconds)
        network.heal()
        healed = time.monotonic()
        reason = ["it was not asked"]

        def is_agreed():
            reason[0] = deployment.why_not_agreed()
            return not reason[0]

        try:
            wait_for(is_agreed, AGREE_SECONDS, "all to agree", pause=0.05)
        except AssertionError as error:
            raise AssertionError(f"{system}, {fault}: {error}; {reason[0]}") from error
        agreed = time.monotonic() - healed
        let_pass(WARM_SECONDS)
        for writer in writers:
            writer.finish()
        acks = [ack for writer in writers for ack in writer.acks]
        primary = deployment.primary()
        present = {int(number) for number in primary.call("SMEMBERS", "numbers", timeout=30.0)}
        lost = sum(ack.number not in present for ack in acks)
        return Round(system, fault, len(acks), lost, doubled(acks), agreed, primary.host != "s0")
    finally:
        for writer in writers:
            writer.is_over = True
        deployment.close()
        network.heal()


def doubled(acks):
    first = {}
    for ack in sorted(acks, key=lambda one: one.received):
        first.setdefault(ack.server, ack.received)
    return sum(any(first[ack.server] < began < ack.sent for server, began in first.items() if server != ack.server)
               for ack in acks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("systems", nargs="*", metavar="system", help=f"of {', '.join(SYSTEMS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(20))
    parser.add_argument("--faults", help="only these, with commas between")
    arguments = parser.parse_args()
    faults = arguments.faults.split(",") if arguments.faults else list(FAULTS)
    print(f"seed {arguments.seed}", flush=True)
    network = netns.Network(HOSTS)
    results = {system: [] for system in arguments.systems or SYSTEMS}
    for number in range(arguments.rounds):
        for system, rounds in results.items():
            rng = random.Random(arguments.seed + number)
            try:
                rounds.append(play(network, system, faults[number % len(faults)], rng))
            except AssertionError as error:
                print(f"{number + 1:3} {error}", flush=True)
                continue
            one = rounds[-1]
            print(f"{number + 1:3} {system:9} {one.fault:14} {one.acknowledged:6} acknowledged, {one.lost:5} lost, "
                  f"{one.doubled:5} doubled, agreed after {one.agreed_seconds:5.1f} s{', switched' * one.switched}",
                  flush=True)
    network.close()
    for system, rounds in results.items():
        if not rounds:
            continue
        times = [one.agreed_seconds for one in rounds]
        print(f"{system:9}: {len(rounds)} of {arguments.rounds} rounds agreed, {sum(r.acknowledged for r in rounds)} "
              f"acknowledged, {sum(r.lost for r in rounds)} lost, {sum(r.doubled for r in rounds)} doubled, agreed after "
              f"{statistics.median(times):.1f} s (median), {max(times):.1f} s (worst)")
    bad = [system for system, rounds in results.items() if system != "redis" and len(rounds) < arguments.rounds]
    bad += [one.system for one in results.get("promised", []) if one.lost or one.doubled]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
