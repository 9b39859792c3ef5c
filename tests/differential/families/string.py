"""Strings: every command of the group in Redis 7."""

from differential.grammar import optional


def expiry_option(g, may_be_past=True):
    """Far away, long past, or wrong; nothing that could run out while the case runs."""
    good = [["EX", g.far_seconds()], ["PX", g.far_seconds() + "000"], ["EXAT", "33177117420"],
            ["PXAT", "33177117420000"], ["KEEPTTL"]]
    past = [["EXAT", "1"], ["PXAT", "1000"]]
    wrong = [["EX", "0"], ["EX", "-1"], ["PX", "a"], ["EX"], ["EX", "9223372036854775807"],
             ["PX", "9223372036854775807"],
             ["EXAT", "0"], ["PXAT", "-5"], ["EX", "100000", "PX", "100000"], ["EX", "10000", "KEEPTTL"],
             ["NOSUCH"],
             ["EX", "1.5"], ["PXAT", "9223372036854775808"]]
    return g.choice(g.weighted([(7, good), (1, past if may_be_past else good), (3, wrong)]))


def set_(g):
    """Never with a past time: the key would stay until somebody happens to look."""
    options = optional(g, lambda: expiry_option(g, may_be_past=False),
                       lambda: [g.choice(["NX", "XX", "nx", "xx"])], ["GET"], chance=0.2)
    return ["SET", g.key(), g.value(), *options]


def getex(g):
    options = g.choice([[], ["PERSIST"], expiry_option(g), expiry_option(g), ["PERSIST", "EX", "10000"]])
    return ["GETEX", g.key(), *options]


def setex(g):
    return ["SETEX", g.key(), g.choice([g.far_seconds(), "0", "-1", "a", "9223372036854775807"]), g.value()]


def psetex(g):
    return ["PSETEX", g.key(), g.choice([g.far_seconds() + "000", "0", "-1", "a", "9223372036854775807"]),
            g.value()]


def offset(g):
    return g.weighted([(14, str(g.random.randint(0, 80))), (2, g.index()), (1, "1048570"), (1, "536870912"),
                       (1, "9223372036854775807"), (1, "4000")])


def small_value(g):
    return g.choice([g.text(g.choice(["", "x", "ab", "12", "\x00\x01"])), g.value()])


def incrbyfloat(g):
    return ["INCRBYFLOAT", g.key(), g.floating()]


def pairs(g):
    return [argument for _ in range(g.random.randint(1, 4)) for argument in (g.key(), g.value())]


def lcs(g):
    setup = [["SET", "s0", "".join(g.choice("abcd12") for _ in range(g.random.randint(0, 30)))],
             ["SET", "s1", "".join(g.choice("abcd12") for _ in range(g.random.randint(0, 30)))]]
    options = optional(g, ["LEN"], ["IDX"], lambda: ["MINMATCHLEN", g.count()], ["WITHMATCHLEN"], chance=0.35)
    command = ["LCS", g.weighted([(8, "s0"), (1, g.key())]), g.weighted([(8, "s1"), (1, g.key())]), *options]
    return [*setup, command] if g.chance(0.5) else command


def number_then(g):
    """A counter next to a limit."""
    key = g.key()
    return [["SET", key, str(g.choice([9223372036854775800, -9223372036854775800, 10, 0, 2**31 - 1]))],
            ["INCRBY", key, g.choice(["7", "8", "-8", "-9", "1", "-1", "9223372036854775807"])],
            ["OBJECT", "ENCODING", key],
            ["DECRBY", key, g.choice(["7", "8", "-8", "-9223372036854775808", "1"])]]


def grow(g):
    """Crosses the limits between the encodings of a string one append at a time."""
    key = g.key()
    return [["SET", key, b"v" * g.choice([42, 43, 44])], ["OBJECT", "ENCODING", key], ["APPEND", key, "w"],
            ["OBJECT", "ENCODING", key], ["STRLEN", key], ["GETRANGE", key, "-3", "-1"]]


MAKERS = [
    (10, set_),
    (8, lambda g: ["GET", g.key()]),
    (3, getex),
    (2, lambda g: ["GETDEL", g.key()]),
    (2, lambda g: ["GETSET", g.key(), g.value()]),
    (2, lambda g: ["SETNX", g.key(), g.value()]),
    (2, setex),
    (2, psetex),
    (3, lambda g: ["MGET", *g.keys()]),
    (2, lambda g: ["MSET", *pairs(g)]),
    (2, lambda g: ["MSETNX", *pairs(g)]),
    (4, lambda g: ["APPEND", g.key(), small_value(g)]),
    (2, lambda g: ["STRLEN", g.key()]),
    (3, lambda g: ["SETRANGE", g.key(), offset(g), small_value(g)]),
    (3, lambda g: ["GETRANGE", g.key(), g.index(), g.index()]),
    (1, lambda g: ["SUBSTR", g.key(), g.index(), g.index()]),
    (3, lambda g: ["INCR", g.key()]),
    (2, lambda g: ["DECR", g.key()]),
    (3, lambda g: ["INCRBY", g.key(), g.integer()]),
    (2, lambda g: ["DECRBY", g.key(), g.integer()]),
    (4, incrbyfloat),
    (2, lcs),
    (1, number_then),
    (1, grow),
    (2, lambda g: ["OBJECT", "ENCODING", g.key()]),
]
