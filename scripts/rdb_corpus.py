#!/usr/bin/env python3
"""Writes starting inputs for rdb_fuzz and restore_fuzz, made by the installed redis-server: a file with keys of every
kind, and the payload of each key. They go where scripts/fuzz.py keeps what it finds."""

import os
import random
import sys

import steps

sys.path.insert(0, os.path.join(steps.ROOT, "tests"))

import redis  # noqa: E402

from support.dump_payload import body_of  # noqa: E402
from support.rdb_values import FILLS  # noqa: E402
from support.server import Server  # noqa: E402

# Both fuzzers read their choices from the first bytes; zeros choose what is usual.
RDB_CHOICES = b"\x00\x00"
RESTORE_CHOICES = b"\x00\x01\x00"
LARGEST = 16 * 1024


def write(fuzzer, name, content):
    folder = os.path.join(steps.ROOT, "build", "fuzz", "corpus", fuzzer)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def main():
    random.seed(1)
    server = Server("oracle")
    try:
        source = redis.Redis(unix_socket_path=server.address)
        for number, fill in enumerate(FILLS):
            source.flushall()
            fill(source)
            for key in source.keys():
                body = body_of(source.dump(key))
                if len(body) > LARGEST:
                    source.delete(key)
                else:
                    name = key.decode()[:32].replace(":", "-")
                    write("restore_fuzz", name, RESTORE_CHOICES + body)
            source.save()
            write("rdb_fuzz", f"file-{number}", RDB_CHOICES + (server.folder / "dump.rdb").read_bytes())
    finally:
        server.stop()


if __name__ == "__main__":
    main()
