"""Scripts and functions on the oracle and on Hearth: the same replies, and the same data left behind.

The scripts stand in scripts/*.txt, one a line. Each runs on a dataset of its own with the keys s, l, h, nosuch and two
arguments; those of calls.txt, conversions.txt and api.txt run by RESP2 and by RESP3.
"""

import hashlib
import pathlib
import re

import pytest

from support.resp import Double, Error, Map, OK, Set, Simple

FOLDER = pathlib.Path(__file__).parent / "scripts"
GROUPS = sorted(path.stem for path in FOLDER.glob("*.txt"))
BOTH_PROTOCOLS = ("calls", "conversions", "api")
KEYS = ["s", "l", "h", "nosuch"]
ARGUMENTS = ["first", "2"]
DATASET = [("FLUSHALL",), ("SELECT", 0), ("SET", "s", "hello"), ("SET", "n", 10), ("RPUSH", "l", "a", "b", "c"),
           ("SADD", "set", "m"), ("HSET", "h", "f", "v"), ("ZADD", "z", 1, "a", 2.5, "b"), ("XADD", "x", "1-1", "f", "v")]
DEBUG = ("--enable-debug-command", "yes")
"""What crashes the oracle, keeps it busy for seconds, or takes gigabytes of it cannot be compared: errors that are tables
without `err`, string.rep of 10^10 bytes, load() with a reader that never ends."""

"""Meant differences: (reason, what the script looks like). Such a script runs on both, and its replies are not compared."""
KNOWN = [
    ("LuaJIT has no order of pairs() that lasts: objects are written in the order of their names",
     r"cmsgpack\.pack\(string\)|\[1\]=1,a=2|encode\(_G\)"),
    ("views of tables are empty for next() and #", r"^return next\((redis|_G)\)"),
    ("os.clock is there, as in 7.4", r"\bos\b"),
    ("string.dump is gone with bytecode", r"string\.dump"),
    ("a guard of ours words its own error", r"return _G\[\{\}\]|local f=getmetatable\(_G\)\.__index"),
    ("versions and words of the modules", r"_COPYRIGHT|tostring\(cjson\.null\)"),
    ("LuaJIT takes what later Luas have: %s of any value, %a, rep with a separator, \\x and \\z, goto",
     r"format\('%s',nil\)|%X\|%a|rep\(3,','\)|\\x41|\\z|^goto"),
    ("LuaJIT words its errors in its own way here",
     r"format\('(%s %s|%|%\.?100d)'|string\.len\(\)|return ipairs\(\)|coroutine\.yield\(1\)$|loadstring\('\\27|setn"
     r"|return f\(\) \+ 1|unpack\(\{\},1,|err='E'"),
    ("LuaJIT writes zero bytes and carriage returns of %c and %q otherwise", r"format\('%(q|c)'"),
    ("bit.tohex goes beyond eight digits in LuaJIT", r"tohex\(1,100\)"),
    ("the depth that Lua's stack gives is another", r"depth\(100000\)"),
    ("7.2 lets commands that block run in scripts, where they answer at once",
     r"call\('(bl|brpop|bzpop|wait|xread','block')"),
    ("7.2 writes a double by its shortest digits", r"\{double=(-0\.1|1/3)\}"),
    ("7.2 keeps small lists as one listpack and says so", r"'object','encoding','l'"),
    ("redis is called server, too", r"^return server"),
]
KNOWN = [(reason, re.compile(pattern)) for reason, pattern in KNOWN]


def scripts(group):
    lines = (FOLDER / f"{group}.txt").read_text().split("\n")
    return [line for line in lines if line and not line.startswith("# ")]


def known(script):
    return any(pattern.search(script) for _, pattern in KNOWN)


