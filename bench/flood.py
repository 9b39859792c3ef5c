#!/usr/bin/env python3
"""Writes to a server as fast as it takes it: `flood.py '{"port":…, "kind":"set"}'`.

What it sends was made before, so that it costs next to nothing while the servers work. Prints "ready", begins at a line
of input and ends when its input is closed: then prints a line of JSON with the commands that were answered and the
seconds that they took.
"""

import gc
import json
import random
import select
import socket
import sys
import time

import resp

CHUNKS = 200
COMMANDS_PER_CHUNK = 2000
UNANSWERED_CHUNKS = 3  # at most
KEYS = 1_000_000
FEW_KEYS = 20_000  # of each container
VALUE = b"v" * 64
LIST_LENGTH = 100
ANSWER_SECONDS = 60


def plain(number):
    return [resp.encode("SET", "key:%012d" % number, VALUE)]


def mixed(number):
    """One or two commands, each with a reply of one line."""
    kind, few = number % 6, number % FEW_KEYS
    if kind == 0:
        return plain(number)
    if kind == 1:
        return [resp.encode("INCR", "counter:%d" % few)]
    if kind == 2:
        return [resp.encode("HSET", "hash:%d" % few, "field:%d" % (number % 50), "%d" % number)]
    if kind == 3:
        return [resp.encode("ZADD", "board:%d" % few, number, "member:%d" % (number % 100))]
    if kind == 4:
        return [resp.encode("SADD", "set:%d" % few, "member:%d" % (number % 100))]
    return [resp.encode("LPUSH", "list:%d" % few, VALUE), resp.encode("LTRIM", "list:%d" % few, 0, LIST_LENGTH - 1)]


def chunks(kind):
    """[(bytes, number of commands)]"""
    generator = random.Random(KEYS)
    commands_of = {"set": plain, "mixed": mixed}[kind]
    made = []
    for _ in range(CHUNKS):
        commands = []
        while len(commands) < COMMANDS_PER_CHUNK:
            commands += commands_of(generator.randrange(KEYS))
        made.append((b"".join(commands), len(commands)))
    return made


class Replies:
    """Counts the replies, of one line each; the first error is kept."""

    def __init__(self, connection):
        self.connection = connection
        self.count = 0
        self.failure = None

    def take(self):
        data = self.connection.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        if b"-" in data and self.failure is None:
            self.failure = data[data.index(b"-"):].split(b"\r\n")[0].decode(errors="replace")
        self.count += data.count(b"\n")


def main():
    plan = json.loads(sys.argv[1])
    made = chunks(plan["kind"])
    connection = socket.create_connection(("127.0.0.1", plan["port"]), ANSWER_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    replies = Replies(connection)
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN | select.POLLHUP)
    gc.disable()
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    sent = position = 0
    while not poller.poll(0) and replies.failure is None:
        data, count = made[position % CHUNKS]
        position += 1
        connection.sendall(data)
        sent += count
        while sent - replies.count > UNANSWERED_CHUNKS * COMMANDS_PER_CHUNK:
            replies.take()
    while replies.count < sent and replies.failure is None:
        replies.take()
    found = {"commands": sent, "seconds": time.perf_counter() - start}
    print(json.dumps({"error": replies.failure} if replies.failure else found), flush=True)


if __name__ == "__main__":
    main()
