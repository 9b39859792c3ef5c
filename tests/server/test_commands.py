"""COMMAND and its subcommands: what Hearth says of a command is what the oracle says of it."""

import pathlib
import sys

import pytest

from support.resp import Error, NULL_ARRAY, Null, Simple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
from supported import is_supported  # noqa: E402

# 7.2 against 7.0. Each entry: what about which commands may differ, and why.
NEW_SUBCOMMANDS = {b"client|no-touch", b"client|setinfo", b"cluster|myshardid",
                   b"script|show",  # of 8.0
                   b"client|acks", b"client|probe"}  # These two are ours.
# 7.2 added tips to many commands, so the oracle's tips have to be among Hearth's.
CHANGED_SPECS_IN_7_2 = {b"sort", b"sort_ro", b"xsetid", b"xautoclaim"}
CHANGED_FLAGS_IN_7_2 = {b"acl|whoami", b"replicaof", b"slaveof", b"restore", b"hello", b"client|kill",
                        b"client", b"reset", b"quit",
                        # 7.2 lets scripts run blocking commands, which then do not block.
                        b"blmove", b"blpop", b"brpop", b"brpoplpush", b"bzpopmax", b"bzpopmin", b"wait"}
# Options and shorter forms that 7.2 added: ZRANK WITHSCORE, COMMAND GETKEYS of a command without arguments.
CHANGED_ARITY_IN_7_2 = {b"zrank", b"zrevrank", b"command|getkeys", b"command|getkeysandflags"}
# 7.2 took the tips of a command back that has to find or miss all of its keys at once, and corrected one.
CHANGED_TIPS_IN_7_2 = {b"msetnx", b"latency|reset"}
# 7.2 corrected since when the command exists.
CHANGED_SINCE_IN_7_2 = {"client|pause"}


@pytest.fixture(scope="module")
def pair():
    from support.server import Server

    with Server("hearth") as hearth, Server("oracle") as oracle:
        with hearth.client(timeout=20) as one, oracle.client(timeout=20) as other:
            yield one, other


def flattened(entries):
    """{name: entry} of commands and subcommands, which COMMAND LIST also names."""
    table = {}
    for entry in entries:
        table[entry[0]] = entry
        table.update(flattened(entry[9]))
    return table


@pytest.fixture(scope="module")
def tables(pair):
    return tuple(flattened(client.call("COMMAND")) for client in pair)


def names(replies):
    return {item.value for item in replies}


def entry_differences(hearth, oracle):
    name = oracle[0]
    found = []
    for position, what in [(1, "arity"), (3, "first key"), (4, "last key"), (5, "step")]:
        if what == "arity" and name in CHANGED_ARITY_IN_7_2:
            continue
        if hearth[position] != oracle[position]:
            found.append(f"{what} of {name!r}: {hearth[position]} for {oracle[position]}")
    if name not in CHANGED_FLAGS_IN_7_2:
        for position, what in [(2, "flags"), (6, "categories")]:
            if names(hearth[position]) != names(oracle[position]):
                mine, theirs = (sorted(names(entry[position])) for entry in (hearth, oracle))
                found.append(f"{what} of {name!r}: {mine} for {theirs}")
    if name not in CHANGED_TIPS_IN_7_2 and not set(map(repr, oracle[7])) <= set(map(repr, hearth[7])):
        found.append(f"tips of {name!r}: {hearth[7]} for {oracle[7]}")
    if name not in CHANGED_SPECS_IN_7_2 and spec_form(hearth[8]) != spec_form(oracle[8]):
        found.append(f"key specs of {name!r}: {hearth[8]} for {oracle[8]}")
    extra = {sub[0] for sub in hearth[9]} - {sub[0] for sub in oracle[9]} - NEW_SUBCOMMANDS
    return found + [f"subcommand {sub!r} is unknown to the oracle" for sub in sorted(extra)]


def spec_form(specs):
    """Key specs without their notes, which are prose."""
    result = []
    for spec in specs:
        fields = dict(zip(spec[::2], spec[1::2]))
        fields.pop(b"notes", None)
        fields[b"flags"] = sorted(names(fields[b"flags"]))
        result.append(sorted((name, repr(value)) for name, value in fields.items()))
    return result


def oracle_commands():
    """The names at collection time, so that each command is a test of its own."""
    from support.server import Server

    with Server("oracle") as oracle, oracle.client() as client:
        return sorted(name.decode() for name in client.call("COMMAND", "LIST") if claimed(name))


def claimed(name):
    """False for a command that spec/commands marks as missing."""
    return is_supported(name.split(b"|"))


COMMANDS = oracle_commands()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_described_as_the_oracle_describes_it(tables, name):
    hearth, oracle = tables
    assert name.encode() in hearth, "the command is missing"
    assert entry_differences(hearth[name.encode()], oracle[name.encode()]) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_docs_have_the_oracles_arguments(pair, name):
    """Summaries are Hearth's own words."""
    hearth, oracle = (client.call("COMMAND", "DOCS", name) for client in pair)
    assert hearth and hearth[0] == oracle[0]
    mine, theirs = (dict(zip(reply[1][::2], reply[1][1::2])) for reply in (hearth, oracle))
    assert mine[b"group"] == theirs[b"group"]
    assert mine[b"since"] == theirs[b"since"] or name in CHANGED_SINCE_IN_7_2
    assert isinstance(mine[b"summary"], bytes) and mine[b"summary"]
    assert argument_names(theirs.get(b"arguments", [])) <= argument_names(mine.get(b"arguments", []))


