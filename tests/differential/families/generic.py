"""Commands that work on keys of any type."""

from differential.grammar import optional
from support.dump_payload import rdb_string, seal


def far_time(g, unit):
    """An argument for the EXPIRE family that either lies far away or is past; never near."""
    if unit == "s":
        return g.weighted([(10, g.far_seconds()), (1, "0"), (1, "-1"), (1, "9223372036854775807"), (1, "a"),
                           (1, "1.5"),
                           (1, "-9223372036854775808"), (1, "9223372036854775")])
    if unit == "ms":
        return g.weighted([(10, str(g.random.randint(10**6, 10**9))), (1, "0"), (1, "-100"),
                           (1, "9223372036854775807"),
                           (1, ""), (1, "-9223372036854775808")])
    if unit == "at":
        return g.weighted([(10, str(g.random.randint(4 * 10**9, 9 * 10**9))), (2, "1"), (1, "0"), (1, "-5"),
                           (1, "9223372036854775807"), (1, "x"), (1, "1600000000")])
    return g.weighted([(10, str(g.random.randint(4 * 10**12, 9 * 10**12))), (2, "1"), (1, "0"), (1, "-5"),
                       (1, "9223372036854775807"), (1, "x"), (1, "1600000000000")])


def expire(g):
    name, unit = g.choice([("EXPIRE", "s"), ("PEXPIRE", "ms"), ("EXPIREAT", "at"), ("PEXPIREAT", "at_ms")])
    options = g.weighted([(6, []), (2, ["NX"]), (2, ["XX"]), (2, ["GT"]), (2, ["lt"]), (1, ["NX", "XX"]),
                          (1, ["GT", "LT"]),
                          (1, ["XX", "GT"]), (1, ["NOSUCH"]), (1, ["NX", "GT"])])
    return [name, g.any_key(), far_time(g, unit), *options]


def sort(g):
    by = g.choice([[], [], ["BY", "s*"], ["BY", "nosort"], ["BY", "h*->f1"], ["BY", "*"], ["BY", "s*->"],
                   ["BY"]])
    get = g.choice([[], [], ["GET", "#"], ["GET", "s*"], ["GET", "h*->f1", "GET", "#"], ["GET", "s0"],
                    ["GET"]])
    rest = optional(g, lambda: ["LIMIT", g.index(), g.count()], lambda: [g.choice(["ASC", "DESC"])],
                    ["ALPHA"], chance=0.35)
    unstable = "ALPHA" in rest and by
    store = ["STORE", g.key("l")] if g.chance(0.25) and not unstable else []
    key = g.weighted([(8, g.key("l")), (1, g.any_key())])
    if g.chance(0.2):
        return ["SORT_RO", key, *by, *get, *rest]
    return ["SORT", key, *by, *rest, *get, *store]


def sort_numbers(g):
    """A list that can be sorted by number, whatever the other makers did to it."""
    numbers = [g.choice(["1", "2", "3", "10", "-1", "1.5", "0", "3", "1e2"])
               for _ in range(g.random.randint(0, 8))]
    return [["DEL", "l3"], ["RPUSH", "l3", "0", *numbers], ["SORT", "l3", *optional(
        g, lambda: ["BY", g.choice(["s*", "nosort", "h*->f1"])],
            lambda: ["LIMIT", g.choice(["0", "1", "-1"]), g.count()],
        lambda: ["GET", g.choice(["#", "s*", "h*->f1"])], ["DESC"], lambda: ["STORE", g.choice(["l1", "s2"])],
            chance=0.4)]]


def copy(g):
    source = g.any_key()
    return ["COPY", source, g.weighted([(8, g.any_key()), (1, source)]),
            *optional(g, lambda: ["DB", g.database()], ["REPLACE"], lambda: [g.choice(["NOSUCH", "replace"])],
                      chance=0.3)]


