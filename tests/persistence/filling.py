"""Fills a server with data of every type and encoding, the same for the same seed."""

from differential import families
from differential.grammar import Generator, make_case
from support.resp import Error

# Without HyperLogLogs and bitmaps, whose families do what is in no append-only file: a damaged HyperLogLog is changed
# before the command fails, and BITFIELD lengthens a string without counting it as a change.
GROUPS = ["string", "list", "hash", "set", "sorted_set", "stream", "geo", "generic"]
LARGE = 6000
WAITING = {b"BLPOP", b"BRPOP", b"BLMOVE", b"BLMPOP", b"BRPOPLPUSH", b"BZPOPMIN", b"BZPOPMAX", b"BZMPOP", b"XREAD",
           b"XREADGROUP"}
# What depends on the server's own choice or clock would differ between two servers.
UNLIKE = {b"SPOP", b"RESTORE", b"DEBUG", b"FLUSHALL", b"FLUSHDB", b"SELECT", b"CONFIG"}


def generated(seed, count):
    """Commands as lists of bytes."""
    steps = make_case(Generator(seed), [families.load(group) for group in GROUPS], count)
    wanted = []
    for step in steps:
        name = step.arguments[0].upper()
        if not name.startswith(b"@") and name not in WAITING | UNLIKE:
            wanted.append(step.arguments)
    return wanted


def large_values():
    """Values of many parts: each is captured, written and loaded in pieces."""
    numbers = range(LARGE)
    commands = []
    for first in range(0, LARGE, 500):
        part = numbers[first:first + 500]
        commands.append(["RPUSH", "large:list", *(f"element {i} {'x' * (i % 90)}" for i in part)])
        commands.append(["HSET", "large:hash", *(word for i in part for word in (f"field {i}", f"value {i}"))])
        commands.append(["SADD", "large:set", *(f"member {i}" for i in part)])
        commands.append(["SADD", "large:numbers", *part])
        commands.append(["ZADD", "large:scores", *(word for i in part for word in (i / 8, f"member {i}"))])
        commands += [["SETBIT", "bits", 8 * i, 1] for i in part[:100]]
        commands += [["PFADD", "visitors", *part], ["PFADD", f"visitors {first}", *part[:50]]]
        commands += [["XADD", "large:stream", f"{i + 1}-1", "name", f"entry {i}", "number", i] for i in part]
    commands += [["XGROUP", "CREATE", "large:stream", "group", "0"],
                 ["XREADGROUP", "GROUP", "group", "reader", "COUNT", "1000", "STREAMS", "large:stream", ">"],
                 ["SET", "large:text", "text " * 500_000], ["PEXPIREAT", "large:hash", "4000000000000"]]
    return commands


def fill(client, seed, count=4000, large=True):
    """Runs it all over a few databases."""
    for database in range(3):
        client.call("SELECT", database)
        commands = generated(seed + database, count // 3)
        for first in range(0, len(commands), 200):
            client.pipeline(commands[first:first + 200])
    client.call("SELECT", 0)
    if large:
        for reply in client.pipeline(large_values()):
            assert not isinstance(reply, Error), reply
