"""Sets. Replies without a promised order come after a probe of the encoding, since an intset is in order."""

from differential.grammar import optional


def member(g):
    roll = g.random.random()
    if roll < 0.5:
        return str(g.random.randint(-5, 12))
    return g.word() if roll < 0.8 else g.value()


def members(g):
    return [member(g) for _ in range(g.weighted([(6, 1), (4, 4), (1, 12)]))]


def fill(g):
    """Crosses the limits of entries, of size and of integers."""
    key = g.key("t")
    start = g.random.randrange(50)
    kind = g.choice(["few numbers", "many numbers", "texts", "long", "wide"])
    if kind == "few numbers":
        return ["SADD", key, *(str(start + i) for i in range(100))]
    if kind == "many numbers":
        return ["SADD", key, *(str(start + i) for i in range(g.choice([400, 520])))]
    if kind == "texts":
        return ["SADD", key, *(f"m{start + i}" for i in range(g.choice([20, 127, 140])))]
    if kind == "long":
        return ["SADD", key, "x" * g.choice([63, 64, 65, 254, 255, 300]), *members(g)]
    return ["SADD", key, "32768", "-2147483649", "9223372036854775807", *members(g)]


def whole(g):
    key = g.key("t")
    return [["OBJECT", "ENCODING", key], ["SMEMBERS", key]]


def combine(g):
    return [g.choice(["SUNION", "SINTER", "SDIFF"]), *g.keys("t", 4)]


def combine_and_store(g):
    key = g.key("t")
    name = g.choice(["SUNIONSTORE", "SINTERSTORE", "SDIFFSTORE"])
    return [[name, key, *g.keys("t", 4)], ["OBJECT", "ENCODING", key], ["SCARD", key]]


def sintercard(g):
    keys = g.keys("t", 3)
    number = g.weighted([(12, str(len(keys))), (1, "0"), (1, "-1"), (1, str(len(keys) + 1)), (1, "a")])
    return ["SINTERCARD", number, *keys, *optional(g, lambda: ["LIMIT", g.count()], chance=0.5)]


def srandmember(g):
    key = g.key("t")
    command = g.choice([["SRANDMEMBER", key], ["SRANDMEMBER", key, str(g.random.randint(-20, 20))],
                        ["SRANDMEMBER", key, "a"], ["SRANDMEMBER", key, "1", "x"],
                        ["SRANDMEMBER", key, "-9223372036854775808"]])
    return [["SMEMBERS", key], command]


def spop(g):
    """What is left is not the same in both servers, so nothing is left."""
    key = g.key("t")
    command = g.choice([["SPOP", key], ["SPOP", key, str(g.random.randint(0, 9))]])
    return [["SMEMBERS", key], command, ["SCARD", key], ["DEL", key]]


def spop_all(g):
    key = g.key("t")
    return [["SPOP", key, g.choice(["1000000", "0", "-1", "a"])], ["EXISTS", key], ["SPOP", key, "1", "2"]]


def sscan(g):
    """Option errors only: whole iterations are compared too."""
    options = g.choice([["COUNT", "0"], ["COUNT", "a"], ["MATCH"], ["COUNT", "10", "NOSUCH"],
                        ["TYPE", "string"], ["x", "y"]])
    return ["SSCAN", g.key("t"), g.choice(["0", "x", ""]), *options]


def scan_all(g):
    return ["@SSCAN", g.key("t"), *optional(g, lambda: ["MATCH", g.pattern()],
                                            lambda: ["COUNT", g.choice(["1", "7", "1000"])])]


def empty(g):
    """Down to nothing, which removes the key."""
    key = g.key("t")
    return [["SREM", key, *(str(i) for i in range(-5, 60)), *members(g)], ["SMEMBERS", key], ["EXISTS", key]]


MAKERS = [
    (8, lambda g: ["SADD", g.key("t"), *members(g)]),
    (4, lambda g: ["SREM", g.key("t"), *members(g)]),
    (3, lambda g: ["SISMEMBER", g.key("t"), member(g)]),
    (2, lambda g: ["SMISMEMBER", g.key("t"), *members(g)]),
    (2, lambda g: ["SCARD", g.key("t")]),
    (3, lambda g: ["SMOVE", g.key("t"), g.key("t"), member(g)]),
    (3, whole),
    (2, fill),
    (3, combine),
    (3, combine_and_store),
    (2, sintercard),
    (2, srandmember),
    (1, spop),
    (1, spop_all),
    (1, sscan),
    (1, scan_all),
    (1, empty),
    (0.2, lambda g: ["CONFIG", "SET", "set-max-intset-entries", g.choice(["16", "64", "512"])]),
]
