"""Memory limits and eviction, active expiry, the access statistics of keys, and the slow log."""

import time

import pytest

from support.info import info_fields
from support.resp import Error, OK
from support.server import wait_for

POLICIES = ["noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu",
            "volatile-random", "volatile-ttl"]
LIMIT = 20 << 20
VALUE = b"v" * 5000


def stat(client, name, section="stats"):
    return int(info_fields(client.call("INFO", section))[name])


def fill(client, prefix, number, *options):
    return client.pipeline([("SET", f"{prefix}{i}", VALUE, *options) for i in range(number)])


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_keeps_memory_at_its_limit(start, role, policy):
    server = start(role, "--maxmemory", LIMIT, "--maxmemory-policy", policy)
    with server.client(timeout=30) as client:
        replies = fill(client, "k", 8000, "EX", 10000)
        if policy == "noeviction":
            assert replies[0] == OK and isinstance(replies[-1], Error)
            assert replies[-1].value.startswith(b"OOM command not allowed when used memory > 'maxmemory'")
            assert client.call("GET", "k0") == VALUE
            assert client.call("DEL", "k0") == 1
            return
        assert all(reply == OK for reply in replies)
        assert stat(client, "evicted_keys") > 1000
        assert stat(client, "used_memory", "memory") < LIMIT * 1.1
        assert 1000 < client.call("DBSIZE") < 8000


@pytest.mark.parametrize("policy", [p for p in POLICIES if p.startswith("volatile")])
def test_volatile_policies_never_touch_keys_without_expiry(start, role, policy):
    server = start(role, "--maxmemory", LIMIT, "--maxmemory-policy", policy)
    with server.client(timeout=30) as client:
        assert all(reply == OK for reply in fill(client, "keep", 1000))
        assert all(reply == OK for reply in fill(client, "go", 6000, "EX", 10000))
        assert client.call("EXISTS", *(f"keep{i}" for i in range(1000))) == 1000
        client.call("FLUSHALL")
        assert isinstance(fill(client, "keep", 8000)[-1], Error)


def test_lru_keeps_what_was_used(start, role):
    server = start(role, "--maxmemory", LIMIT, "--maxmemory-policy", "allkeys-lru", "--maxmemory-samples",
                   "10")
    with server.client(timeout=30) as client:
        fill(client, "old", 2000)
        wait_for(lambda: client.call("OBJECT", "IDLETIME", "old1999") >= 2, 6, "the old keys are idle",
                 pause=0.2)
        client.call("EXISTS", *(f"old{i}" for i in range(200)))
        client.pipeline([("GET", f"old{i}") for i in range(200)])
        fill(client, "new", 2800)
        used = client.call("EXISTS", *(f"old{i}" for i in range(200)))
        unused = client.call("EXISTS", *(f"old{i}" for i in range(200, 2000))) / 9
        assert used > 190 and used > unused


def test_lfu_keeps_what_was_used_often(start, role):
    server = start(role, "--maxmemory", LIMIT, "--maxmemory-policy", "allkeys-lfu", "--maxmemory-samples",
                   "10")
    with server.client(timeout=30) as client:
        fill(client, "k", 2500)
        for _ in range(30):
            client.pipeline([("GET", f"k{i}") for i in range(200)])
        fill(client, "new", 4000)
        assert client.call("EXISTS", *(f"k{i}" for i in range(200))) > 190


def test_ttl_policy_evicts_the_nearest_first(start, role):
    server = start(role, "--maxmemory", LIMIT, "--maxmemory-policy", "volatile-ttl", "--maxmemory-samples",
                   "10")
    with server.client(timeout=30) as client:
        fill(client, "late", 1000, "EX", 100000)
        fill(client, "soon", 4500, "EX", 1000)
        assert client.call("EXISTS", *(f"late{i}" for i in range(1000))) > 950


def test_keys_without_readers_expire_by_themselves(each):
    with each.client() as client:
        client.pipeline([("SET", f"k{i}", "v", "PX", 100) for i in range(2000)] + [("SET", "stays", "v")])
        wait_for(lambda: client.call("DBSIZE") == 1, 10, "all keys are gone")
        assert stat(client, "expired_keys") == 2000


def test_an_expired_key_is_gone_at_once_for_readers(each):
    with each.client() as client:
        client.call("SET", "k", "v", "PX", 30)
        deadline = time.monotonic() + 0.5
        while client.call("GET", "k") == b"v":
            assert time.monotonic() < deadline
        assert client.call("EXISTS", "k") == 0
        assert client.call("TTL", "k") == -2


