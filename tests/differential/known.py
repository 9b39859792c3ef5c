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


KNOWN_DIFFERENCES = [
    KnownDifference("small list encoding", "7.2 keeps small lists as one listpack and says so", _small_list),
    KnownDifference("small set encoding", "7.2 keeps small sets of strings as a listpack", _small_set),
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
