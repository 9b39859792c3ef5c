"""Functions, and what scripts and functions have written, stand in the files that the other server loads."""

import pytest

from persistence.test_files_both_ways import BACK_AND_FORTH, DEBUG, assert_same, take_over
from support.info import info_fields
from support.resp import OK
from support.server import wait_for

# Names that sort otherwise than they are loaded, a description, flags, and code with bytes of all kinds.
LIBRARIES = [
    "#!lua name=words\nredis.register_function('put', function(k, a) return redis.call('SET', k[1], a[1]) end)",
    "#!lua name=Lists\nlocal times = 3\nredis.register_function{function_name='fill', description='fills a list',\n"
    "  callback=function(k, a) for i = 1, times do redis.call('RPUSH', k[1], a[1] .. i) end return times end}\n"
    "redis.register_function{function_name='count', flags={'no-writes', 'allow-stale'},\n"
    "  callback=function(k) return redis.call('LLEN', k[1]) end}",
    "#!lua name=long\nredis.register_function('long', function() return [[" + "a line that is packed\n" * 2000 + "]] end)",
    "#!lua name=bytes\n-- \xc3\xa9 \x01\x02\nredis.register_function('bytes', function() return '\\0\\255' end)",
]


def described(client):
    """What FUNCTION LIST says, without an order: the servers have none in common."""
    found = []
    for library in client.call("FUNCTION", "LIST", "WITHCODE"):
        fields = dict(zip(library[::2], library[1::2]))
        functions = [dict(zip(one[::2], one[1::2])) for one in fields[b"functions"]]
        found.append((fields[b"library_name"], fields[b"library_code"],
                      sorted((one[b"name"], str(one[b"description"]), sorted(flag.value for flag in one[b"flags"]))
                             for one in functions)))
    return sorted(found)


def write(client, round_number):
    """Writes of all kinds of scripts, the same on every server."""
    name = f"round:{round_number}"
    assert client.call("FCALL", "put", 1, name, "v") == OK
    assert client.call("FCALL", "fill", 1, f"{name}:list", "e") == 3
    client.call("EVAL", "redis.call('SADD', KEYS[1], 'a', 'b') redis.call('SET', KEYS[2], ARGV[1], 'PXAT', ARGV[2])"
                " return redis.pcall('LPUSH', KEYS[2], 'x')", 2, f"{name}:set", f"{name}:soon", "v", 4000000000000)
    digest = client.call("SCRIPT", "LOAD", "return redis.call('HINCRBY', KEYS[1], ARGV[1], 5)")
    client.pipeline([["MULTI"], ["EVALSHA", digest, 1, f"{name}:hash", "f"], ["FCALL", "put", 1, f"{name}:late", "w"],
                     ["EXEC"]])


def fill(client):
    for library in LIBRARIES:
        client.call("FUNCTION", "LOAD", library)
    client.call("FUNCTION", "LOAD", "#!lua name=gone\nredis.register_function('gone', function() return 1 end)")
    client.call("FUNCTION", "DELETE", "gone")
    assert client.call("FUNCTION", "LOAD", "REPLACE", LIBRARIES[0]) == b"words"
    write(client, 0)


def assert_same_functions(writer, reader):
    with writer.client() as one, reader.client() as other:
        assert described(one) == described(other)
        assert len(described(other)) == len(LIBRARIES)
        assert other.call("FCALL_RO", "count", 1, "round:0:list") == 3
        assert other.call("FCALL", "bytes", 0) == b"\x00\xff"
        for client in (one, other):
            write(client, 9)
    assert_same(writer, reader)


@pytest.mark.parametrize("writer_role, reader_role", BACK_AND_FORTH)
def test_a_snapshot_brings_the_functions(start, writer_role, reader_role):
    writer = start(writer_role, *DEBUG)
    with writer.client() as client:
        fill(client)
        assert client.call("SAVE") == OK
    reader = take_over(start, reader_role, writer, ["dump.rdb"], *DEBUG)
    assert_same_functions(writer, reader)


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("writer_role, reader_role", BACK_AND_FORTH)
def test_an_append_only_file_brings_the_functions(start, writer_role, reader_role, preamble):
    options = ["--appendonly", "yes", "--appendfsync", "always", "--aof-use-rdb-preamble", preamble, *DEBUG]
    writer = start(writer_role, *options)
    with writer.client() as client:
        fill(client)
        reader = take_over(start, reader_role, writer, ["appendonlydir"], *options)
        assert_same_functions(writer, reader)
        client.call("BGREWRITEAOF")
        wait_for(lambda: all(info_fields(client.call("INFO", "persistence"))[name] == "0"
                             for name in ("aof_rewrite_in_progress", "aof_rewrite_scheduled")), 30, "the rewrite")
        write(client, 1)
    reader = take_over(start, reader_role, writer, ["appendonlydir"], *options)
    assert_same_functions(writer, reader)


def test_a_restored_payload_and_a_flush_are_in_the_append_only_file(start):
    """What came by FUNCTION RESTORE is there after a restart, and what FUNCTION FLUSH took away is not."""
    server = start("hearth", "--appendonly", "yes", "--appendfsync", "always")
    with server.client() as client:
        fill(client)
        payload = client.call("FUNCTION", "DUMP")
        before = described(client)
        client.call("FUNCTION", "LOAD", "#!lua name=more\nredis.register_function('more', function() return 1 end)")
        assert client.call("FUNCTION", "FLUSH") == OK
        assert client.call("FUNCTION", "RESTORE", payload) == OK
    server.kill()
    server.restart()
    with server.client() as client:
        assert described(client) == before
        assert client.call("FUNCTION", "FLUSH") == OK
    server.kill()
    server.restart()
    with server.client() as client:
        assert described(client) == []
