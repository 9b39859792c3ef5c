"""Sorted sets. Scores are such that 7.0 and 7.2 print them alike: whole numbers, and fractions that are sums of a few
halves. The blocking commands come only where they cannot wait for long."""

from differential.grammar import optional


def score(g):
    roll = g.random.random()
    if roll < 0.6:
        return str(g.random.randint(-3, 9))
    if roll < 0.85:
        return str(g.random.randint(-40, 40) / 4)
    if roll < 0.95:
        return g.choice(["inf", "-inf", "+inf", "1e3", "0x10", "-0", "9007199254740992", "1048576.5"])
    return g.choice(["", "a", "nan", "1e400", "1.2.3", " 1", "1 ", "(1"])


def member(g):
    roll = g.random.random()
    if roll < 0.4:
        return str(g.random.randint(-5, 12))
    return g.word() if roll < 0.8 else g.value()


def pairs(g):
    return [argument for _ in range(g.weighted([(6, 1), (4, 3), (1, 8)]))
            for argument in (score(g), member(g))]


def zadd(g):
    flags = g.weighted([(10, []), (1, ["NX"]), (1, ["XX"]), (1, ["GT"]), (1, ["LT"]), (1, ["CH"]),
                        (1, ["XX", "GT", "ch"]), (1, ["NX", "GT"]), (1, ["xx", "nx"]), (1, ["LT", "GT"])])
    return ["ZADD", g.key("z"), *flags, *pairs(g)]


def wrong_zadd(g):
    return g.choice([["ZADD"], ["ZADD", g.key("z")], ["ZADD", g.key("z"), "1"], ["ZADD", g.key("z"), "NX"],
                     ["ZADD", g.key("z"), "1", "a", "2"], ["ZADD", g.key("z"), "INCR", "1", "a", "2", "b"],
                     ["ZADD", g.key("z"), "1", "a", "NX", "b"], ["ZINCRBY", g.key("z"), "1"],
                     ["ZINCRBY", g.key("z"), "nx", "1"], ["ZUNION", "1"], ["ZINTERSTORE", g.key("z"), "1"]])


def zadd_incr(g):
    flags = optional(g, ["INCR"], ["NX"], ["XX"], ["GT"], ["LT"], chance=0.3)
    return ["ZADD", g.key("z"), "INCR", *flags, score(g), member(g)]


