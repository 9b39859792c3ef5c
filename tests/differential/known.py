"""Differences between Hearth (the interface of Redis 7.2) and the oracle (7.0) that are meant to be.

Each entry says why. An entry is asked only after the replies were found unequal, and gets the command, the
oracle's reply and Hearth's; the oracle's side is always the left one.
"""

from typing import Callable, NamedTuple

from support.resp import Error, Map


class KnownDifference(NamedTuple):
    name: str
    reason: str
    applies: Callable


def _upper(arguments, position):
    return arguments[position].upper() if len(arguments) > position else b""


def _small_list(arguments, oracle, hearth):
    return arguments[0].upper() == b"OBJECT" and oracle == b"quicklist" and hearth == b"listpack"


def _small_set(arguments, oracle, hearth):
    return arguments[0].upper() == b"OBJECT" and oracle == b"hashtable" and hearth == b"listpack"


def _early_skiplist(arguments, oracle, hearth):
    return arguments[0].upper() == b"OBJECT" and oracle == b"listpack" and hearth == b"skiplist"


def _early_table(arguments, oracle, hearth):
    return arguments[0].upper() == b"OBJECT" and oracle == b"intset" and hearth == b"hashtable"


def _geo_ties(arguments, oracle, hearth):
    """The oracle's partial sort puts equal distances in any order; with COUNT it chooses among them."""
    name = arguments[0].upper()
    if not (name == b"GEOSEARCH" or name.startswith(b"GEORADIUS")):
        return False
    if not isinstance(oracle, list) or not isinstance(hearth, list) or len(oracle) != len(hearth):
        return False
    words = {argument.upper() for argument in arguments}
    if b"COUNT" not in words:
        return sorted(map(repr, oracle)) == sorted(map(repr, hearth))
    if b"WITHDIST" not in words:
        return True
    return b"ANY" in words or sorted(place[1] for place in oracle) == sorted(place[1] for place in hearth)


def _claims_without_memory(arguments, oracle, hearth):
    return (arguments[0].upper() == b"XAUTOCLAIM" and isinstance(oracle, Error) and b"COUNT too high" in oracle.value
            and isinstance(hearth, list))


def _unsigned_zeros(reply):
    if isinstance(reply, (list, tuple, set, frozenset)):
        return type(reply)(_unsigned_zeros(part) for part in reply)
    return b"0" if reply == b"-0" else reply


def _zero_sign(arguments, oracle, hearth):
    # "@" is before the harness's own forms of a command: @ZSCAN scans to the end.
    return (arguments[0].upper().lstrip(b"@").startswith((b"Z", b"BZ"))
            and isinstance(oracle, (list, set, frozenset, bytes))
            and _unsigned_zeros(oracle) == _unsigned_zeros(hearth))


def _help(arguments, oracle, hearth):
    return _upper(arguments, 1) == b"HELP" and isinstance(oracle, list) and isinstance(hearth, list)


NEW_COMMANDS = {(b"WAITAOF",), (b"CLIENT", b"NO-TOUCH"), (b"CLIENT", b"SETINFO"), (b"CLUSTER", b"MYSHARDID")}


def _new_command(arguments, oracle, hearth):
    name = arguments[0].upper()
    return ((name,) in NEW_COMMANDS or (name, _upper(arguments, 1)) in NEW_COMMANDS) and isinstance(oracle,
        Error)


def _hello(arguments, oracle, hearth):
    """The product's version stands in the reply; everything else must agree."""
    if arguments[0].upper() != b"HELLO" or type(oracle) is not type(hearth):
        return False

    def fields(reply):
        pairs = reply.value if isinstance(reply, Map) else list(zip(reply[::2], reply[1::2]))
        return {name: value for name, value in pairs if name not in (b"version", b"id")}

    return isinstance(oracle, (Map, list)) and fields(oracle) == fields(hearth)


def _no_permission(arguments, oracle, hearth):
    return (isinstance(oracle, Error) and isinstance(hearth, Error) and oracle.value.startswith(b"NOPERM")
            and hearth.value.startswith(b"NOPERM"))


def _infinite_timeout(arguments, oracle, hearth):
    return oracle == Error(b"ERR timeout is negative") and hearth == Error(b"ERR timeout is out of range")


def _lpos_lowest_rank(arguments, oracle, hearth):
    return arguments[0].upper() == b"LPOS" and b"-9223372036854775808" in arguments and isinstance(hearth, Error)


def _command_getkeys_arity(arguments, oracle, hearth):
    return arguments[0].upper() == b"COMMAND" and isinstance(oracle, Error) and isinstance(hearth, Error)


def _loglevel_values(arguments, oracle, hearth):
    return (arguments[0].upper() == b"CONFIG" and any(a.lower() == b"loglevel" for a in arguments)
            and isinstance(oracle, Error) and isinstance(hearth, Error))


def _bind_failure(arguments, oracle, hearth):
    return (arguments[0].upper() == b"CONFIG" and any(a.lower() == b"bind" for a in arguments)
            and isinstance(oracle, Error) and isinstance(hearth, Error))


def _rank_with_score(arguments, oracle, hearth):
    return arguments[0].upper() in (b"ZRANK", b"ZREVRANK") and len(arguments) == 4 and isinstance(oracle, Error)


KNOWN_DIFFERENCES = [
    KnownDifference("infinite timeout", "7.2 says that it is out of range; 7.0 overflows", _infinite_timeout),
    KnownDifference("LPOS lowest rank", "7.2 refuses the rank that cannot be negated", _lpos_lowest_rank),
    KnownDifference("COMMAND GETKEYS arity", "7.2 takes a command alone; the error differs", _command_getkeys_arity),
    KnownDifference("loglevel values", "7.2 knows 'nothing' and lists it", _loglevel_values),
    KnownDifference("bind failures", "the reason names the address and the system's error", _bind_failure),
    KnownDifference("small list encoding", "7.2 keeps small lists as one listpack and says so", _small_list),
    KnownDifference("small set encoding", "7.2 keeps small sets of strings as a listpack", _small_set),
    KnownDifference("ZRANK WITHSCORE", "7.2 gave ZRANK and ZREVRANK an option", _rank_with_score),
    KnownDifference("early skiplist", "7.2 converts a sorted set when one ZADD names more members than a listpack may "
                    "have, known ones included", _early_skiplist),
    KnownDifference("early hashtable", "7.2 converts a set when one SADD names more members than an intset may have, "
                    "known ones included", _early_table),
    KnownDifference("XAUTOCLAIM of too many", "7.0 reserves memory for COUNT ids before it looks", _claims_without_memory),
    KnownDifference("geo ties", "members at equal distances have no order", _geo_ties),
    KnownDifference("sign of a zero score", "a listpack drops it, and the servers go through one at other moments",
                    _zero_sign),
    KnownDifference("help texts", "Hearth's help is in its own words; no client matches on it", _help),
    KnownDifference("new commands", "commands that came with 7.2 are unknown to 7.0", _new_command),
    KnownDifference("HELLO version", "the version and the connection's id are facts of the server", _hello),
    KnownDifference("NOPERM wording", "7.2 reworded the refusals of the access lists", _no_permission),
]


def known_difference(arguments, oracle, hearth):
    """The first entry that explains the pair of replies, or None."""
    for entry in KNOWN_DIFFERENCES:
        if entry.applies(arguments, oracle, hearth):
            return entry
    return None
