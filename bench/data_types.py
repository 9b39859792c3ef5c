"""Throughput rows of sets, sorted sets, streams, bitmaps, HyperLogLog and geo; measured as throughput.py measures.

Every row has to cost no more than with Redis, and the median row at most MEDIAN_TARGET of it.
"""

import random

import loads
import resp
from throughput import VALUE, Row, delete

MEDIAN_TARGET = 0.7
ROW_TARGET = 1.0
PIPELINE = 16
BITMAP_BYTES = 1 << 20
BIT_OFFSET = 1000
SPARE = 10_000  # elements beyond those that a round takes
RANDOM = "__rand_int__"


def fill_set_to_pop(client, keys, requests):
    client.call("DEL", "popset")
    client.load(loads.set_members("popset", requests + SPARE))


def fill_ranks(client, keys, requests):
    client.load(loads.ranked_members("ranks", keys))


def fill_history(client, keys, requests):
    client.load(loads.numbered_entries("history", keys, VALUE.encode()))


def fill_queue(client, keys, requests):
    client.call("DEL", "queue")
    client.load(loads.numbered_entries("queue", requests + SPARE, VALUE.encode()))
    client.call("XGROUP", "CREATE", "queue", "workers", "0")


def fill_bits(client, keys, requests):
    client.load(resp.chunked(resp.encode("SETBIT", "bits:%012d" % i, BIT_OFFSET, 0) for i in range(keys)))


def fill_bitmap(client, keys, requests):
    client.call("SET", "bitmap", random.Random(BITMAP_BYTES).randbytes(BITMAP_BYTES))


def fill_places(client, keys, requests):
    client.load(loads.places("places", keys))


def rows():
    def row(name, title, command, requests, prepare_once=None, prepare_round=None):
        return Row(name + "-p16", title, tuple(command.split()), PIPELINE, requests, ROW_TARGET, prepare_once,
                   prepare_round)

    return [
        row("sadd", "SADD", f"SADD set user:{RANDOM}", 1_500_000, None, delete("set")),
        row("spop", "SPOP", "SPOP popset", 1_000_000, None, fill_set_to_pop),
        row("zadd", "ZADD", f"ZADD zset {RANDOM} user:{RANDOM}", 1_000_000, None, delete("zset")),
        row("zrange", "ZRANGE 100", "ZRANGE ranks 50000 50099", 200_000, fill_ranks),
        row("zrangebyscore", "ZRANGEBYSCORE, 10 of them", f"ZRANGEBYSCORE ranks {RANDOM} +inf LIMIT 0 10", 500_000,
            fill_ranks),
        row("xadd", "XADD", f"XADD log * field {VALUE}", 1_000_000, None, delete("log")),
        row("xrange", "XRANGE 100", f"XRANGE history {RANDOM} + COUNT 100", 100_000, fill_history),
        row("xreadgroup", "XREADGROUP", "XREADGROUP GROUP workers one COUNT 1 STREAMS queue >", 500_000, None,
            fill_queue),
        row("setbit", "SETBIT", f"SETBIT bits:{RANDOM} {BIT_OFFSET} 1", 2_000_000, fill_bits),
        row("bitcount", "BITCOUNT 1 MB", "BITCOUNT bitmap", 20_000, fill_bitmap),
        row("pfadd", "PFADD", f"PFADD visitors user:{RANDOM}", 1_500_000, None, delete("visitors")),
        row("geosearch", "GEOSEARCH, 3 km", f"GEOSEARCH places FROMMEMBER user:{RANDOM} BYRADIUS 3 km ASC", 100_000,
            fill_places),
    ]
