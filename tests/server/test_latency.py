"""What holds the server up is recorded under the event that it was, and fragmented memory is moved together."""

import random

import pytest

from support.info import info_fields
from support.resp import OK
from support.server import wait_for

ALLOWED = ("--enable-debug-command", "local")
EAGER_TO_MOVE = ("--active-defrag-ignore-bytes", 1, "--active-defrag-threshold-lower", 1, "--active-defrag-cycle-min", 50,
                 "--active-defrag-cycle-max", 75)


def events(client):
    return {event.decode(): most for event, _, _, most in client.call("LATENCY", "LATEST")}


def test_fast_and_other_commands_are_told_apart(start, role):
    server = start(role, "--latency-monitor-threshold", 1, *ALLOWED)
    with server.client(timeout=60) as client:
        client.call("SADD", "set", *range(200_000))
        assert list(events(client)) == ["fast-command"]
        client.call("DEBUG", "SLEEP", "0.01")
        assert sorted(events(client)) == ["command", "fast-command"]
        assert client.call("LATENCY", "RESET") == 2


# The oracle holds the write up before it begins to time it.
def test_a_slow_append_only_file_is_told_of(start):
    server = start("hearth", "--appendonly", "yes", "--latency-monitor-threshold", 5, *ALLOWED)
    with server.client(timeout=60) as client:
        assert client.call("DEBUG", "AOF-FLUSH-SLEEP", 20_000) == OK

        def is_told():
            client.call("SET", "a", "1")
            return {"aof-write", "aof-write-alone"} <= set(events(client))

        wait_for(is_told, 30, "the event of a slow write")
        assert events(client)["aof-write"] >= 20
        assert client.call("DEBUG", "AOF-FLUSH-SLEEP", 0) == OK


def test_a_long_eviction_is_told_of(start, role):
    server = start(role, "--latency-monitor-threshold", 1, "--maxmemory-policy", "allkeys-random",
                   "--maxmemory-eviction-tenacity", 100, *ALLOWED)
    with server.client(timeout=60) as client:
        assert client.call("DEBUG", "POPULATE", 100_000, "key", 500) == OK
        client.call("LATENCY", "RESET")
        assert client.call("CONFIG", "SET", "maxmemory", "20mb") == OK
        wait_for(lambda: client.call("SET", "a", "1") == OK and "eviction-cycle" in events(client), 30,
                 "the event of a long eviction")
        assert int(info_fields(client.call("INFO", "stats"))["evicted_keys"]) > 10_000


def test_memory_above_the_limit_is_timed(start, role):
    server = start(role, "--maxmemory-policy", "noeviction", *ALLOWED)
    with server.client(timeout=60) as client:
        def times():
            fields = info_fields(client.call("INFO", "stats"))
            return [int(fields[f"{which}_eviction_exceeded_time"]) for which in ("current", "total")]

        assert client.call("DEBUG", "POPULATE", 20_000, "key", 500) == OK
        assert times() == [0, 0]
        assert client.call("CONFIG", "SET", "maxmemory", "1mb") == OK
        client.call("SET", "a", "1")
        wait_for(lambda: times()[0] > 0, 10, "time above the limit")
        current, total = times()
        assert total >= current > 0
        assert client.call("CONFIG", "SET", "maxmemory", "1gb") == OK
        wait_for(lambda: client.call("SET", "a", "1") == OK and times()[0] == 0, 10, "memory below the limit")
        total = times()[1]
        assert total > 0
        assert times()[1] == total


@pytest.mark.jemalloc
def test_large_values_are_moved_too(start, seed):
    prng = random.Random(seed)
    hearth = start("hearth", *ALLOWED, *EAGER_TO_MOVE)
    with hearth.client(timeout=60) as client:
        parts = list(range(20_000))
        text = "t" * 60
        for at in range(0, len(parts), 1000):
            some = parts[at:at + 1000]
            client.pipeline([
                ("RPUSH", "list", *[f"{text}{n}" for n in some]),
                ("SADD", "set", *[f"{text}{n}" for n in some]),
                ("HSET", "hash", *[word for n in some for word in (f"{text}{n}", n)]),
                ("ZADD", "scores", *[word for n in some for word in (n, f"{text}{n}")]),
                *[("XADD", "stream", f"{n + 1}-0", "field", text) for n in some],
            ])
        gone = [n for n in parts if prng.random() < 0.75]
        for at in range(0, len(gone), 1000):
            names = [f"{text}{n}" for n in gone[at:at + 1000]]
            client.pipeline([("SREM", "set", *names), ("HDEL", "hash", *names), ("ZREM", "scores", *names),
                             ("XDEL", "stream", *[f"{n + 1}-0" for n in gone[at:at + 1000]])])
        client.call("LTRIM", "list", 5000, 10_000)
        digest = client.call("DEBUG", "DIGEST")
        assert client.call("CONFIG", "SET", "activedefrag", "yes") == OK

        def has_run():
            fields = info_fields(client.call("INFO", "stats"))
            return int(fields["active_defrag_hits"]) > 2000 and int(fields["total_active_defrag_time"]) > 0

        wait_for(has_run, 60, "a pass")
        assert client.call("DEBUG", "DIGEST") == digest
        assert client.call("CONFIG", "SET", "activedefrag", "no") == OK
        assert client.call("DEBUG", "RELOAD") == OK
        assert client.call("DEBUG", "DIGEST") == digest


@pytest.mark.jemalloc
@pytest.mark.parametrize("size", [20, 200, 3000])
def test_fragmented_memory_is_moved_together(start, seed, size):
    prng = random.Random(seed)
    hearth = start("hearth", *ALLOWED, *EAGER_TO_MOVE)
    with hearth.client(timeout=60) as client:
        keys = 60_000 if size < 1000 else 10_000
        assert client.call("DEBUG", "POPULATE", keys, "key", size) == OK
        client.pipeline([("RPUSH", f"list:{i}", "a", "b", i) for i in range(200)])
        gone = [f"key:{i}" for i in range(keys) if prng.random() < 0.75]
        for i in range(0, len(gone), 1000):
            client.call("DEL", *gone[i:i + 1000])
        digest = client.call("DEBUG", "DIGEST")
        assert client.call("CONFIG", "SET", "activedefrag", "yes") == OK

        def has_run():
            fields = info_fields(client.call("INFO", "stats"))
            return int(fields["active_defrag_key_hits"]) > 1000 and int(fields["total_active_defrag_time"]) > 0

        wait_for(has_run, 60, "a pass")
        assert client.call("CONFIG", "SET", "activedefrag", "no") == OK
        wait_for(lambda: info_fields(client.call("INFO", "memory"))["active_defrag_running"] == "0", 10, "the end")
        assert client.call("DEBUG", "DIGEST") == digest
        assert client.call("DEBUG", "RELOAD") == OK
        assert client.call("DEBUG", "DIGEST") == digest
