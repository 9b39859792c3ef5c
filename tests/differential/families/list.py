"""Lists, with the blocking commands only where they cannot wait for long."""

from differential.grammar import optional


def end(g):
    return g.weighted([(9, "LEFT"), (9, "RIGHT"), (1, "left"), (1, "MIDDLE")])


def element(g):
    """From few values, so that LREM, LPOS and LINSERT find some."""
    return g.word() if g.chance(0.6) else g.value()


def push(g):
    name = g.choice(["LPUSH", "RPUSH", "LPUSH", "RPUSH", "LPUSHX", "RPUSHX"])
    return [name, g.key("l"), *(element(g) for _ in range(g.weighted([(6, 1), (4, 3), (1, 12)])))]


def push_many(g):
    """Enough to leave the small encoding, or a few large ones."""
    number, size = g.choice([(130, 3), (40, 60), (3, 5000), (600, 2), (9, 1000)])
    return [g.choice(["LPUSH", "RPUSH"]), g.key("l"), *(g.blob(size) for _ in range(number))]


def lpos(g):
    options = optional(g, lambda: ["RANK", g.choice(["1", "2", "-1", "-2", "0", g.integer()])],
                       lambda: ["COUNT", g.count()],
                       lambda: ["MAXLEN", g.count()], chance=0.4)
    return ["LPOS", g.key("l"), element(g), *options]


def lmpop(g):
    keys = g.keys("l", 3)
    number = g.weighted([(10, str(len(keys))), (1, "0"), (1, "-1"), (1, str(len(keys) + 1)), (1, "a")])
    return ["LMPOP", number, *keys, end(g), *optional(g, lambda: ["COUNT", g.count()], chance=0.4)]


def linsert(g):
    return ["LINSERT", g.key("l"), g.weighted([(5, "BEFORE"), (5, "after"), (1, "beside")]), element(g),
            element(g)]


def timeout(g):
    """Waits of a few milliseconds at most; the wrong ones never wait."""
    return g.weighted([(12, "0.004"), (1, "-1"), (1, "a"), (1, "inf"), (1, ""), (1, "1e30")])


def blocking(g):
    keys = g.keys("l", 3)
    return g.weighted([
        (3, ["BLPOP", *keys, timeout(g)]),
        (3, ["BRPOP", *keys, timeout(g)]),
        (3, ["BLMOVE", g.key("l"), g.key("l"), end(g), end(g), timeout(g)]),
        (2, ["BRPOPLPUSH", g.key("l"), g.key("l"), timeout(g)]),
        (3, ["BLMPOP", timeout(g), str(len(keys)), *keys, end(g),
             *optional(g, lambda: ["COUNT", g.count()], chance=0.4)]),
    ])


def blocking_on_something(g):
    return [["RPUSH", "l0", element(g), element(g)], blocking(g)]


def shape(g):
    """Pushes, then cuts the list down, which lets the encoding go back."""
    key = g.key("l")
    return [["RPUSH", key, *(g.blob(30) for _ in range(150))], ["OBJECT", "ENCODING", key],
            ["LTRIM", key, "0", "3"],
            ["OBJECT", "ENCODING", key], ["LRANGE", key, "0", "-1"]]


def thresholds(g):
    return g.choice([
        ["CONFIG", "SET", "list-max-listpack-size", g.choice(["-1", "-2", "-3", "-4", "-5", "1", "2", "4",
                                                              "16", "128"])],
        ["CONFIG", "SET", "list-compress-depth", g.choice(["0", "1", "2"])],
        ["CONFIG", "SET", "list-max-ziplist-size", g.choice(["-2", "8"])],
    ])


MAKERS = [
    (10, push),
    (1, push_many),
    (3, lambda g: [g.choice(["LPOP", "RPOP"]), g.key("l")]),
    (3, lambda g: [g.choice(["LPOP", "RPOP"]), g.key("l"), g.count()]),
    (5, lambda g: ["LRANGE", g.key("l"), g.index(), g.index()]),
    (3, lambda g: ["LINDEX", g.key("l"), g.index()]),
    (3, lambda g: ["LSET", g.key("l"), g.index(), element(g)]),
    (2, lambda g: ["LLEN", g.key("l")]),
    (3, linsert),
    (3, lambda g: ["LREM", g.key("l"), g.choice(["0", "1", "-1", "2", "-2", g.integer()]), element(g)]),
    (2, lambda g: ["LTRIM", g.key("l"), g.index(), g.index()]),
    (3, lpos),
    (3, lambda g: ["LMOVE", g.key("l"), g.key("l"), end(g), end(g)]),
    (2, lambda g: ["RPOPLPUSH", g.key("l"), g.key("l")]),
    (3, lmpop),
    (0.4, blocking),
    (1, blocking_on_something),
    (0.3, shape),
    (0.3, thresholds),
    (2, lambda g: ["OBJECT", "ENCODING", g.key("l")]),
]
