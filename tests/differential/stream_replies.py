"""Compares the replies that tell of times and of the insides of streams: the times must be there, not agree, and
what only one of the servers has is left out."""

from support.resp import Error, Map

# Fields whose values are times, or shapes of a tree of the server's own; the last two came with 7.2.
LEFT_OUT = {b"idle", b"seen-time", b"radix-tree-nodes", b"inactive", b"active-time"}


def _fields(reply):
    """A map's pairs, or a flat list's in RESP2."""
    pairs = reply.value if isinstance(reply, Map) else zip(reply[::2], reply[1::2])
    return [(name, value) for name, value in pairs if name not in LEFT_OUT]


def _without_time(entry):
    """[id, consumer, time, count] or [id, time, count]."""
    return [*entry[:-2], entry[-1]]


def _consumer(reply):
    return [(name, [_without_time(e) for e in value] if name == b"pending" and isinstance(value, list) else value)
            for name, value in _fields(reply)]


def _group(reply):
    return [(name, [_consumer(c) for c in value] if name == b"consumers" and isinstance(value, list) else value)
            for name, value in _consumer(reply)]


def _stream(reply):
    return [(name, [_group(g) for g in value] if name == b"groups" and isinstance(value, list) else value)
            for name, value in _fields(reply)]


def _normal(arguments, reply):
    name = tuple(argument.upper() for argument in arguments[:2])
    if name == (b"XINFO", b"STREAM"):
        return _stream(reply)
    if name == (b"XINFO", b"CONSUMERS"):
        return [_consumer(consumer) for consumer in reply]
    if name[0] == b"XPENDING" and len(arguments) > 3:
        return [_without_time(entry) for entry in reply]
    return reply


def stream_replies_agree(arguments, left, right):
    if isinstance(left, Error) or not isinstance(left, (list, Map)) or type(left) is not type(right):
        return False
    return _normal(arguments, left) == _normal(arguments, right)
