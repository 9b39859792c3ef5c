"""Streams and consumer groups. Ids are given, since those of the clock differ. A consumer is made before it claims
or reads: 7.0 makes it only when there is something for it, 7.2 always."""

from differential.grammar import optional

GROUPS = ["g0", "g1"]
CONSUMERS = ["c0", "c1", "c2"]


def moment(g):
    """From few ids, so that commands meet."""
    return f"{g.random.randrange(1, 40)}-{g.random.randrange(3)}"


def stream_id(g):
    return g.weighted([
        (20, moment(g)), (4, str(g.random.randrange(40))), (2, "0"), (1, "0-0"), (1, "-"), (1, "+"), (1, "$"),
        (1, "18446744073709551615-18446744073709551615"), (1, "18446744073709551615"), (1, "1-"), (1, "-1"),
        (1, "a"), (1, ""), (1, "1-1-1"), (1, "007-01"), (1, " 5"), (1, "+5-+1"),
        (1, str(g.random.randint(-5, 2**63))),
    ])


def bound(g, open_end):
    if g.chance(0.4):
        return open_end
    return ("(" if g.chance(0.25) else "") + stream_id(g)


def fields(g):
    pairs = [argument for i in range(g.weighted([(8, 1), (4, 2), (1, 7)])) for argument in (f"f{i}", g.value())]
    return g.weighted([(30, pairs), (1, pairs[:-1]), (1, []), (2, [g.value(), g.value()])])


def trim(g, approximate=True):
    operator = g.weighted([(4, []), (2, ["="]), (3 if approximate else 0, ["~"])])
    threshold = g.choice([["MAXLEN", *operator, g.count()], ["MINID", *operator, stream_id(g)]])
    limit = g.weighted([(8, []), (1, ["LIMIT", g.count()]), (2 if "~" in operator else 0, ["LIMIT", "10"])])
    return g.weighted([(20, [*threshold, *limit]), (1, [*limit, *threshold]), (1, [*threshold, *threshold])])


def next_id(g):
    """Ids that rise, so that most XADD succeed; the keys are not told apart."""
    g.stream_now = getattr(g, "stream_now", 0) + g.random.randrange(2)
    return f"{g.stream_now % 60}-*"


def xadd(g):
    which = g.weighted([(10, next_id(g)), (5, stream_id(g)), (1, "0-*"), (1, "5-*-*")])
    options = optional(g, lambda: ["NOMKSTREAM"], lambda: trim(g), chance=0.15)
    return ["XADD", g.key("x"), *options, which, *fields(g)]


def xadd_many(g):
    """Several blocks, with the same fields or others."""
    key = g.key("x")
    start = g.random.randrange(50, 3000)
    size = g.choice([1, 1, 100, 2000])
    same = g.chance(0.7)
    return [["XADD", key, f"{start + i}-{i % 3}", "f" if same else f"f{i}", "v" * size]
            for i in range(g.choice([5, 30, 120 if size < 100 else 8]))]


def drop(g):
    """Old streams run into high ids."""
    return ["DEL", g.key("x")]


def xrange(g):
    name = g.choice(["XRANGE", "XREVRANGE"])
    ends = [bound(g, "-"), bound(g, "+")]
    if name == "XREVRANGE":
        ends.reverse()
    options = g.weighted([(10, []), (4, ["COUNT", g.count()]), (1, ["COUNT"]), (1, ["LIMIT", "1"])])
    return [name, g.key("x"), *ends, *options]


def ids(g):
    return [stream_id(g) if g.chance(0.1) else moment(g) for _ in range(g.weighted([(6, 1), (4, 4), (1, 15)]))]


def group(g):
    return g.weighted([(10, GROUPS[0]), (6, GROUPS[1]), (1, "none"), (1, "")])


def xread(g):
    keys = g.keys("x", 3)
    options = optional(g, lambda: ["COUNT", g.count()],
                       lambda: ["BLOCK", g.weighted([(8, "4"), (1, "-1"), (1, "a"), (1, "1.5")])],
                       lambda: g.choice([["NOACK"], ["GROUP", "g0", "c0"]]), chance=0.12)
    wanted = [g.weighted([(10, stream_id(g)), (6, "0"), (2, "$"), (1, ">")]) for _ in keys]
    # An id too few or too many, and "+" that only 7.4 knows here.
    wanted = ["0" if w == "+" else w for w in wanted]
    if g.chance(0.03):
        wanted.append("0")
    return ["XREAD", *options, "STREAMS", *keys, *wanted]


def with_consumer(g, make):
    """The command that make(key, group, consumer) gives, once the consumer is there."""
    key, name, consumer = g.key("x"), group(g), g.choice(CONSUMERS)
    return [["XGROUP", "CREATECONSUMER", key, name, consumer], make(key, name, consumer)]


def xreadgroup(g):
    def make(key, name, consumer):
        options = optional(g, lambda: ["COUNT", g.count()], lambda: ["NOACK"],
                           lambda: ["BLOCK", g.weighted([(8, "3"), (1, "-1"), (1, "x")])], chance=0.2)
        wanted = g.weighted([(12, ">"), (4, "0"), (3, stream_id(g)), (1, "$")])
        wanted = "0" if wanted == "+" else wanted
        return ["XREADGROUP", "GROUP", name, consumer, *options, "STREAMS", key, wanted]
    return with_consumer(g, make)


