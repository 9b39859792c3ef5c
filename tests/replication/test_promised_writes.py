"""A write that was acknowledged after replicas had it is not lost with its primary.

HEARTH_REPLICATION_ROUNDS=200 makes the long run of it.
"""

import os
import random
import re
import subprocess
import threading

import pytest

from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync, wait_online
from support.resp import OK, PONG, QUEUED, ConnectionClosed, Error, ReplyTimeout, Simple
from support.server import wait_for

ROUNDS = int(os.environ.get("HEARTH_REPLICATION_ROUNDS", "5"))
WRITERS = 4
KIND = "redis" if ONLY_REAL else "hearth"
# How the promise is made: by the client's own WAIT after each write, or by the server.
PROMISES = ["WAIT"] if ONLY_REAL else ["WAIT", "replication-acks", "CLIENT ACKS"]


def configured(node, promise):
    """Options of a node; skips what this server does not have."""
    if promise == "WAIT":
        return []
    if node(KIND).call("CONFIG", "GET", "replication-acks") == []:
        pytest.skip("this server does not delay replies for replicas")
    return ["--replication-acks", "1"] if promise == "replication-acks" else []


class Writer:
    """One connection that writes keys of its own, one after the other, and remembers what was promised."""

    def __init__(self, primary, name, promise):
        self.promised = []
        self._primary = primary
        self._name = name
        self._promise = promise
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self):
        self._thread.join(30.0)
        assert not self._thread.is_alive(), "a writer does not end with its server"

    def _run(self):
        try:
            with self._primary.client(timeout=20.0) as client:
                if self._promise == "CLIENT ACKS":
                    assert client.call("CLIENT", "ACKS", 1) == OK
                number = 0
                while True:
                    key = f"{self._name}:{number}"
                    if self._promise == "WAIT":
                        kept = client.pipeline([["SET", key, number], ["WAIT", 1, 0]]) == [OK, 1] or \
                            client.call("WAIT", 1, 0) >= 1
                    else:
                        kept = client.call("SET", key, number) == OK
                    if kept:
                        self.promised.append(key)
                    number += 1
        except (OSError, ConnectionClosed, ReplyTimeout):
            pass  # The server was killed.


@pytest.mark.parametrize("promise", PROMISES)
def test_no_promised_write_is_lost_when_the_primary_is_killed(node, seed, promise):
    prng = random.Random(seed)
    options = configured(node, promise)
    primary, *replicas = [node(KIND, *options) for _ in range(3)]
    for replica in replicas:
        replica.replicate(primary)
    for round_number in range(ROUNDS):
        wait_in_sync(primary, *replicas)
        wait_online(primary, 2)
        writers = [Writer(primary, f"{round_number}:{i}", promise) for i in range(WRITERS)]
        enough = prng.randrange(20, 400)
        wait_for(lambda: sum(len(writer.promised) for writer in writers) >= enough, 30, "promised writes")
        primary.kill()
        for writer in writers:
            writer.join()
        for replica in replicas:
            wait_for(lambda: not replica.link_is_up(), 20, "the link down")
        replicas.sort(key=lambda replica: int(replica.info()["slave_repl_offset"]), reverse=True)
        promoted, other = replicas
        promoted.promote()
        with promoted.client() as client:
            for writer in writers:
                replies = client.pipeline([["EXISTS", key] for key in writer.promised])
                assert 0 not in replies, writer.promised[replies.index(0)]
        other.replicate(promoted)
        primary.restart()
        primary.replicate(promoted)
        primary, replicas = promoted, [other, primary]
    assert_same_data(primary, *replicas)


# -- What a client sees. The real server makes no promises by itself.

ours = pytest.mark.skipif(ONLY_REAL, reason="the real server does not delay replies for replicas")


def is_broken(reply):
    """The write was done, and its fate is open."""
    return isinstance(reply, Error) and reply.value.startswith(b"NOREPLICAS The write was done here")


def is_refused(reply):
    return isinstance(reply, Error) and reply.value.startswith(b"NOREPLICAS This write needs")


def promised(node, *options, replica_kind="hearth"):
    """A primary that waits for its one replica, and the replica."""
    primary = node("hearth", "--replication-acks", "1", *options)
    replica = node(replica_kind, primary=primary)
    wait_in_sync(primary, replica)
    wait_for(lambda: primary.call("SET", "ready", "yes") == OK, 10, "a promise")
    return primary, replica


def waiting(primary):
    return int(primary.info()["acks_waiting_clients"])


@ours
def test_a_write_that_cannot_be_promised_is_not_done(node):
    primary = node("hearth", "--replication-acks", "1")
    assert is_refused(primary.call("SET", "a", "1"))
    assert primary.call("EXISTS", "a") == 0
    replica = node("hearth", primary=primary)
    # Online it counts from its first acknowledgement on.
    wait_for(lambda: primary.call("SET", "a", "2") == OK, 10, "a promise")
    assert replica.call("GET", "a") == b"2"
    replica.kill()
    wait_for(lambda: is_refused(primary.call("SET", "a", "3")), 10, "a refusal")
    assert primary.call("GET", "a") == b"2"


