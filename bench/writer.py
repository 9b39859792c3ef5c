#!/usr/bin/env python3
"""Writes to a server at a steady rate until its standard input is closed: `writer.py '{"port":…, "keys":…, "rate":…}'`.

It sets random ones of the numbered keys to new values, a small batch every millisecond on one connection, and does
not wait for the replies of one batch before the next one is due; after a stall it catches up. Prints "ready", and a
line of JSON at the end: what was sent and answered in how many seconds, and how far it ever fell behind.
"""

import gc
import json
import random
import select
import socket
import sys
import time

import loads

BATCH_SECONDS = 0.001
LARGEST_BATCH = 500
WINDOW_SECONDS = 1.0  # no more than this much of the rate stays unanswered
REPLY = b"+OK\r\n"
ANSWER_SECONDS = 60


class Replies:
    """Counts the replies on the connection; anything but OK is kept as the failure."""

    def __init__(self, connection):
        self.connection = connection
        self.received = 0
        self.failure = None

    def take(self, flags=0):
        try:
            data = self.connection.recv(1 << 16, flags)
        except BlockingIOError:
            return
        if not data:
            raise ConnectionError("the server closed the connection")
        if b"-" in data and self.failure is None:
            self.failure = data[data.index(b"-") :].split(b"\r\n")[0].decode(errors="replace")
        self.received += len(data)

    @property
    def count(self):
        return self.received // len(REPLY)


def write(connection, replies, poller, rate, keys):
    """(number sent, seconds, longest time behind the plan)."""
    values = loads.Values()
    generator = random.Random()
    size = max(1, int(rate * BATCH_SECONDS))
    print("ready", flush=True)
    start = time.perf_counter()
    sent = 0
    behind = 0.0
    while not poller.poll(0) and replies.failure is None:
        now = time.perf_counter() - start
        due = int(now * rate) - sent
        if due < size:
            time.sleep((sent + size) / rate - now)
            continue
        behind = max(behind, due / rate)
        count = min(due, LARGEST_BATCH)
        numbers = [generator.randrange(keys) for _ in range(count)]
        connection.sendall(b"".join(loads.set_command(number, values(number + sent)) for number in numbers))
        sent += count
        replies.take(socket.MSG_DONTWAIT)
        while sent - replies.count > rate * WINDOW_SECONDS and replies.failure is None:
            replies.take()
    return sent, time.perf_counter() - start, behind


def main():
    plan = json.loads(sys.argv[1])
    connection = socket.create_connection(("127.0.0.1", plan["port"]), ANSWER_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN | select.POLLHUP)
    gc.disable()
    replies = Replies(connection)
    sent, seconds, behind = write(connection, replies, poller, plan["rate"], plan["keys"])
    answered = replies.count
    while replies.count < sent and replies.failure is None:
        replies.take()
    found = {"sent": sent, "rate": answered / seconds, "behind": behind * 1000}
    print(json.dumps({"error": replies.failure} if replies.failure else found), flush=True)


if __name__ == "__main__":
    main()
