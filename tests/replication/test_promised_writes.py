"""A write that was acknowledged after replicas had it is not lost with its primary.

HEARTH_REPLICATION_ROUNDS=200 makes the long run of it.
"""

import os
import random
import threading

import pytest

from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync, wait_online
from support.resp import OK, ConnectionClosed, Error, ReplyTimeout
from support.server import wait_for

ROUNDS = int(os.environ.get("HEARTH_REPLICATION_ROUNDS", "3"))
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


def test_a_promise_that_cannot_be_kept_is_an_error(node):
    """The write is there; only the reply says that its fate is open."""
    if ONLY_REAL:
        pytest.skip("the real server makes no promises by itself")
    options = configured(node, "replication-acks")
    primary = node(KIND, *options, "--replication-acks-timeout", "200")
    reply = primary.call("SET", "a", "1")
    assert isinstance(reply, Error) and reply.value.startswith(b"NOREPLICAS")
    assert primary.call("GET", "a") == b"1"
    replica = node(KIND, primary=primary)
    wait_in_sync(primary, replica)
    wait_online(primary)
    assert primary.call("SET", "a", "2") == OK
    replica.freeze()
    assert isinstance(primary.call("SET", "a", "3"), Error)
    replica.thaw()
    wait_for(lambda: primary.call("SET", "a", "4") == OK, 10, "a promise")
