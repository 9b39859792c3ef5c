"""HyperLogLogs: every command of the group in Redis 7, and sketches that are none."""

EMPTY = b"HYLL\x01" + b"\x00" * 11 + b"\x7f\xff"


def key(g):
    return g.key("p")


def elements(g):
    """Few that come again and again, or many fresh ones that take the sketch towards its dense form."""
    if g.chance(0.7):
        return [g.value() for _ in range(g.random.randint(0, 5))]
    return [str(g.random.randrange(10**6)) for _ in range(g.choice([10, 50, 200, 600]))]


def pfadd(g):
    return ["PFADD", key(g), *elements(g)]


def opcode(g):
    return g.choice([
        bytes([g.random.randrange(0x40)]),
        bytes([0x40 | g.random.randrange(0x40), g.random.randrange(256)]),
        bytes([0x80 | g.random.randrange(0x80)]),
    ])


def whole(g):
    """Opcodes that cover all registers, most of them in ways that PFADD would not write."""
    left, text = 16384, b"HYLL\x01" + b"\x00" * 11
    while left > 0:
        kind = g.random.randrange(4)
        if kind == 0:
            run = min(left, g.random.randint(1, 64))
            text += bytes([run - 1])
        elif kind == 1:
            run = min(left, g.random.randint(1, 16384))
            text += bytes([0x40 | (run - 1) >> 8, (run - 1) & 0xFF])
        else:
            run = min(left, g.random.randint(1, 4))
            text += bytes([0x80 | g.random.randrange(32) << 2 | run - 1])
        left -= run
    return text


def handmade(g):
    """A sketch written by SET: sound, cut, spoilt or of the wrong size.

    No opcode is cut in two: Redis reads on behind the string there, Hearth refuses.
    """
    broken = b"HYLL\x01" + b"\x00" * 11 + b"".join(opcode(g) for _ in range(g.random.randint(0, 30)))
    dense = b"HYLL\x00" + b"\x00" * 10 + b"\x80" + g.random.randbytes(12288)
    text = g.weighted([(6, whole(g)), (3, EMPTY), (2, broken), (2, dense), (1, dense[:-1]), (1, EMPTY[:-2]),
                       (1, b"HYLL\x02" + EMPTY[5:]), (1, b"HYLX" + EMPTY[4:]), (1, b"HYLL"),
                       (1, EMPTY[:15] + b"\x80" + EMPTY[16:])])
    return ["SET", key(g), text]


def pfdebug(g):
    subcommand = g.choice(["GETREG", "DECODE", "DECODE", "ENCODING", "TODENSE", "nosuch", "decode"])
    return ["PFDEBUG", subcommand, key(g)]


def to_dense(g):
    """Elements until the sketch is too large for its sparse form, looked at on the way."""
    name = key(g)
    start = g.random.randrange(10**6)
    steps = [["DEL", name]]
    for part in range(6):
        steps += [["PFADD", name, *(str(start + part * 300 + i) for i in range(300))],
                  ["PFDEBUG", "ENCODING", name], ["STRLEN", name], ["PFCOUNT", name]]
    return [*steps, ["GET", name]]


def spoilt_by_others(g):
    return g.choice([["SET", key(g), g.value()], ["DEL", key(g)], ["EXPIRE", key(g), g.far_seconds()],
                     ["RPUSH", key(g), "x"], ["DEL", key(g)], ["SETRANGE", key(g), "8", b"\x00" * 8],
                     ["CONFIG", "SET", "hll-sparse-max-bytes", g.choice(["0", "100", "3000", "16000"])]])


MAKERS = [
    (12, pfadd),
    (6, lambda g: ["PFCOUNT", key(g)]),
    (4, lambda g: ["PFCOUNT", *(key(g) for _ in range(g.random.randint(1, 4)))]),
    (5, lambda g: ["PFMERGE", *(key(g) for _ in range(g.random.randint(1, 4)))]),
    (3, pfdebug),
    (3, handmade),
    (1, to_dense),
    (3, spoilt_by_others),
    (5, lambda g: ["GET", key(g)]),
    (1, lambda g: ["OBJECT", "ENCODING", key(g)]),
]