def argument_names(arguments):
    """The tokens and kinds that the arguments offer; 7.2 reworked the names of many arguments."""
    found = set()
    for argument in arguments:
        fields = dict(zip(argument[::2], argument[1::2]))
        if b"token" in fields:
            found.add(fields[b"token"])
        found |= argument_names(fields.get(b"arguments", []))
    return found


GETKEYS = [
    ["GET", "a"], ["MSET", "a", "1", "b", "2"], ["SORT", "a", "STORE", "b"],
           ["SORT", "a", "BY", "x", "LIMIT", "0", "1", "STORE", "b"],
    ["LMPOP", "2", "a", "b", "LEFT"], ["BLMPOP", "0", "1", "a", "LEFT"],
           ["ZUNIONSTORE", "d", "2", "a", "b", "WEIGHTS", "1", "2"],
    ["XREAD", "COUNT", "1", "STREAMS", "a", "b", "0", "0"], ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "a",
                                                             "b", ">", ">"],
    ["EVAL", "return", "2", "a", "b", "c"], ["MIGRATE", "h", "1", "", "0", "1", "KEYS", "a", "b"],
           ["MIGRATE", "h", "1", "k", "0", "1"],
    ["OBJECT", "ENCODING", "a"], ["MEMORY", "USAGE", "a"], ["SET", "a"], ["PING"], ["NOSUCH"], ["GET"],
           ["LCS", "a", "b"],
    ["COPY", "a", "b"], ["GEORADIUS", "a", "1", "1", "1", "m", "STORE", "b"], ["BITOP", "AND", "d", "a", "b"],
           ["PFCOUNT", "a", "b"],
    ["LMPOP", "x", "a"], ["LMPOP", "9", "a", "LEFT"], ["BLPOP", "a", "b", "0"], ["RENAME", "a", "b"],
           ["SINTERCARD", "2", "a", "b"],
    ["CONFIG", "GET", "x"], ["SET", "a", "b", "GET"], ["BITFIELD", "a", "GET", "u8", "0"],
           ["FCALL", "f", "1", "a"],
]


@pytest.mark.parametrize("command", GETKEYS, ids=" ".join)
@pytest.mark.parametrize("which", ["GETKEYS", "GETKEYSANDFLAGS"])
def test_keys_of_a_command_are_found(pair, which, command):
    hearth, oracle = (client.call("COMMAND", which, *command) for client in pair)
    if which == "GETKEYSANDFLAGS" and isinstance(oracle, list):
        hearth, oracle = ([(key, names(flags)) for key, flags in reply] for reply in (hearth, oracle))
    if len(command) == 1:
        # 7.0 asks for an argument of the command before it looks at the command.
        assert isinstance(hearth, Error) and isinstance(oracle, Error)
    else:
        assert hearth == oracle


@pytest.mark.parametrize("arguments", [["INFO", "nosuch"], ["INFO", "get", "nosuch", "config|get"],
                                       ["DOCS", "nosuch"], ["COUNT", "x"],
                                       ["NOSUCH"], ["LIST", "FILTERBY"], ["LIST", "FILTERBY", "NOSUCH", "x"],
                                       ["GETKEYS"],
                                       ["LIST", "FILTERBY", "ACLCAT", "nosuch"],
                                       ["LIST", "FILTERBY", "MODULE", "nosuch"]])
def test_wrong_and_unknown_names_are_answered_alike(pair, arguments):
    hearth, oracle = (client.call("COMMAND", *arguments) for client in pair)
    assert shape(hearth) == shape(oracle)


def shape(reply):
    """Only which entries are there; what an entry says is another test's matter."""
    if isinstance(reply, list):
        return [item if isinstance(item, Null) else "entry" for item in reply]
    return reply


@pytest.mark.parametrize("arguments", [["FILTERBY", "PATTERN", "x*"], ["FILTERBY", "PATTERN", "*get"],
                                       ["FILTERBY", "ACLCAT", "hash"]])
def test_lists_hold_what_the_oracles_hold(pair, arguments):
    hearth, oracle = (set(client.call("COMMAND", "LIST", *arguments)) for client in pair)
    assert {name for name in oracle - hearth if claimed(name)} == set()


def test_count_is_the_length_of_the_table(pair, tables):
    assert pair[0].call("COMMAND", "COUNT") == sum(b"|" not in name for name in tables[0])
    assert isinstance(pair[0].call("COMMAND", "INFO", "nosuch"), list)
    assert pair[0].call("COMMAND", "INFO", "nosuch") in ([NULL_ARRAY], [Null(b"$-1")])


def test_every_unknown_command_is_an_error(pair):
    replies = [client.call("NOSUCH") for client in pair]
    assert replies[0] == replies[1] and isinstance(replies[0], Error)
    assert not isinstance(replies[0], Simple)


# There are no modules; what asks for them is answered as by a server that has loaded none.
MODULE = ["LIST", "LIST x", "LOAD /nonexistent.so", "LOAD", "LOADEX /nonexistent.so ARGS a", "LOADEX", "UNLOAD x", "UNLOAD",
          "NOSUCH"]


@pytest.mark.parametrize("enabled", ["yes", "no"])
def test_modules_are_answered_as_by_a_server_without_any(start, enabled):
    servers = [start(role, "--enable-module-command", enabled) for role in ("hearth", "oracle")]
    with servers[0].client() as hearth, servers[1].client() as oracle:
        for line in MODULE:
            assert hearth.call("MODULE", *line.split()) == oracle.call("MODULE", *line.split()), line
        assert hearth.call("MODULE", "HELP")[0].value.startswith(b"MODULE <subcommand> ")
