"""Compares two replies to one command: type and bytes, except where Redis promises less.

What is promised less is written down here, command by command: no order (sets, large hashes, KEYS), a random
choice (checked by membership against the reply of the probe that came just before), and times (a tolerance).
"""

from support.resp import Error, Map, Null, QUEUED, Set, Simple
from differential.known import known_difference
from differential.stream_replies import stream_replies_agree

TTL_TOLERANCE_MS = 5000
SMALL_ENCODINGS = {b"listpack", b"ziplist", b"intset"}

UNORDERED = {b"KEYS", b"SMEMBERS", b"SUNION", b"SINTER", b"SDIFF", b"HKEYS", b"HVALS", b"HGETALL"}
UNORDERED_PAIRS = {(b"PUBSUB", b"CHANNELS"), (b"PUBSUB", b"SHARDCHANNELS"), (b"CONFIG", b"GET")}
TIMES = {b"TTL": 1000, b"PTTL": 1, b"EXPIRETIME": 1000, b"PEXPIRETIME": 1}
RANDOM = {b"RANDOMKEY", b"HRANDFIELD", b"SRANDMEMBER", b"SPOP", b"ZRANDMEMBER"}
PROBES = {b"KEYS", b"HGETALL", b"SMEMBERS", b"ZRANGE"}
SHAPE_ONLY = {b"TIME", b"LASTSAVE", b"INFO", b"LOLWUT", b"ROLE", b"SCAN", b"HSCAN", b"SSCAN", b"ZSCAN",
              b"COMMAND", b"DUMP"}
SHAPE_ONLY_PAIRS = {
    (b"OBJECT", b"REFCOUNT"), (b"OBJECT", b"IDLETIME"), (b"CLIENT", b"ID"), (b"CLIENT", b"LIST"),
                    (b"CLIENT", b"INFO"),
    (b"MEMORY", b"USAGE"), (b"MEMORY", b"STATS"), (b"SLOWLOG", b"LEN"), (b"SLOWLOG", b"GET"),
    (b"LATENCY", b"HISTOGRAM"), (b"OBJECT", b"FREQ"),
}


def canonical(reply):
    """The reply with every list and map in one fixed order, for replies without a promised order."""
    if isinstance(reply, list):
        return sorted((canonical(item) for item in reply), key=repr)
    if isinstance(reply, Set):
        return Set(canonical(reply.value))
    if isinstance(reply, Map):
        return Map(sorted(((canonical(k), canonical(v)) for k, v in reply.value), key=repr))
    return reply


def elements(reply):
    """The elements that a reply offers, for membership; a map's or a flat list's."""
    if isinstance(reply, Map):
        return {repr(item) for pair in reply.value for item in pair}
    if isinstance(reply, Set):
        reply = reply.value
    if isinstance(reply, list):
        return {repr(item) for item in reply if not isinstance(item, list)} | {
            repr(inner) for item in reply if isinstance(item, list) for inner in item}
    return set() if isinstance(reply, Null) else {repr(reply)}


def same_shape(left, right):
    if isinstance(left, (Error, Null, Simple)) or isinstance(right, (Error, Null, Simple)):
        return left == right
    return type(left) is type(right)


def _times_agree(unit_ms, left, right, apart_ms):
    if not isinstance(left, int) or not isinstance(right, int) or left < 0 or right < 0:
        return left == right
    return abs(left - right) * unit_ms <= TTL_TOLERANCE_MS + apart_ms


def _random_agree(arguments, left, right, previous):
    """Same size and type, and everything chosen stands in the probe's reply."""
    if isinstance(left, Error) or isinstance(right, Error) or isinstance(left, Null) or isinstance(right,
        Null):
        return left == right
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, Set)):
        left_items, right_items = (x.value if isinstance(x, Set) else x for x in (left, right))
        if len(left_items) != len(right_items):
            return False
    probe = () if previous is None else (previous[0][0].upper(), *previous[0][1:2])
    if probe != (b"KEYS", b"*") and (probe[:1] not in {(name,) for name in PROBES} or probe[1:] != arguments[1:2]):
        return True  # Shrinking or another connection took the probe away.
    return elements(left) <= elements(previous[1]) and elements(right) <= elements(previous[2])


def _pairs(flat):
    return list(zip(flat[::2], flat[1::2]))


def _unordered_agree(name, arguments, left, right, previous):
    probe = previous is not None and previous[0] == (b"OBJECT", b"ENCODING", *arguments[1:])
    if probe and previous[1] in SMALL_ENCODINGS and previous[2] in SMALL_ENCODINGS:
        return False
    if name == b"HGETALL" and isinstance(left, list) and isinstance(right, list):
        return sorted(_pairs(left)) == sorted(_pairs(right))
    return type(left) is type(right) and canonical(left) == canonical(right)


