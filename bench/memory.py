"""Resident memory per key (or field): what the process holds after loading, less what it held when empty."""

import time
from dataclasses import dataclass
from typing import Callable

import loads
import resp
import servers

KEYS = 2_000_000
ELEMENTS = 1_000_000
HASHES = 200_000
STABLE_SECONDS = 2.0
STABLE_LIMIT_SECONDS = 20.0
SMALL_INTEGERS = 10_000  # the values 0..9999, which Redis shares between keys: its best case
YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    unit: str
    count: int
    target: float  # Hearth's bytes over Redis's, at most
    commands: Callable  # count -> chunks for resp.Client.load


def with_ttl(count):
    value = b"v" * 64
    form = b"*5\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$64\r\n" + value + b"\r\n$2\r\nEX\r\n$8\r\n%d\r\n"
    return resp.chunked(form % (i, YEAR_SECONDS) for i in range(count))


def small_hashes(count):
    fields = b"".join(b"$2\r\nf%d\r\n$5\r\nval-%d\r\n" % (i, i) for i in range(10))
    return resp.chunked(b"*22\r\n$4\r\nHSET\r\n$17\r\nhash:%012d\r\n%s" % (i, fields) for i in range(count))


def large(elements):
    return lambda count: elements("large", count)


def rows():
    return [
        Row("memory-64", "16-byte key, 64-byte value", "key", KEYS, 0.66, lambda n: resp.set_keys(n, b"v" * 64)),
        Row("memory-16", "16-byte key, 16-byte value", "key", KEYS, 0.50, lambda n: resp.set_keys(n, b"v" * 16)),
        Row("memory-integer", "16-byte key, integer below 10,000", "key", KEYS, 0.65,
            lambda n: resp.set_keys(n, lambda i: i % SMALL_INTEGERS)),
        Row("memory-ttl", "16-byte key, 64-byte value, TTL", "key", KEYS, 0.60, with_ttl),
        Row("memory-hashes", "hash of 10 short fields", "key", HASHES, 0.90, small_hashes),
        Row("memory-large-hash", "one hash of 1M fields (14 + 16 bytes)", "field", ELEMENTS, 0.60,
            large(loads.hash_fields)),
        Row("memory-set", "one set of 1M members (17 bytes)", "member", ELEMENTS, 0.70, large(loads.set_members)),
        Row("memory-sorted-set", "one sorted set of 1M members (17 bytes)", "member", ELEMENTS, 0.60,
            large(loads.sorted_set_members)),
        Row("memory-stream", "one stream of 1M entries of two fields", "entry", ELEMENTS, 1.00,
            large(loads.stream_entries)),
    ]


def stable_resident_bytes(server):
    """The resident size once it has not changed for a while, or at the limit."""
    limit = time.monotonic() + STABLE_LIMIT_SECONDS
    value = server.resident_bytes()
    since = time.monotonic()
    while time.monotonic() < limit and time.monotonic() - since < STABLE_SECONDS:
        time.sleep(0.1)
        now = server.resident_bytes()
        if now != value:
            value, since = now, time.monotonic()
    return value


def bytes_each(name, row, count):
    server_cores, _ = servers.cores()
    with servers.Server(name, server_cores) as server:
        empty = stable_resident_bytes(server)
        with resp.Client(server.port) as client:
            client.load(row.commands(count))
            return (stable_resident_bytes(server) - empty) / count


def measure(wanted, shrink, say):
    """[(row, {"redis": bytes, "hearth": bytes} or the text of what went wrong)]."""
    results = []
    for row in wanted:
        try:
            found = {name: bytes_each(name, row, row.count // shrink) for name in servers.NAMES}
        except (RuntimeError, OSError, resp.ServerError) as error:
            found = str(error)
        results.append((row, found))
        say(row, found)
    return results