def plain(reply):
    """The reply without what differs in every line: a NaN has no sign in LuaJIT, and functions that are called by a return
    statement do not know their caller."""
    if isinstance(reply, list):
        return [plain(part) for part in reply]
    if isinstance(reply, Map):
        return Map(sorted(((plain(key), plain(value)) for key, value in reply.value), key=repr))
    if isinstance(reply, Set):
        return Set(sorted((plain(part) for part in reply.value), key=repr))
    if isinstance(reply, Double):
        return Double(repr(float(reply.value)).encode())
    if isinstance(reply, bytes):
        return reply.replace(b"-nan", b"nan")
    if isinstance(reply, (Error, Simple)):
        return type(reply)(reply.value.replace(b"-nan", b"nan"))
    return reply


def but_for_its_place(error):
    """The error without what LuaJIT does not know of a function that a return statement calls: who called it."""
    text = re.sub(rb"user_script:\d+: ", b"", error.value)
    text = re.sub(rb"^((ERR )?bad argument #\d+ to )'[^']*'", rb"\1", text)
    return re.sub(rb" on \S+:-?\d+\.$", b"", text)


def agree(script, oracle, hearth):
    if oracle == hearth or known(script):
        return True
    return (oracle[1] == hearth[1] and isinstance(oracle[0], Error) and isinstance(hearth[0], Error)
            and re.search(r"\breturn [\w.]+\(", script) is not None
            and but_for_its_place(oracle[0]) == but_for_its_place(hearth[0]))


def run(client, script):
    """[reply, digest] of the script on a fresh dataset."""
    replies = client.pipeline([*DATASET, ("EVAL", script, len(KEYS), *KEYS, *ARGUMENTS), ("SELECT", 0), ("DEBUG", "DIGEST")])
    assert all(not isinstance(reply, Error) for reply in replies[: len(DATASET)]), replies
    return [plain(replies[len(DATASET)]), replies[-1]]


def compare(oracle, hearth, group, protocol):
    differences = []
    with oracle.client() as left, hearth.client() as right:
        if protocol == 3:
            for client in (left, right):
                assert isinstance(client.call("HELLO", 3), Map)
        for script in scripts(group):
            replies = [run(client, script) for client in (left, right)]
            if not agree(script, *replies):
                differences.append(f"{script}\n   oracle {replies[0]}\n   Hearth {replies[1]}")
    assert not differences, f"{len(differences)} scripts of {group} differ:\n" + "\n".join(differences)


@pytest.mark.parametrize("group,protocol", [(group, protocol) for group in GROUPS for protocol in (2, 3)
                                            if protocol == 2 or group in BOTH_PROTOCOLS])
def test_scripts_reply_and_write_alike(start, group, protocol):
    compare(start("oracle", *DEBUG), start("hearth", *DEBUG), group, protocol)


def test_the_corpus_is_as_large_as_promised():
    assert sum(len(scripts(group)) for group in GROUPS) >= 200


LINES = """local function f(x)
  return redis.call('incr', x)
end
local a = redis.call('get', 's')
return f('s')"""

