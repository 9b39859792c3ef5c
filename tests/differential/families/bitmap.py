"""Bitmaps: every command of the group in Redis 7."""


def key(g):
    return g.key("b")


def offset(g):
    return g.weighted([(12, str(g.random.randint(0, 400))), (2, str(g.random.randint(0, 9000))),
                       (1, g.choice(["-1", "a", "", "4294967295", "4294967296", "9223372036854775807",
                                     "#1"]))])


def bit(g):
    return g.weighted([(12, g.choice("01")), (1, g.choice(["2", "-1", "a", "", "1.0"]))])


def setbit(g):
    """Never so far away that the string would take half a gigabyte."""
    where = offset(g)
    return ["SETBIT", key(g), "70000" if where == "4294967295" else where, bit(g)]


def bits(g):
    """A string that searches have something to do with."""
    parts = [g.choice([b"\x00", b"\xff", b"\x0f", b"a", g.random.randbytes(1)]) * g.random.randint(0, 70)
             for _ in range(g.random.randint(0, 4))]
    return ["SET", key(g), b"".join(parts)]


def index(g):
    return g.weighted([(6, str(g.random.randint(-40, 40))), (4, str(g.random.randint(-1200, 1200))),
                       (1, g.index())])


def unit(g):
    return g.weighted([(4, []), (3, ["BIT"]), (3, ["BYTE"]), (1, [g.choice(["bits", "", "bit", "byte"])])])


def bitcount(g):
    return ["BITCOUNT", key(g), *g.weighted([(2, []), (8, [index(g), index(g), *unit(g)]), (1, [index(g)])])]


def bitpos(g):
    end = [index(g), *unit(g)]
    return ["BITPOS", key(g), bit(g), *g.weighted([(2, []), (3, [index(g)]), (8, [index(g), *end])])]


def bitop(g):
    operation = g.choice(["AND", "OR", "XOR", "NOT", "and", "Or", "NAND", "DIFF"])
    sources = 1 if operation == "NOT" and g.chance(0.8) else g.random.randint(1, 5)
    return ["BITOP", operation, key(g), *(key(g) for _ in range(sources))]


def field_type(g):
    return g.weighted([(12, f"{g.choice('iu')}{g.random.randint(1, 63)}"), (2, "i64"),
                       (4, g.choice(["u8", "i8", "i16"])),
                       (1, g.choice(["u64", "i65", "u0", "i", "U8", "8", "", "i08", "i-1"]))])


def field_offset(g):
    return g.weighted([(8, str(g.random.randint(0, 300))), (4, f"#{g.random.randint(0, 20)}"),
                       (1, g.choice(["-1", "#-1", "#", "a", "#a", "4294967296", "9223372036854775807"]))])


def field_number(g):
    return g.weighted([(6, str(g.random.randint(-300, 300))), (4, str(g.random.randint(-(2**63), 2**63 - 1))),
                       (2, g.integer())])


def field_operation(g):
    return g.weighted([
        (4, ["GET", field_type(g), field_offset(g)]),
        (4, ["SET", field_type(g), field_offset(g), field_number(g)]),
        (6, ["INCRBY", field_type(g), field_offset(g), field_number(g)]),
        (4, ["OVERFLOW", g.choice(["WRAP", "SAT", "FAIL", "sat", "fail"])]),
        (0.3, g.choice([["OVERFLOW", "NO"], ["OVERFLOW"], ["GET", "u8"], ["NOSUCH"], ["SET", "u8", "0"]])),
    ])


def bitfield(g):
    return ["BITFIELD", key(g), *(word for _ in range(g.random.randint(0, 6)) for word in field_operation(g))]


def bitfield_ro(g):
    operations = [["GET", field_type(g), field_offset(g)] for _ in range(g.random.randint(0, 3))]
    if g.chance(0.1):
        operations.append(field_operation(g))
    return ["BITFIELD_RO", key(g), *(word for operation in operations for word in operation)]


def at_a_limit(g):
    """An integer beside the limits of its type, under each way to overflow."""
    name, where, kind = key(g), str(g.random.randint(0, 40)), field_type(g)
    start = g.choice(["0", "-1", "1", "127", "-128", "9223372036854775807", "-9223372036854775808"])
    return [["BITFIELD", name, "SET", kind, where, start],
            *(["BITFIELD", name, "OVERFLOW", mode, "INCRBY", kind, where, field_number(g), "GET", kind, where]
              for mode in ("FAIL", "SAT", "WRAP"))]


def spoilt_by_others(g):
    return g.choice([["SET", key(g), g.value()], ["APPEND", key(g), b"\x80"], ["DEL", key(g)],
                     ["EXPIRE", key(g), g.far_seconds()], ["RPUSH", key(g), "x"],
                     ["SETRANGE", key(g), "3", "abc"], ["PERSIST", key(g)]])


MAKERS = [
    (8, setbit),
    (4, lambda g: ["GETBIT", key(g), offset(g)]),
    (3, bits),
    (6, bitcount),
    (6, bitpos),
    (5, bitop),
    (8, bitfield),
    (3, bitfield_ro),
    (2, at_a_limit),
    (3, spoilt_by_others),
    (3, lambda g: ["GET", key(g)]),
    (2, lambda g: ["STRLEN", key(g)]),
    (1, lambda g: ["PTTL", key(g)]),
    (2, lambda g: ["OBJECT", "ENCODING", key(g)]),
]