@ours
@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("file", ["no", "yes"])
def test_a_promise_that_is_not_kept_in_time_is_an_error(node, threads, file):
    """Only the replies to writes: those around them stay."""
    primary, replica = promised(node, "--replication-acks-timeout", "300", "--io-threads", threads,
                                "--appendonly", file, "--appendfsync", "always")
    replica.freeze()
    with primary.client() as client:
        replies = client.pipeline([["PING"], ["SET", "a", "1"], ["GET", "a"], ["MULTI"], ["INCR", "a"], ["EXEC"],
                                   ["ECHO", "x" * 100_000], ["DEL", "nobody"]])
        assert replies[0] == PONG and replies[2:5] == [b"1", OK, QUEUED] and replies[6:] == [b"x" * 100_000, 0]
        assert is_broken(replies[1]) and is_broken(replies[5])
        assert client.call("GET", "a") == b"2"
        replica.thaw()
        wait_for(lambda: client.call("SET", "a", "3") == OK, 10, "a promise")
    assert int(primary.info()["acks_promises_broken"]) >= 2
    assert b"errorstat_NOREPLICAS" in primary.call("INFO", "errorstats")


@ours
def test_the_replica_may_be_a_real_one(node):
    primary, replica = promised(node, replica_kind="redis")
    with primary.client() as client:
        for number in range(100):
            assert client.call("SET", "a", number) == OK
            assert replica.call("GET", "a") == b"%d" % number


@ours
def test_others_go_on_while_a_client_waits(node):
    primary, replica = promised(node, "--replication-acks-timeout", "0")
    replica.freeze()
    with primary.client() as writer, primary.client() as other:
        writer.send("SET", "a", "1")
        wait_for(lambda: waiting(primary) == 1, 10, "a client that waits")
        assert other.call("GET", "a") == b"1"
        assert other.call("CLIENT", "ACKS", "0") == OK
        assert other.call("SET", "b", "1") == OK
        replica.thaw()
        assert writer.read_reply() == OK
        assert other.call("CLIENT", "ACKS", "DEFAULT") == OK
        assert other.call("SET", "b", "2") == OK
        assert replica.call("GET", "b") == b"2"


@ours
def test_a_client_asks_for_acknowledgements_of_its_own(node):
    primary = node("hearth")
    with primary.client() as client:
        assert client.call("CLIENT", "ACKS", "1") == OK
        assert is_refused(client.call("SET", "a", "1"))
        assert client.call("RESET") == Simple(b"RESET")
        assert client.call("SET", "a", "1") == OK
        for wrong in ("-1", "x", "4294967296"):
            assert isinstance(client.call("CLIENT", "ACKS", wrong), Error)


@ours
@pytest.mark.parametrize("change", [["REPLICAOF", "127.0.0.1", "1"], ["CONFIG", "SET", "replication-acks", "0"],
                                    ["CONFIG", "SET", "replication-acks-timeout", "1"], ["CLIENT", "KILL", "TYPE", "normal"]],
                         ids=["demotion", "acks", "timeout", "kill"])
def test_who_waits_learns_of_a_change(node, change):
    primary, replica = promised(node, "--replication-acks-timeout", "0")
    replica.freeze()
    with primary.client() as writer, primary.client() as operator:
        writer.send("SET", "a", "1")
        wait_for(lambda: waiting(primary) == 1, 10, "a client that waits")
        assert not isinstance(operator.call(*change), Error)
        if change[0] == "CLIENT":
            with pytest.raises(ConnectionClosed):
                writer.read_reply()
        else:
            reply = writer.read_reply()
            assert reply == OK if "replication-acks" in change else is_broken(reply)


@ours
def test_a_failover_lets_through_what_its_target_has(node):
    primary, replica = promised(node, "--replication-acks-timeout", "0")
    replica.freeze()
    with primary.client() as writer, primary.client() as operator:
        writer.send("SET", "a", "1")
        wait_for(lambda: waiting(primary) == 1, 10, "a client that waits")
        assert operator.call("FAILOVER") == OK
        replica.thaw()
        assert writer.read_reply() == OK
    wait_for(lambda: replica.info()["role"] == "master", 20, "the failover")
    assert replica.call("GET", "a") == b"1"


@ours
def test_what_a_promise_costs(node):
    """Printed, not asserted: the machine may be busy."""
    primary, _ = promised(node)

    def writes_per_second(*setting):
        assert primary.call("CONFIG", "SET", *setting) == OK
        done = subprocess.run(["redis-benchmark", "-s", primary.address, "-c", "50", "-n", "30000", "-t", "set", "-q"],
                              capture_output=True, text=True, timeout=120, check=True)
        return float(re.findall(r"([\d.]+) requests per second", done.stdout)[-1])

    promised_rate = writes_per_second("replication-acks", "1")
    plain_rate = writes_per_second("replication-acks", "0")
    print(f"SET with 50 clients: {plain_rate:.0f}/s, with one acknowledgement {promised_rate:.0f}/s "
          f"({promised_rate / plain_rate:.0%})")
    assert promised_rate > 0
