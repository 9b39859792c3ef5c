"""MULTI, EXEC, DISCARD, WATCH and UNWATCH, with other connections writing in between."""

from differential.families import generic, hash as hash_family, list as list_family, string
from differential.grammar import PLAIN_CONNECTIONS, Step, make_case

_BODY = [(weight, maker) for family in (string, list_family, hash_family, generic) for weight,
         maker in family.MAKERS]


class _Body:
    MAKERS = _BODY


def body(g, size):
    """Commands for inside a transaction: those that the runner carries out itself stay out."""
    while True:
        steps = [s for s in make_case(g, [_Body], size) if not s.arguments[0].startswith(b"@")]
        if steps:
            return [s.arguments for s in steps]


def wrong(g):
    return g.choice([["NOSUCHCOMMAND", "a"], ["GET"], ["SET", "s0"], ["WATCH", "s0"], ["MULTI"],
                     ["INCR", "h0", "x"]])


def transaction(g):
    """Two or three connections; a watched key may change before EXEC."""
    mine = g.choice(PLAIN_CONNECTIONS)
    others = [c for c in PLAIN_CONNECTIONS if c != mine]
    steps = []
    watched = g.keys("s", 3)
    if g.chance(0.5):
        steps.append(Step(mine, ("WATCH", *watched)))
    if g.chance(0.1):
        steps.append(Step(mine, ("UNWATCH",)))
    if g.chance(0.3):
        other = g.choice(others)
        steps.extend(Step(other, command) for command in body(g, 1))
    steps.append(Step(mine, ("MULTI",)))
    for _ in range(g.random.randint(0, 4)):
        if g.chance(0.08):
            steps.append(Step(mine, tuple(wrong(g))))
        steps.extend(Step(mine, command) for command in body(g, 1))
        if g.chance(0.3):
            other = g.choice(others)
            touched = g.choice([["SET", g.choice(watched), g.value()], ["DEL", g.choice(watched)],
                                ["EXPIRE", g.choice(watched), "100000"], ["SET", g.key(), "1"]])
            steps.append(Step(other, tuple(touched)))
    steps.append(Step(mine, (g.weighted([(12, "EXEC"), (2, "DISCARD"), (1, "RESET")]),)))
    return steps


def plain(g):
    """Out of place, and therefore wrong or without effect."""
    return g.choice([["EXEC"], ["DISCARD"], ["UNWATCH"], ["WATCH", g.any_key()], ["EXEC", "a"], ["WATCH"],
                     ["MULTI", "x"]])


def watch_flush(g):
    mine, other = g.random.sample(PLAIN_CONNECTIONS, 2)
    change = g.choice([("FLUSHDB",), ("FLUSHALL",), ("SWAPDB", "0", "1"), ("PEXPIRE", "s0", "-1"),
                       ("MOVE", "s0", "1"),
                       ("RENAME", "s1", "s0"), ("COPY", "s1", "s0", "REPLACE"), ("TOUCH", "s0"),
                       ("GETEX", "s0", "PERSIST")])
    return [Step(other, ("SELECT", "0")), Step(mine, ("SELECT", "0")),
            Step(mine, ("SET", "s1", "v")), Step(mine, (g.choice(["SET", "SETNX"]), "s0", "w")),
            Step(mine, ("WATCH", "s0")), Step(other, change), Step(mine, ("MULTI",)), Step(mine, ("PING",)),
            Step(mine, ("EXEC",))]


MAKERS = [
    (6, transaction),
    (0.5, plain),
    (0.3, watch_flush),
]