PROGRAMS = [
    ("EVAL", "return 1", 0), ("EVAL", "return 1"), ("EVAL",), ("EVAL", "return 1", "x"), ("EVAL", "return 1", -1),
    ("EVAL", "return 1", 2, "a"), ("EVAL", "return KEYS", 1, "a"), ("EVAL", "return {KEYS,ARGV}", 1, "a", "b", "c"),
    ("EVAL", LINES, 0), ("EVAL", "\n\nx y", 0), ("EVAL", "local x = 1\nerror('here')", 0),
    ("EVAL", "local x = 1\n\nlocal y = redis.call('incr','s')\nreturn y", 0),
    ("EVAL", "return loadstring('\\n\\nerror(1)')()", 0),
    ("EVAL", "", 0), ("EVAL", "-- nothing", 0), ("EVAL", "return\t1;", 0), ("EVAL", b"return '\xff\xfe'", 0),
    ("EVAL", "return #ARGV[1]", 0, b"a\x00b"), ("EVAL", "return 1 -- end", 0), ("EVAL", "return 'a' .. \"b\"", 0),
    ("EVAL", "#!lua\nreturn 1", 0), ("EVAL", "#!lua name=x\nreturn 1", 0), ("EVAL", "#!lua flags=\nreturn 1", 0),
    ("EVAL", "#!lua flags=no-writes\nreturn redis.call('get','s')", 0),
    ("EVAL", "#!lua flags=no-writes\nreturn redis.call('set','s','x')", 0),
    ("EVAL", "#!lua flags=no-writes\nreturn redis.pcall('set','s','x')", 0),
    ("EVAL", "#!lua flags=no-writes,allow-stale\nreturn 1", 0), ("EVAL", "#!lua flags=allow-oom\nreturn 1", 0),
    ("EVAL", "#!lua flags=no-cluster\nreturn 1", 0), ("EVAL", "#!lua flags=nosuch\nreturn 1", 0),
    ("EVAL", "#!lua flags=no-writes,nosuch\nreturn 1", 0), ("EVAL", "#!nosuch\nreturn 1", 0), ("EVAL", "#!lua", 0),
    ("EVAL", "#!lua nosuch\nreturn 1", 0), ("EVAL", "#!lua nosuch=1\nreturn 1", 0), ("EVAL", "#!lua\nerror('line')", 0),
    ("EVAL", "#!\nreturn 1", 0), ("EVAL", "#!lua \nreturn 1", 0), ("EVAL", "#!LUA\nreturn 1", 0),
    ("EVAL_RO", "return redis.call('get','s')", 0), ("EVAL_RO", "return redis.call('set','s','x')", 0),
    ("EVAL_RO", "return redis.pcall('set','s','x')", 0), ("EVAL_RO", "#!lua\nreturn redis.call('get','s')", 0),
    ("EVAL_RO", "#!lua flags=no-writes\nreturn redis.call('get','s')", 0),
    ("SCRIPT", "LOAD", "return redis.call('get','s')"), ("SCRIPT", "LOAD", "x y"), ("SCRIPT", "LOAD"),
    ("SCRIPT", "LOAD", "#!lua flags=no-writes\nreturn 1"), ("SCRIPT", "LOAD", "#!nosuch\nreturn 1"),
    ("EVALSHA", "<0>", 0), ("EVALSHA", "<0>", 0, "a"), ("EVALSHA_RO", "<0>", 0), ("EVALSHA", "<0>".upper(), 0),
    ("EVALSHA", "0" * 40, 0), ("EVALSHA", "short", 0), ("EVALSHA", "<0>"), ("EVALSHA", "<0>", 1), ("EVALSHA", "0" * 40, -1),
    ("SCRIPT", "EXISTS", "<0>", "0" * 40), ("SCRIPT", "EXISTS"), ("SCRIPT", "FLUSH"), ("SCRIPT", "EXISTS", "<0>"),
    ("EVALSHA", "<0>", 0), ("SCRIPT", "FLUSH", "SYNC"), ("SCRIPT", "FLUSH", "ASYNC"), ("SCRIPT", "FLUSH", "x"),
    ("SCRIPT", "FLUSH", "SYNC", "x"), ("SCRIPT", "KILL"), ("SCRIPT", "NOSUCH"), ("SCRIPT",), ("SCRIPT", "DEBUG", "x"),
    ("MULTI",), ("EVAL", "return redis.call('incr','n')", 0), ("EVAL", "error('x')", 0), ("EVALSHA", "0" * 40, 0),
    ("EVAL", "return redis.call('incr','n')", 0), ("EXEC",), ("GET", "n"), ("MULTI",), ("EVAL", "x y", 0), ("SCRIPT", "FLUSH"),
    ("EXEC",), ("CONFIG", "RESETSTAT"), ("EVAL", "redis.call('get','s') return redis.call('get','s')", 0),
    ("EVAL", "redis.pcall('incr','s')", 0), ("EVAL", "return redis.call('incr','s')", 0),
]


def converse(oracle, hearth, commands, resolve=lambda client, argument: argument):
    """Replies to the commands one after the other; those that differ."""
    differences = []
    with oracle.client() as left, hearth.client() as right:
        for client in (left, right):
            client.pipeline(DATASET)
        for command in commands:
            replies = [plain(client.call(*[resolve(client, argument) for argument in command])) for client in (left, right)]
            if replies[0] != replies[1]:
                differences.append(f"{command}\n   oracle {replies[0]}\n   Hearth {replies[1]}")
        digests = [client.call("DEBUG", "DIGEST") for client in (left, right)]
        assert digests[0] == digests[1], differences
    assert not differences, f"{len(differences)} of {len(commands)} differ:\n" + "\n".join(differences)


