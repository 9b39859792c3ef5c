"""Compares everything that two servers hold: keys, types, contents, encodings, times to live and digests."""

import time

from differential.compare import TTL_TOLERANCE_MS, canonical
from differential.grammar import DATABASES
from differential.known import known_difference
from support.resp import Map, Simple

READERS = {
    b"string": [("GET", ())],
    b"list": [("LRANGE", (0, -1))],
    b"hash": [("HGETALL", ())],
    b"set": [("SMEMBERS", ())],
    b"zset": [("ZRANGE", (0, -1, "WITHSCORES"))],
    b"stream": [("XRANGE", ("-", "+")), ("XINFO", None)],
}


def content(client, key):
    """The value of a key in a form that does not depend on the order of sets and hashes."""
    kind = client.call("TYPE", key).value
    return _normal(kind, client.pipeline(_read_commands(kind, key)))


def _read_commands(kind, key):
    return [("XINFO", "STREAM", key) if name == "XINFO" else (name, key, *(rest or ())) for name,
            rest in READERS.get(kind, [])]


def _normal(kind, replies):
    if kind == b"set" or replies and isinstance(replies[0], Map):
        return kind, canonical(replies[0])
    if kind == b"hash":
        return kind, sorted(zip(replies[0][::2], replies[0][1::2]))
    if kind == b"zset" and isinstance(replies[0], list):
        # 7.2 prints long fractions in other digits than 7.0; the numbers are the same.
        return kind, list(zip(replies[0][::2], map(_number, replies[0][1::2])))
    if kind == b"stream":
        fields = replies[1].as_dict() if isinstance(replies[1],
                                                    Map) else dict(zip(replies[1][::2], replies[1][1::2]))
        return kind, replies[0], [fields[f] for f in (b"length", b"last-generated-id", b"entries-added",
                                                      b"groups")]
    return kind, replies[0] if replies else None


def _number(score):
    """The shortest text that reads back as the same number is the same for both; zero has no sign (known.py)."""
    return repr(float(score) + 0.0) if isinstance(score, bytes) else score


def keys(client):
    """All keys of the selected database by a whole SCAN."""
    cursor, found = b"0", set()
    while True:
        cursor, batch = client.call("SCAN", cursor, "COUNT", 1000)
        found.update(batch)
        if cursor == b"0":
            return found


def snapshot(client, names):
    """{key: (normal content, encoding, ttl, digest)} of the selected database. Where DEBUG is not allowed, its error
    stands in the place of the digest."""
    kinds = client.pipeline([("TYPE", key) for key in names])
    commands, shapes = [], []
    for key, kind in zip(names, kinds):
        kind = kind.value if isinstance(kind, Simple) else b"none"
        reads = _read_commands(kind, key)
        shapes.append((key, kind, len(reads)))
        commands += [("OBJECT", "ENCODING", key), ("PTTL", key), ("DEBUG", "DIGEST-VALUE", key), *reads]
    replies = client.pipeline(commands)
    result, position = {}, 0
    for key, kind, number in shapes:
        encoding, ttl, digest = replies[position : position + 3]
        position += 3
        result[key] = (_normal(kind, replies[position : position + number]), encoding, ttl, digest)
        position += number
    return result


def _has_zero_score(content):
    """Zeros of either sign count as the same, but have digests of their own."""
    return content[0] == b"zset" and isinstance(content[1], list) and any(score == "0.0" for _, score in content[1])


def _key_difference(key, left, right, encodings, apart_ms):
    for what, one, other in zip(("content", "encoding", "ttl", "digest"), left, right):
        if one == other or what == "encoding" and not encodings:
            continue
        if what == "digest" and _has_zero_score(left[0]):
            continue
        if what == "encoding" and known_difference((b"OBJECT", b"ENCODING", key), one, other):
            continue
        if what == "ttl" and one > 0 and other > 0 and abs(one - other) <= TTL_TOLERANCE_MS + apart_ms:
            continue
        return f"{what} of {key!r}: {one!r}", f"{what} of {key!r}: {other!r}"
    return None


def compare(left, right, encodings=True, apart_ms=0):
    """The first difference between the datasets as (left, right) descriptions, or None. The connections come
    back with database 0 selected. Files do not tell all encodings; without them contents are compared. `apart_ms` as in
    compare.replies_agree."""
    try:
        for database in range(DATABASES):
            for client in (left, right):
                client.call("SELECT", database)
            began = time.monotonic()
            names = [keys(client) for client in (left, right)]
            if names[0] != names[1]:
                return (f"database {database} alone has {sorted(names[0] - names[1])}",
                        f"database {database} alone has {sorted(names[1] - names[0])}")
            ordered = sorted(names[0])
            both = [snapshot(client, ordered) for client in (left, right)]
            for key in ordered:
                found = _key_difference(key, both[0][key], both[1][key], encodings, apart_ms + 1000 * (time.monotonic() - began))
                if found is not None:
                    return tuple(f"database {database}, {text}" for text in found)
    finally:
        for client in (left, right):
            client.call("SELECT", 0)
    return None