def xreadgroup_several(g):
    keys = ["x0", "x1"]
    return [*(["XGROUP", "CREATE", key, "g0", "0", "MKSTREAM"] for key in keys),
            *(["XGROUP", "CREATECONSUMER", key, "g0", "c0"] for key in keys),
            ["XREADGROUP", "GROUP", "g0", "c0", "COUNT", "2", "STREAMS", *keys, ">", g.choice([">", "0"])]]


def xgroup(g):
    key, name = g.key("x"), group(g)
    read = optional(g, lambda: ["ENTRIESREAD", g.count()], chance=0.15)
    make = optional(g, lambda: ["MKSTREAM"], chance=0.3)
    start = g.weighted([(6, "0"), (4, "$"), (4, stream_id(g))])
    return g.weighted([
        (10, ["XGROUP", "CREATE", key, name, start, *make, *read]),
        (5, ["XGROUP", "SETID", key, name, start, *read]),
        (1.5, ["XGROUP", "DESTROY", key, name]),
        (2, ["XGROUP", "CREATECONSUMER", key, name, g.choice(CONSUMERS)]),
        (2, ["XGROUP", "DELCONSUMER", key, name, g.choice(CONSUMERS)]),
        (0.5, ["XGROUP", "CREATE", key, name, start, "NOSUCH"]),
        (0.5, ["XGROUP", "SETID", key, name, start, "MKSTREAM"]),
        (0.5, ["XGROUP", g.choice(["CREATE", "NOSUCH", "DESTROY"]), key]),
    ])


def idle(g):
    """Far from what really passes, either way."""
    return g.weighted([(10, "0"), (2, "-5"), (4, "3600000"), (1, "a")])


def xclaim(g):
    def make(key, name, consumer):
        options = optional(
            g, lambda: ["IDLE", g.choice(["0", "7200000", "-1", "x"])], lambda: ["RETRYCOUNT", g.count()],
            lambda: ["FORCE"], lambda: ["JUSTID"], lambda: ["LASTID", stream_id(g)],
            lambda: ["TIME", g.choice(["0", "1000", "-4", "99999999999999", ""])], chance=0.2)
        if "LASTID" in options and "+" in options:
            options = []
        return ["XCLAIM", key, name, consumer, idle(g), *ids(g), *options]
    return with_consumer(g, make)


def xautoclaim(g):
    def make(key, name, consumer):
        options = optional(g, lambda: ["COUNT", g.count()], lambda: ["JUSTID"], chance=0.3)
        return ["XAUTOCLAIM", key, name, consumer, idle(g), bound(g, "-"), *options]
    return with_consumer(g, make)


def xpending(g):
    key, name = g.key("x"), group(g)
    if g.chance(0.4):
        return ["XPENDING", key, name]
    least = g.weighted([(4, []), (1, ["IDLE", idle(g)])])
    who = g.weighted([(3, []), (2, [g.choice(CONSUMERS)]), (1, ["none"])])
    rest = [bound(g, "-"), bound(g, "+"), g.count()]
    return ["XPENDING", key, name, *least, *rest[:g.weighted([(15, 3), (1, 2), (1, 1)])], *who]


def xsetid(g):
    options = optional(g, lambda: ["ENTRIESADDED", g.count()], lambda: ["MAXDELETEDID", stream_id(g)],
                       lambda: ["NOSUCH", "1"], chance=0.2)
    return ["XSETID", g.key("x"), g.weighted([(6, "9000-1"), (2, stream_id(g))]), *options]


def xinfo(g):
    key = g.key("x")
    return g.weighted([
        (4, ["XINFO", "STREAM", key]),
        (4, ["XINFO", "STREAM", key, "FULL"]),
        (2, ["XINFO", "STREAM", key, "FULL", "COUNT", g.count()]),
        (1, ["XINFO", "STREAM", key, "FULL", "NOSUCH"]),
        (4, ["XINFO", "GROUPS", key]),
        (4, ["XINFO", "CONSUMERS", key, group(g)]),
        (0.3, ["XINFO", "HELP"]),
    ])


def thresholds(g):
    return g.choice([
        ["CONFIG", "SET", "stream-node-max-entries", g.choice(["1", "3", "10", "100", "0"])],
        ["CONFIG", "SET", "stream-node-max-bytes", g.choice(["0", "4096", "100000"])],
    ])


MAKERS = [
    (14, xadd),
    (1, xadd_many),
    (0.7, drop),
    (5, xrange),
    (2, lambda g: ["XLEN", g.key("x")]),
    (4, lambda g: ["XDEL", g.key("x"), *ids(g)]),
    (2, lambda g: ["XTRIM", g.key("x"), *trim(g)]),
    (4, xread),
    (7, xreadgroup),
    (1, xreadgroup_several),
    (5, xgroup),
    (3, lambda g: ["XACK", g.key("x"), group(g), *ids(g)]),
    (3, xclaim),
    (3, xautoclaim),
    (3, xpending),
    (1, xsetid),
    (5, xinfo),
    (0.3, thresholds),
    (0.5, lambda g: ["OBJECT", "ENCODING", g.key("x")]),
]