def test_commands_of_scripts(start):
    sha = hashlib.sha1(b"return redis.call('get','s')").hexdigest()
    converse(start("oracle", *DEBUG), start("hearth", *DEBUG), PROGRAMS,
             lambda client, argument: argument.replace("<0>", sha) if isinstance(argument, str) else argument)


LIBRARY = """#!lua name=first
local calls = 0
local function count(keys, args) calls = calls + 1 return calls end
redis.register_function('count', count)
redis.register_function{function_name='read', callback=function(keys, args) return redis.call('get', keys[1]) end,
                        flags={'no-writes'}, description='reads'}
redis.register_function{function_name='write', callback=function(keys, args) return redis.call('set', keys[1], args[1]) end}
redis.register_function{function_name='sly', callback=function(keys) return redis.call('set', keys[1], 'x') end,
                        flags={'no-writes'}}
redis.register_function('fails', function() error('on purpose') end)
redis.register_function('fails_in_call', function() local x = redis.call('incr', 's') return x end)
redis.register_function('arguments', function(keys, args) return {keys, args} end)
redis.register_function('globals', function() return nosuch end)
redis.register_function('writes_global', function() nosuch = 1 end)
redis.register_function('registers', function() return redis.register_function('late', function() end) end)
redis.register_function('keys_global', function() return KEYS end)
redis.register_function('status', function() return redis.status_reply('FINE') end)
redis.register_function('json', function(keys, args) return cjson.encode(cjson.decode(args[1])) end)
"""
FUNCTIONS = [
    ("FUNCTION", "LOAD", LIBRARY), ("FUNCTION", "LOAD", LIBRARY), ("FUNCTION", "LOAD", "REPLACE", LIBRARY),
    ("FCALL", "count", 0), ("FCALL", "count", 0), ("FCALL", "COUNT", 0), ("FCALL", "nosuch", 0), ("FCALL", "count"),
    ("FCALL", "count", "x"), ("FCALL", "count", -1), ("FCALL", "count", 1), ("FCALL", "read", 1, "s"),
    ("FCALL_RO", "read", 1, "s"), ("FCALL_RO", "write", 1, "s", "v"), ("FCALL", "write", 1, "w", "v"), ("FCALL", "sly", 1, "w"),
    ("FCALL", "fails", 0), ("FCALL", "fails_in_call", 0), ("FCALL", "arguments", 2, "a", "b", "c"), ("FCALL", "globals", 0),
    ("FCALL", "writes_global", 0), ("FCALL", "registers", 0), ("FCALL", "keys_global", 0), ("FCALL", "status", 0),
    ("FCALL", "json", 0, "[1,{}]"), ("FCALL", "json", 0, "["), ("GET", "w"),
    ("FUNCTION", "LOAD", "return 1"), ("FUNCTION", "LOAD", "#!lua\nreturn 1"), ("FUNCTION", "LOAD", "#!nosuch name=a\n"),
    ("FUNCTION", "LOAD", "#!lua name=a-b\nredis.register_function('x', function() end)"),
    ("FUNCTION", "LOAD", "#!lua name=a name=b\nredis.register_function('x', function() end)"),
    ("FUNCTION", "LOAD", "#!lua name=a nosuch=b\nredis.register_function('x', function() end)"),
    ("FUNCTION", "LOAD", "#!lua name=a\nreturn 1"), ("FUNCTION", "LOAD", "#!lua name=a\nx y"), ("FUNCTION", "LOAD"),
    ("FUNCTION", "LOAD", "#!lua name=a\nerror('at load')"), ("FUNCTION", "LOAD", "#!lua name=a"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.call('ping')"), ("FUNCTION", "LOAD", "#!lua name=a\nlocal x = nosuch"),
    ("FUNCTION", "LOAD", "#!lua name=a\nnosuch = 1"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('count', function() end)"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('a b', function() end)"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('a', 1)"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function(1, function() end)"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function()"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('a')"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('a', function() end, 1)"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function{}"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function{function_name='a'}"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function{callback=function() end}"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function{function_name='a', callback=function() end, flags=1}"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function{function_name='a', callback=function() end, flags={'x'}}"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function{function_name='a', callback=function() end, nosuch=1}"),
    ("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('a', function() end)\nredis.register_function('a', function() end)"),
    ("FUNCTION", "LOAD", "#!lua name=second\nredis.register_function('s', function() return 's' end)"), ("FCALL", "s", 0),
    ("FUNCTION", "DELETE", "nosuch"), ("FUNCTION", "DELETE"), ("FUNCTION", "DELETE", "first"), ("FCALL", "count", 0),
    ("FUNCTION", "DELETE", "first"), ("FUNCTION", "STATS"), ("FUNCTION", "LIST", "LIBRARYNAME", "nosuch"),
    ("FUNCTION", "LIST", "NOSUCH"), ("FUNCTION", "LIST", "LIBRARYNAME"), ("FUNCTION", "LIST", "WITHCODE", "LIBRARYNAME", "sec*"),
    ("FUNCTION", "KILL"), ("FUNCTION", "FLUSH", "x"), ("FUNCTION", "FLUSH"), ("FUNCTION", "LIST"), ("FUNCTION", "FLUSH", "SYNC"),
    ("FUNCTION", "FLUSH", "ASYNC"), ("FUNCTION", "NOSUCH"), ("FUNCTION",), ("FUNCTION", "RESTORE"), ("FUNCTION", "RESTORE", "x"),
    ("FUNCTION", "RESTORE", "x", "NOSUCH"), ("FUNCTION", "DUMP", "x"),
]


def test_commands_of_functions(start):
    converse(start("oracle", *DEBUG), start("hearth", *DEBUG), FUNCTIONS)


def listed(client):
    """What FUNCTION LIST says, in an order of its own."""
    found = {}
    for library in client.call("FUNCTION", "LIST", "WITHCODE"):
        fields = dict(zip(library[::2], library[1::2]))
        functions = [dict(zip(function[::2], function[1::2])) for function in fields[b"functions"]]
        found[fields[b"library_name"]] = (fields[b"engine"], fields[b"library_code"],
                                          sorted((f[b"name"], f[b"description"], sorted(f[b"flags"])) for f in functions))
    return found


SECOND = "#!lua name=second\nredis.register_function('s', function() return 's' end)"


def test_libraries_are_listed_dumped_and_restored_alike(start):
    oracle, hearth = start("oracle"), start("hearth")
    with oracle.client() as left, hearth.client() as right:
        for client in (left, right):
            for library in (LIBRARY, SECOND):
                assert isinstance(client.call("FUNCTION", "LOAD", library), bytes)
        assert listed(left) == listed(right)
        loaded = listed(left)
        dumps = [client.call("FUNCTION", "DUMP") for client in (left, right)]
        assert len(dumps[0]) == len(dumps[1])
        for client in (left, right):
            for dump in dumps:
                assert client.call("FUNCTION", "RESTORE", dump).value.startswith(b"ERR Library ")
                assert client.call("FUNCTION", "RESTORE", dump, "REPLACE") == OK
                assert client.call("FUNCTION", "RESTORE", dump, "FLUSH") == OK
                assert listed(client) == loaded
                assert client.call("FCALL", "s", 0) == b"s"
                assert client.call("FUNCTION", "FLUSH") == OK
                assert client.call("FUNCTION", "RESTORE", dump, "APPEND") == OK
                assert listed(client) == loaded
            broken = dumps[0][:-1] + bytes([dumps[0][-1] ^ 1])
            assert client.call("FUNCTION", "RESTORE", broken) == Error(b"ERR DUMP payload version or checksum are wrong")
            assert listed(client) == loaded
