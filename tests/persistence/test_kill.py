"""kill -9 at random moments, with clients that pipeline: what was promised is there after the restart.

HEARTH_KILL_ROUNDS says how many times; `./x soak` asks for many.
"""

import os
import random
import threading
import time

import pytest

from support.resp import Client, ConnectionClosed, Error, ReplyTimeout
from support.server import wait_for

ROUNDS = int(os.environ.get("HEARTH_KILL_ROUNDS", "3"))
CLIENTS = 4
BATCH = 25
# What `everysec` may lose.
LOST_SECONDS = 2.0


class Writer(threading.Thread):
    """Writes rising numbers until its connection breaks, and keeps when each was acknowledged."""

    def __init__(self, address, number, first, rng):
        super().__init__(daemon=True)
        self.address = address
        self.number = number
        self.first = self.next = first
        self.padding = "x" * rng.choice([0, 10, 200, 3000])
        self.acknowledged = []  # the time of each, in order

    def commands(self, n):
        """Three kinds of writes: a text, a list that grows, and two keys that must always be the same."""
        me = self.number
        return [
            ["SET", f"text:{me}:{n}", f"{n}{self.padding}"],
            ["RPUSH", f"list:{me}", n],
            ["MULTI"], ["SET", f"left:{me}", n], ["SET", f"right:{me}", n], ["EXEC"],
        ]

    def run(self):
        try:
            with Client(self.address, 30) as client:
                while True:
                    batch = range(self.next, self.next + BATCH)
                    for n in batch:
                        for command in self.commands(n):
                            client.send(*command)
                    for _ in batch:
                        replies = [client.read_reply() for _ in range(6)]
                        if any(isinstance(reply, Error) for reply in replies):
                            raise AssertionError(f"a write was refused: {replies}")
                        self.acknowledged.append(time.monotonic())
                    self.next += BATCH
        except (ConnectionClosed, ReplyTimeout, OSError):
            pass

    def kept(self, killed_at, seconds):
        """How many must be there: those acknowledged longer than `seconds` before the kill."""
        safe = sum(1 for at in self.acknowledged if at <= killed_at - seconds)
        return self.first + (len(self.acknowledged) if seconds == 0 else safe)


def check(client, writer, must):
    """Everything below `must`, a prefix of what was sent, and no half transaction; gives how many there are."""
    me = writer.number
    there = client.call("LLEN", f"list:{me}")
    assert there >= must, f"client {me}: {must - there} acknowledged writes are missing"
    assert client.call("LRANGE", f"list:{me}", 0, -1) == [str(n).encode() for n in range(there)]
    for first in range(writer.first, there, 1000):
        numbers = range(first, min(first + 1000, there))
        texts = client.pipeline([["GET", f"text:{me}:{n}"] for n in numbers])
        assert texts == [f"{n}{writer.padding}".encode() for n in numbers]
    left, right = client.pipeline([["GET", f"left:{me}"], ["GET", f"right:{me}"]])
    assert left == right
    last = int(left) if isinstance(left, bytes) else -1
    assert there - 2 <= last <= there
    return there


@pytest.mark.parametrize("policy, lost_seconds", [("always", 0), ("everysec", LOST_SECONDS)])
def test_acknowledged_writes_survive_kill_9(start, seed, policy, lost_seconds):
    rng = random.Random(seed)
    server = start("hearth", "--appendonly", "yes", "--appendfsync", policy, "--auto-aof-rewrite-min-size", "1mb")
    next_numbers = [0] * CLIENTS
    for round_number in range(ROUNDS):
        writers = [Writer(server.address, i, next_numbers[i], rng) for i in range(CLIENTS)]
        for writer in writers:
            writer.start()
        target = rng.randrange(1, 4000)
        wait_for(lambda: sum(len(writer.acknowledged) for writer in writers) >= target, 120, "the writes", 0.001)
        if rng.random() < 0.3:
            with server.client() as client:
                client.call("BGREWRITEAOF")
        killed_at = time.monotonic()
        server.kill()
        for writer in writers:
            writer.join(30)
        server.restart()
        with server.client(timeout=60) as client:
            for i, writer in enumerate(writers):
                next_numbers[i] = check(client, writer, writer.kept(killed_at, lost_seconds))
            if rng.random() < 0.2 or sum(next_numbers) > 60000:
                client.call("FLUSHALL")
                next_numbers = [0] * CLIENTS
                assert client.call("WAITAOF", 1, 0, 30000) == [1, 0]
    print(f"{ROUNDS} rounds")