def restore(g):
    """Strings, a hash and a list in several states of health. A hash with one field twice is not among them:
    the oracle takes it without a check and crashes later. Nor is a value that goes on in the footer, which the oracle
    reads as a part of it."""
    string = seal(b"\x00" + rdb_string(g.blob(g.choice([0, 3, 20, 63, 64, 300]))))
    integer = seal(b"\x00" + g.choice([b"\xc0\x05", b"\xc1\x00\x80", b"\xc2\xff\xff\xff\x7f"]))
    plain_hash = seal(b"\x04\x02" + b"".join(rdb_string(x) for x in (b"a", b"1", b"b", b"2")))
    plain_list = seal(b"\x01\x02" + rdb_string(b"x") + rdb_string(b"12"))
    broken = [string[:-1] + bytes([string[-1] ^ 1]), seal(b"\x00\x3fabc"), b"", b"short", seal(b"\x63abc"),
              seal(b"\x00" + rdb_string(b"x"), version=9999), seal(b"\x04\x02\x01a")]
    payload = g.weighted([(8, string), (3, integer), (3, plain_hash), (3, plain_list), (4, g.choice(broken))])
    ttl = g.weighted([(6, ["0"]), (2, [g.far_seconds() + "000"]), (1, ["-1"]), (1, ["x"]),
                      (1, ["33177117420000", "ABSTTL"]),
                      (1, ["1000", "ABSTTL"])])
    options = optional(g, ["REPLACE"], lambda: g.choice([["IDLETIME", "100"], ["FREQ", "10"],
                                                         ["IDLETIME", "-1"],
                                                         ["FREQ", "256"], ["NOSUCH"]]), chance=0.4)
    return ["RESTORE", g.any_key(), ttl[0], payload, *ttl[1:], *options]


def scan_errors(g):
    return ["SCAN", g.choice(["0", "a", "", "-1", "18446744073709551616"]),
            *g.choice([["COUNT", "0"], ["MATCH"], ["COUNT", "x"], ["TYPE"], ["NOSUCH", "1"],
                       ["COUNT", "-1"]])]


def scan(g):
    return ["@SCAN", *optional(g, lambda: ["MATCH", g.pattern()],
                               lambda: ["COUNT", g.choice(["1", "5", "1000"])],
                               lambda: ["TYPE", g.choice(["string", "list", "HASH", "set", "nosuch"])],
                               chance=0.4)]


def object_(g):
    return ["OBJECT", g.weighted([(8, "ENCODING"), (1, "FREQ"), (1, "IDLETIME"), (1, "REFCOUNT"),
                                  (1, "NOSUCH")]), g.any_key()]


def random_key(g):
    return [["KEYS", "*"], ["RANDOMKEY"]]


MAKERS = [
    (4, lambda g: ["DEL", *(g.any_key() for _ in range(g.random.randint(1, 3)))]),
    (2, lambda g: ["UNLINK", *(g.any_key() for _ in range(g.random.randint(1, 3)))]),
    (3, lambda g: ["EXISTS", *(g.any_key() for _ in range(g.random.randint(1, 4)))]),
    (1, lambda g: ["TOUCH", *(g.any_key() for _ in range(g.random.randint(1, 3)))]),
    (3, lambda g: ["TYPE", g.any_key()]),
    (7, expire),
    (5, lambda g: [g.choice(["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"]), g.any_key()]),
    (2, lambda g: ["PERSIST", g.any_key()]),
    (0.3, lambda g: ["@EXPIRE", g.any_key()]),
    (1, lambda g: ["KEYS", g.pattern()]),
    (0.5, random_key),
    (3, lambda g: [g.choice(["RENAME", "RENAMENX"]), g.any_key(), g.any_key()]),
    (4, copy),
    (3, lambda g: ["MOVE", g.any_key(), g.database()]),
    (1, lambda g: ["SELECT", g.database()]),
    (3, sort),
    (2, sort_numbers),
    (4, object_),
    (1, scan),
    (1, scan_errors),
    (3, restore),
    (1, lambda g: ["@DUMP", g.any_key()]),
    (0.5, lambda g: ["DUMP", g.any_key()]),
    (0.2, lambda g: ["WAIT", "0", g.choice(["10", "0", "-1", "a"])]),
    (0.2, lambda g: ["DBSIZE"]),
]