def fill(g):
    """Crosses the limit of entries or of size."""
    number, size = g.choice([(100, 2), (130, 4), (300, 6), (3, 64), (3, 65), (3, 300)])
    start = g.random.randrange(20)
    same = g.chance(0.5)
    return ["ZADD", g.key("z"), *(argument for i in range(number)
                                  for argument in ("0" if same else str(i // 2), f"{start + i:0{size}}"))]


def limit(g):
    return ["LIMIT", g.weighted([(8, str(g.random.randint(0, 4))), (1, "-1"), (1, "a")]),
            g.weighted([(8, str(g.random.randint(0, 5))), (2, "-1"), (1, "a")])]


def score_end(g):
    return g.weighted([(6, str(g.random.randint(-3, 9))), (3, f"({g.random.randint(-3, 9)}"), (1, "-inf"),
                       (1, "+inf"), (1, "(inf"), (1, g.choice(["", "(", "a", "nan", "((1", " 1", "1e400"]))])


def lex_end(g):
    return g.weighted([(4, "[" + g.word()), (4, "(" + g.word()), (2, "-"), (2, "+"), (1, "["), (1, "("),
                       (1, g.choice(["", "a", "--", "+x"]))])


def score_ends(g):
    return sorted_mostly(g, [score_end(g), score_end(g)])


def lex_ends(g):
    return g.choice([["-", "+"], [lex_end(g), lex_end(g)], ["-", lex_end(g)], [lex_end(g), "+"]])


def sorted_mostly(g, ends):
    return sorted(ends, key=lambda end: end.lstrip("(")) if g.chance(0.6) else ends


def same_scores(g):
    """For ranges of texts, which mean nothing where scores differ."""
    key = g.choice(["lex0", "lex1"])
    return key, [["ZADD", key, *(argument for _ in range(6) for argument in ("0", g.word()))]]


def by_lex(g):
    key, first = same_scores(g)
    name = g.choice(["ZRANGEBYLEX", "ZREVRANGEBYLEX"])
    ends = lex_ends(g)
    return [*first, [name, key, *(ends if name == "ZRANGEBYLEX" else ends[::-1]),
                     *optional(g, lambda: limit(g), ["WITHSCORES"], chance=0.2)],
            ["ZLEXCOUNT", key, *ends],
            ["ZRANGE", key, *ends, "BYLEX", *optional(g, lambda: limit(g), ["REV"], ["WITHSCORES"], chance=0.2)],
            g.choice([["ZREMRANGEBYLEX", key, *lex_ends(g)], ["ZCARD", key]])]


def by_score(g):
    name = g.choice(["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"])
    ends = score_ends(g)
    return [name, g.key("z"), *(ends if name == "ZRANGEBYSCORE" else ends[::-1]),
            *optional(g, lambda: limit(g), ["WITHSCORES"], ["BYSCORE"], chance=0.3)]


def zrange(g):
    options = optional(g, ["REV"], ["WITHSCORES"], chance=0.3)
    form = g.weighted([(6, "rank"), (6, "score"), (1, "wrong")])
    if form == "rank":
        return ["ZRANGE", g.key("z"), g.index(), g.index(), *options]
    if form == "score":
        ends = score_ends(g)
        if "REV" in options:
            ends.reverse()
        return ["ZRANGE", g.key("z"), *ends, "BYSCORE", *options, *optional(g, lambda: limit(g), chance=0.4)]
    return ["ZRANGE", g.key("z"), "0", "-1", *options, *g.choice([["BYLEX", "BYSCORE"], ["LIMIT", "0", "1"],
                                                                 ["LIMIT", "0"], ["REV", "REV"], ["x"]])]


def zrangestore(g):
    key = g.key("z")
    form = g.choice([[g.index(), g.index()], [*score_ends(g), "BYSCORE"], ["0", "-1", "WITHSCORES"],
                     ["0", "-1", "REV"]])
    return [["ZRANGESTORE", key, g.key("z"), *form], ["OBJECT", "ENCODING", key],
            ["ZRANGE", key, "0", "-1", "WITHSCORES"]]


def inputs(g):
    keys = [g.key(g.choice("zzzt")) for _ in range(g.random.randint(1, 3))]
    number = g.weighted([(14, str(len(keys))), (1, "0"), (1, "-1"), (1, str(len(keys) + 1)), (1, "a")])
    return [number, *keys]


def arithmetic(g, count):
    return optional(g, lambda: ["WEIGHTS", *(g.choice(["1", "2", "-1", "0", "inf", "a"])
                                             for _ in range(count))],
                    lambda: ["AGGREGATE", g.choice(["SUM", "MIN", "max", "avg"])], chance=0.3)


def combine(g):
    name = g.choice(["ZUNION", "ZINTER", "ZDIFF"])
    given = inputs(g)
    options = [] if name == "ZDIFF" and g.chance(0.9) else arithmetic(g, len(given) - 1)
    return [name, *given, *options, *optional(g, ["WITHSCORES"])]


def combine_and_store(g):
    name = g.choice(["ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"])
    key = g.key("z")
    given = inputs(g)
    options = [] if name == "ZDIFFSTORE" and g.chance(0.9) else arithmetic(g, len(given) - 1)
    return [[name, key, *given, *options, *optional(g, ["WITHSCORES"], chance=0.05)],
            ["OBJECT", "ENCODING", key], ["ZRANGE", key, "0", "-1", "WITHSCORES"]]


def zrandmember(g):
    key = g.key("z")
    command = g.choice([["ZRANDMEMBER", key], ["ZRANDMEMBER", key, str(g.random.randint(-20, 20))],
                        ["ZRANDMEMBER", key, str(g.random.randint(-9, 9)), "WITHSCORES"],
                        ["ZRANDMEMBER", key, "a"], ["ZRANDMEMBER", key, "1", "x"],
                        ["ZRANDMEMBER", key, "-9223372036854775808"]])
    return [["ZRANGE", key, "0", "-1", "WITHSCORES"], command]


def timeout(g):
    """Waits of a few milliseconds at most; the wrong ones never wait."""
    return g.weighted([(12, "0.004"), (1, "-1"), (1, "a"), (1, "")])


def zmpop(g):
    keys = g.keys("z", 3)
    number = g.weighted([(12, str(len(keys))), (1, "0"), (1, "-1"), (1, str(len(keys) + 1)), (1, "a")])
    end = g.weighted([(9, "MIN"), (9, "max"), (1, "MIDDLE")])
    return [number, *keys, end, *optional(g, lambda: ["COUNT", g.count()], chance=0.4)]


def blocking(g):
    return g.weighted([
        (3, ["BZPOPMIN", *g.keys("z", 3), timeout(g)]),
        (3, ["BZPOPMAX", *g.keys("z", 3), timeout(g)]),
        (3, ["BZMPOP", timeout(g), *zmpop(g)]),
    ])


def blocking_on_something(g):
    return [["ZADD", "z0", "1", member(g), "2", member(g)], blocking(g)]


def remove_ranges(g):
    return g.choice([["ZREMRANGEBYRANK", g.key("z"), g.index(), g.index()],
                     ["ZREMRANGEBYSCORE", g.key("z"), *score_ends(g)]])


def scan_all(g):
    return ["@ZSCAN", g.key("z"), *optional(g, lambda: ["MATCH", g.pattern()],
                                            lambda: ["COUNT", g.choice(["1", "7", "1000"])])]


def thresholds(g):
    return g.choice([["CONFIG", "SET", "zset-max-listpack-entries", g.choice(["10", "64", "128"])],
                     ["CONFIG", "SET", "zset-max-listpack-value", g.choice(["4", "20", "64"])],
                     ["CONFIG", "SET", "zset-max-ziplist-entries", g.choice(["16", "128"])]])


MAKERS = [
    (9, zadd),
    (3, zadd_incr),
    (1, wrong_zadd),
    (3, lambda g: ["ZINCRBY", g.key("z"), score(g), member(g)]),
    (2, fill),
    (4, lambda g: ["ZREM", g.key("z"), *(member(g) for _ in range(g.random.randint(1, 4)))]),
    (2, lambda g: ["ZCARD", g.key("z")]),
    (3, lambda g: ["ZSCORE", g.key("z"), member(g)]),
    (2, lambda g: ["ZMSCORE", g.key("z"), *(member(g) for _ in range(g.random.randint(1, 4)))]),
    (4, lambda g: [g.choice(["ZRANK", "ZREVRANK"]), g.key("z"), member(g)]),
    (3, lambda g: ["ZCOUNT", g.key("z"), *score_ends(g)]),
    (5, zrange),
    (2, lambda g: ["ZREVRANGE", g.key("z"), g.index(), g.index(), *optional(g, ["WITHSCORES"])]),
    (4, by_score),
    (3, by_lex),
    (2, zrangestore),
    (2, remove_ranges),
    (3, combine),
    (3, combine_and_store),
    (1, lambda g: ["ZINTERCARD", *inputs(g), *optional(g, lambda: ["LIMIT", g.count()])]),
    (2, zrandmember),
    (3, lambda g: [g.choice(["ZPOPMIN", "ZPOPMAX"]), g.key("z"), *optional(g, lambda: [g.count()])]),
    (2, lambda g: ["ZMPOP", *zmpop(g)]),
    (1, blocking),
    (1, blocking_on_something),
    (1, scan_all),
    (1, lambda g: [["OBJECT", "ENCODING", (key := g.key("z"))], ["ZRANGE", key, "0", "-1", "WITHSCORES"]]),
    (0.3, thresholds),
]
