"""Keys of every type and encoding, made in a real server for what reads RDB, and what can be read of them."""

import random

# More elements than these change nothing of what is tested, and take time.
LARGE = 400


def word(size):
    return "".join(random.choice("abcdefghij") for _ in range(size))


def fill_strings(source):
    for name, value in (("int", "12345"), ("negative", "-7"), ("int64", "9223372036854775807"), ("short", "hello"),
                        ("raw", "x" * 100), ("packed", word(5) * 1000), ("empty", ""),
                        ("binary", bytes(range(256)) * 20), ("large", word(10) * 30000)):
        source.set("string:" + name, value)
    source.set("k" * 300, "a long name")
    source.pfadd("string:hll", *range(500))


def fill_lists(source):
    source.rpush("list:small", "a", "1", "b" * 70)
    source.rpush("list:nodes", *[word(60) for _ in range(LARGE)])
    source.rpush("list:wide", "x" * 20000, "y", -5, 70000)
    source.config_set("list-max-listpack-size", 5)
    source.rpush("list:five", *range(-10, 23))
    source.config_set("list-compress-depth", 1)
    source.rpush("list:compressed", *[word(3) * 100 for _ in range(40)])


def fill_sets(source):
    source.sadd("set:int16", 1, 2, 300)
    source.sadd("set:int32", 1, 70000, -70000)
    source.sadd("set:int64", 1, 2**40)
    source.sadd("set:small", "a", "b", "3")
    source.sadd("set:large", *[word(20) for _ in range(LARGE)])
    source.sadd("set:integers", *range(1000))


def fill_sorted_sets(source):
    source.zadd("zset:small", {"a": 1, "b": 2.5, "c": float("inf"), "d": -3, "e": 1e-10})
    source.zadd("zset:large", {word(12): random.random() * 100 - 50 for _ in range(LARGE)})
    source.zadd("zset:long", {"m" * 100: 1, "n": 1})


def fill_hashes(source):
    source.hset("hash:small", mapping={"f": "1", "g": "two"})
    source.hset("hash:large", mapping={word(10): word(20) for _ in range(2 * LARGE)})
    source.hset("hash:long", mapping={"f": "v" * 200, "w" * 300: "x"})


def fill_streams(source):
    for i in range(LARGE):
        source.xadd("stream:full", {f"f{i % 3}": f"v{i}", "n": i})
    ids = [entry for entry, _ in source.xrange("stream:full")]
    source.xdel("stream:full", *ids[10:20], *ids[100:250])
    source.xgroup_create("stream:full", "one", id="0")
    source.xgroup_create("stream:full", "two", id="$")
    source.xreadgroup("one", "alice", {"stream:full": ">"}, count=30)
    source.xreadgroup("one", "bob", {"stream:full": ">"}, count=5)
    source.xgroup_createconsumer("stream:full", "two", "idle")
    source.xack("stream:full", "one", ids[3])
    source.xadd("stream:empty", {"a": "b"})
    source.xtrim("stream:empty", maxlen=0)


FILLS = [fill_strings, fill_lists, fill_sets, fill_sorted_sets, fill_hashes, fill_streams]


def contents(client, key):
    """All that can be read of a key, in an order that does not depend on the server."""
    kind = client.type(key).decode()
    if kind == "string":
        value = client.get(key)
    elif kind == "list":
        value = client.lrange(key, 0, -1)
    elif kind == "set":
        value = sorted(client.smembers(key))
    elif kind == "zset":
        value = client.zrange(key, 0, -1, withscores=True)
    elif kind == "hash":
        value = sorted(client.hgetall(key).items())
    else:
        groups = client.xinfo_groups(key)
        pending = [[(entry["message_id"], entry["consumer"], entry["times_delivered"])
                    for entry in client.xpending_range(key, group["name"], "-", "+", 1000)] for group in groups]
        facts = {name: fact for name, fact in client.xinfo_stream(key).items()
                 if not str(name).startswith("radix-tree")}
        value = (client.xrange(key), groups, pending, facts)
    return kind, value