def test_expiry_and_eviction_raise_events(start, role):
    server = start(role, "--maxmemory-policy", "allkeys-random")
    with server.client() as client, server.client() as watcher:
        client.call("CONFIG", "SET", "notify-keyspace-events", "Eex")
        watcher.call("PSUBSCRIBE", "*")
        client.call("SET", "k", "v", "PX", 20)
        assert watcher.read() == [b"pmessage", b"*", b"__keyevent@0__:expired", b"k"]
        client.call("SET", "e", VALUE)
        client.call("CONFIG", "SET", "maxmemory", "1")
        client.call("SET", "f", VALUE)
        assert watcher.read() == [b"pmessage", b"*", b"__keyevent@0__:evicted", b"e"]


@pytest.mark.parametrize("flags, expected", [("", 0), ("K", 0), ("KA", 2), ("EA", 2), ("KEA", 4), ("K$", 1),
                                             ("Eg", 1), ("Kl", 0)])
def test_only_the_events_asked_for_are_sent(each, flags, expected):
    with each.client() as client, each.client() as watcher:
        assert client.call("CONFIG", "SET", "notify-keyspace-events", flags) == OK
        watcher.call("PSUBSCRIBE", "__key*")
        client.pipeline([("SET", "a", "1"), ("DEL", "a"), ("DEL", "a"), ("GET", "a")])
        watcher.send("PING", "end")
        got = []
        while (reply := watcher.read()) != [b"pong", b"end"]:
            got.append(reply)
        assert len(got) == expected, got


def test_miss_and_new_events_come_only_when_named(each):
    with each.client() as client, each.client() as watcher:
        assert client.call("CONFIG", "SET", "notify-keyspace-events", "Emn") == OK
        watcher.call("PSUBSCRIBE", "__keyevent*")
        client.pipeline([("GET", "a"), ("SET", "a", "1")])
        assert watcher.read()[2:] == [b"__keyevent@0__:keymiss", b"a"]
        assert watcher.read()[2:] == [b"__keyevent@0__:new", b"a"]


def test_idle_time_grows_and_a_read_resets_it(each):
    with each.client() as client:
        client.call("SET", "k", "v")
        wait_for(lambda: client.call("OBJECT", "IDLETIME", "k") >= 1, 5, "the key is idle", pause=0.1)
        client.call("TOUCH", "k")
        assert client.call("OBJECT", "IDLETIME", "k") == 0


def test_frequency_grows_with_use(start, role):
    server = start(role, "--maxmemory-policy", "allkeys-lfu", "--lfu-log-factor", "0")
    with server.client() as client:
        client.call("SET", "k", "v")
        before = client.call("OBJECT", "FREQ", "k")
        client.pipeline([("GET", "k")] * 50)
        assert client.call("OBJECT", "FREQ", "k") >= before + 40
        assert isinstance(client.call("OBJECT", "IDLETIME", "k"), Error)


def test_memory_usage_follows_the_size(each):
    with each.client() as client:
        client.pipeline([("SET", "small", "v"), ("SET", "large", b"x" * 100000),
                         ("RPUSH", "list", *range(10000))])
        small, large, many = (client.call("MEMORY", "USAGE", key) for key in ("small", "large", "list"))
        assert 10 < small < 200
        assert 100000 <= large < 140000
        assert 20000 < many < 400000
        assert client.call("MEMORY", "USAGE", "list", "SAMPLES", 0) > 20000


def test_the_slow_log_keeps_the_newest_commands(both):
    shown = []
    for server in both:
        with server.client() as client:
            client.pipeline([("CONFIG", "SET", "slowlog-log-slower-than", 0),
                             ("CONFIG", "SET", "slowlog-max-len", 5), ("SLOWLOG", "RESET"),
                             ("CLIENT", "SETNAME", "me"), ("SET", "k", "x" * 300),
                             ("MSET", *(str(i) for i in range(60)))])
            entries = client.call("SLOWLOG", "GET", 2)
            assert [len(entry) for entry in entries] == [6, 6]
            assert entries[0][0] == entries[1][0] + 1 and abs(entries[0][1] - time.time()) < 5
            shown.append([(entry[3], entry[5]) for entry in entries])
            client.pipeline([("PING",)] * 10)
            assert client.call("SLOWLOG", "LEN") == 5
            assert len(client.call("SLOWLOG", "GET", -1)) == 5
            assert client.call("CONFIG", "SET", "slowlog-log-slower-than", -1) == OK
            assert client.call("SLOWLOG", "RESET") == OK
            assert client.call("SLOWLOG", "GET") == []
    assert shown[0] == shown[1]