def _sort_agree(arguments, left, right, previous):
    """ALPHA compares as C strings, so elements that agree up to a zero byte, and equal weights, have no
    order; nor have the elements of a set that BY leaves unsorted (the probe tells its type)."""
    words = {argument.upper() for argument in arguments[2:]}
    is_set = previous is not None and previous[0] == (b"TYPE", arguments[1]) and previous[1] == Simple(b"set")
    if not (b"ALPHA" in words or is_set) or not isinstance(left, list) or not isinstance(right, list):
        return False
    if b"BY" in words or any(isinstance(x, bytes) and b"\0" in x for x in left + right):
        return len(left) == len(right) if b"LIMIT" in words else canonical(left) == canonical(right)
    return False


def replies_agree(arguments, left, right, previous=None, apart_ms=0):
    """True when `left` (the oracle) and `right` answer the command alike. `previous` is the command before it
    on the same connection with both replies, or None; `apart_ms`, how far apart in time the servers may have
    been, beyond what is usual."""
    if left == right:
        return True
    name = arguments[0].upper()
    pair = tuple(argument.upper() for argument in arguments[:2])
    agree = False
    if name in TIMES:
        agree = _times_agree(TIMES[name], left, right, apart_ms)
    elif name in RANDOM:
        agree = _random_agree(arguments, left, right, previous)
    elif name in UNORDERED or pair in UNORDERED_PAIRS:
        agree = _unordered_agree(name, arguments, left, right, previous)
    elif name in (b"SORT", b"SORT_RO"):
        agree = _sort_agree(arguments, left, right, previous)
    elif name in (b"XINFO", b"XPENDING"):
        agree = stream_replies_agree(arguments, left, right)
    elif name in SHAPE_ONLY or pair in SHAPE_ONLY_PAIRS:
        agree = same_shape(left, right)
    return agree or known_difference(arguments, left, right) is not None


class Transaction:
    """Follows MULTI on one connection by its replies, so that the parts of EXEC are compared each by its own
    rule."""

    def __init__(self):
        self.queued = None

    def replies_agree(self, arguments, left, right, previous=None, apart_ms=0):
        name = arguments[0].upper()
        if self.queued is not None and left == QUEUED and right == QUEUED:
            self.queued.append(arguments)
            return True
        queued = self.queued
        if name == b"MULTI" and isinstance(left, Simple):
            self.queued = []
        elif name in (b"EXEC", b"DISCARD", b"RESET", b"HELLO") and not isinstance(left, Error) or (
                name == b"EXEC" and left.value.startswith(b"EXECABORT")):
            if name != b"HELLO":
                self.queued = None
        if name == b"EXEC" and queued is not None and isinstance(left, list) and isinstance(right, list):
            return self._parts_agree(queued, left, right, apart_ms)
        return replies_agree(arguments, left, right, previous, apart_ms)

    @staticmethod
    def _parts_agree(queued, left, right, apart_ms):
        if len(left) != len(right):
            return False
        previous = None
        for arguments, one, other in zip(queued, left, right):
            if not replies_agree(arguments, one, other, previous, apart_ms):
                return False
            previous = (arguments, one, other)
        return True


def normal_messages(messages):
    """Messages of a subscriber in comparable order. For one PUBLISH the patterns that match have no promised
    order, and neither have the channels of an UNSUBSCRIBE without arguments."""
    result = []
    run = []
    for message in messages:
        fields = message if isinstance(message, list) else getattr(message, "value", None)
        kind = _run_kind(fields)
        if run and run[0] != kind:
            result.extend(_sorted_run(run))
            run = []
        if kind is None:
            result.append(message)
        else:
            run = run or [kind]
            run.append(message)
    result.extend(_sorted_run(run))
    return result


def _run_kind(fields):
    if not isinstance(fields, list) or len(fields) < 3:
        return None
    if fields[0] == b"pmessage":
        return (b"pmessage", fields[2], fields[3])
    if fields[0] in (b"unsubscribe", b"punsubscribe", b"sunsubscribe"):
        return (fields[0],)
    return None


def _sorted_run(run):
    if not run:
        return []
    messages = run[1:]
    if run[0][0] == b"pmessage":
        return sorted(messages, key=repr)
    fields = [m if isinstance(m, list) else m.value for m in messages]
    return [run[0][0], sorted(repr(f[1]) for f in fields), [f[2] for f in fields], type(messages[0]).__name__]
