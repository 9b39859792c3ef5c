"""Hashes: every command of Redis 7.0. Commands without a promised order come after a probe of the encoding,
since a small hash does keep the order of its fields."""

from differential.grammar import optional


def pairs(g):
    return [argument for _ in range(g.weighted([(6, 1), (4, 3), (1, 10)]))
            for argument in (g.field(), g.value())]


def fill(g):
    """Crosses the limit of entries or of size."""
    number, size = g.choice([(130, 2), (515, 1), (3, 70), (10, 64), (10, 65)])
    start = g.random.randrange(20)
    pairs_ = [argument for i in range(number) for argument in (str(start + i), g.blob(size))]
    return ["HSET", g.key("h"), *pairs_]


def whole(g):
    key = g.key("h")
    return [["OBJECT", "ENCODING", key], [g.choice(["HGETALL", "HKEYS", "HVALS"]), key]]


def hrandfield(g):
    key = g.key("h")
    command = g.choice([["HRANDFIELD", key], ["HRANDFIELD", key, g.count()], ["HRANDFIELD", key, "-20"],
                        ["HRANDFIELD", key, g.count(), "WITHVALUES"], ["HRANDFIELD", key, "-5", "WITHVALUES"],
                        ["HRANDFIELD", key, g.integer()], ["HRANDFIELD", key, "3", "WITHSCORES"],
                        ["HRANDFIELD", key, "-9223372036854775808", "WITHVALUES"]])
    if len(command) > 2 and command[2] in ("-2147483648", "-9223372036854775807", "-8388608", "-32769",
                                           "-32768"):
        return None  # As many elements would really be sent.
    return [["HGETALL", key], command]


def hscan(g):
    """Option errors only: a whole iteration is compared at the end of every stretch."""
    options = g.choice([["COUNT", "0"], ["COUNT", "a"], ["MATCH"], ["COUNT", "10", "NOSUCH"],
                        ["TYPE", "string"], ["x", "y"]])
    return ["HSCAN", g.key("h"), "0", *options]


def shrink(g):
    key = g.key("h")
    return [["HSET", key, *(x for i in range(140) for x in (str(i), "v"))], ["OBJECT", "ENCODING", key],
            ["HDEL", key, *(str(i) for i in range(g.choice([100, 139, 140])))], ["OBJECT", "ENCODING", key],
            ["HLEN", key]]


def thresholds(g):
    return g.choice([
        ["CONFIG", "SET", "hash-max-listpack-entries", g.choice(["2", "8", "128", "512", "0"])],
        ["CONFIG", "SET", "hash-max-listpack-value", g.choice(["8", "64", "1000", "0"])],
        ["CONFIG", "SET", "hash-max-ziplist-entries", g.choice(["4", "128"])],
    ])


def near_limit(g):
    key, field = g.key("h"), g.field()
    return [["HSET", key, field, g.choice(["9223372036854775800", "-9223372036854775800", "1.5", "x", "",
                                           " 1"])],
            ["HINCRBY", key, field, g.choice(["8", "-9", "7", "1"])],
            ["HINCRBYFLOAT", key, field, g.floating()],
            ["HGET", key, field]]


def scan_all(g):
    return ["@HSCAN", g.key("h"), *optional(g, lambda: ["MATCH", g.pattern()],
                                            lambda: ["COUNT", g.choice(["1", "7", "1000"])])]


MAKERS = [
    (8, lambda g: ["HSET", g.key("h"), *pairs(g)]),
    (2, lambda g: ["HMSET", g.key("h"), *pairs(g)]),
    (2, lambda g: ["HSETNX", g.key("h"), g.field(), g.value()]),
    (5, lambda g: ["HGET", g.key("h"), g.field()]),
    (3, lambda g: ["HMGET", g.key("h"), *(g.field() for _ in range(g.random.randint(1, 5)))]),
    (4, whole),
    (4, lambda g: ["HDEL", g.key("h"), *(g.field() for _ in range(g.random.randint(1, 4)))]),
    (2, lambda g: ["HLEN", g.key("h")]),
    (2, lambda g: ["HEXISTS", g.key("h"), g.field()]),
    (2, lambda g: ["HSTRLEN", g.key("h"), g.field()]),
    (3, lambda g: ["HINCRBY", g.key("h"), g.field(), g.integer()]),
    (3, lambda g: ["HINCRBYFLOAT", g.key("h"), g.field(), g.floating()]),
    (2, near_limit),
    (3, hrandfield),
    (1, hscan),
    (1, scan_all),
    (0.6, fill),
    (0.4, shrink),
    (0.3, thresholds),
    (2, lambda g: ["OBJECT", "ENCODING", g.key("h")]),
]
