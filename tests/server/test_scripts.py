"""Scripts and functions as users meet them: slow ones, other clients meanwhile, effects, files and replicas."""

import pytest

from support.dump_payload import rdb_string, seal
from support.info import info_fields
from support.resp import OK, Error, Null, to_bytes
from support.server import wait_for

LOOP = "while true do end"
BUSY = b"BUSY Redis is busy running a script. You can only call %s KILL or SHUTDOWN NOSAVE."
LIBRARY = "#!lua name=lib\nredis.register_function('put', function(k, a) return redis.call('SET', k[1], a[1]) end)"
QUICK = ("--busy-reply-threshold", "20")


def text(reply):
    return reply.value if isinstance(reply, Error) else reply


def wait_until_busy(client):
    """A client that is told so, and nothing else, from then on."""
    wait_for(lambda: isinstance(client.call("PING"), Error), what="a script that is found slow")


@pytest.mark.parametrize("script", [
    LOOP,
    "while true do pcall(function() while true do end end) end",
    "coroutine.wrap(function() while true do end end)()",
    "while true do redis.call('PING') end",
])
def test_a_slow_script_is_told_of_and_killed(start, script):
    server = start("hearth", *QUICK)
    with server.client() as runner, server.client() as other:
        runner.send("EVAL", script, 0)
        wait_until_busy(other)
        assert text(other.call("GET", "k")) == BUSY % b"SCRIPT"
        assert text(other.call("FUNCTION", "KILL")) == BUSY % b"SCRIPT"
        assert text(other.call("SHUTDOWN")) == BUSY % b"SCRIPT"
        assert other.call("MULTI") == OK
        assert text(other.call("SET", "k", "v")) == BUSY % b"SCRIPT"
        assert other.call("DISCARD") == OK
        with server.client() as late:
            assert text(late.call("GET", "k")) == BUSY % b"SCRIPT"
            assert late.call("SCRIPT", "KILL") == OK
        assert text(runner.read_reply()).startswith(b"ERR Script killed by user with SCRIPT KILL... script: ")
        assert other.call("SET", "k", "v") == OK
        assert runner.call("EVAL", "return redis.call('GET', KEYS[1])", 1, "k") == b"v"
        assert text(other.call("SCRIPT", "KILL")) == b"NOTBUSY No scripts in execution right now."


def test_a_slow_function_is_described_and_killed(start):
    server = start("hearth", *QUICK)
    with server.client() as runner, server.client() as other:
        other.call("FUNCTION", "LOAD", f"#!lua name=l\nredis.register_function('loop', function() {LOOP} end)")
        runner.send("FCALL", "loop", 1, "k")
        wait_until_busy(other)
        running = other.call("FUNCTION", "STATS")[1]
        assert running[:4] == [b"name", b"loop", b"command", [b"FCALL", b"loop", b"1", b"k"]]
        assert text(other.call("SCRIPT", "KILL")) == BUSY % b"FUNCTION"
        assert other.call("FUNCTION", "KILL") == OK
        assert b"Script killed by user" in text(runner.read_reply())


def test_clients_that_came_at_the_same_time_are_told_too(start):
    server = start("hearth", *QUICK)
    with server.client() as runner:
        others = [server.client() for _ in range(20)]
        for client in others:
            assert client.call("PING") is not None
        # All may come in one turn of the server's loop.
        runner.send("EVAL", LOOP, 0)
        for client in others:
            client.send("GET", "k")
        for client in others:
            reply = client.read_reply()
            assert not isinstance(reply, Error) or text(reply) == BUSY % b"SCRIPT"
        wait_until_busy(others[0])
        # One goes in the middle of it.
        others.pop().close()
        assert others[0].call("SCRIPT", "KILL") == OK
        assert b"killed" in text(runner.read_reply())
        for client in others:
            assert not isinstance(client.call("PING"), Error)
            client.close()


def test_the_rest_of_a_pipeline_runs_after_a_slow_script(start):
    server = start("hearth", *QUICK)
    with server.client() as runner, server.client() as other:
        for command in (("EVAL", LOOP, 0), ("SET", "k", "v"), ("GET", "k")):
            runner.send(*command)
        wait_until_busy(other)
        assert other.call("SCRIPT", "KILL") == OK
        assert b"killed" in text(runner.read_reply())
        assert runner.read_reply() == OK
        assert runner.read_reply() == b"v"


def test_a_caller_that_leaves_does_no_harm(start):
    server = start("hearth", *QUICK)
    with server.client() as other:
        runner = server.client()
        runner.send("EVAL", LOOP, 0)
        wait_until_busy(other)
        runner.close()
        assert other.call("SCRIPT", "KILL") == OK
        wait_for(lambda: not isinstance(other.call("PING"), Error))


def test_what_has_written_is_not_killed_and_nothing_of_it_is_kept(start):
    server = start("hearth", *QUICK, "--appendonly", "yes", "--appendfsync", "always")
    with server.client() as runner, server.client() as other:
        assert other.call("SET", "before", "1") == OK
        runner.send("EVAL", "redis.call('SET', 'half', '1') " + LOOP, 0)
        wait_until_busy(other)
        assert text(other.call("SCRIPT", "KILL")).startswith(b"UNKILLABLE ")
        other.send("SHUTDOWN", "NOSAVE")
        server.wait_for_exit()
    server.restart()
    with server.client() as client:
        assert client.call("GET", "before") == b"1"
        assert client.call("EXISTS", "half") == 0


def test_time_stands_still_in_a_script(hearth):
    script = """
        redis.call('SET', 'k', 'v', 'PX', 100)
        local before = redis.call('PTTL', 'k')
        local i = 0
        while i < 3000000 do i = i + 1 end
        return before - redis.call('PTTL', 'k')"""
    with hearth.client() as client:
        assert client.call("EVAL", script, 0) == 0


def test_rights_are_those_of_the_caller(hearth):
    with hearth.client() as client:
        client.call("ACL", "SETUSER", "u", "on", "nopass", "+@all", "-set", "~k*")
        assert client.call("AUTH", "u", "x") == OK
        assert text(client.call("EVAL", "return redis.pcall('SET', 'k', '1')", 0)) == (
            b"NOPERM ACL failure in script: User u has no permissions to run the 'set' command")
        for script in ("return redis.call('GET', 'k')", "return redis.acl_check_cmd('GET', 'z')"):
            assert isinstance(client.call("EVAL", script, 0), Null)
        entry = client.call("ACL", "LOG")[0]
        assert entry[entry.index(b"context") + 1] == b"lua"


def test_memory_of_scripts_is_counted(hearth):
    with hearth.client() as client:
        client.call("EVAL", "return 1", 0)
        client.call("FUNCTION", "LOAD", LIBRARY)
        fields = info_fields(client.call("INFO", "memory"))
        assert fields["number_of_cached_scripts"] == "1"
        assert fields["number_of_libraries"] == "1"
        assert fields["number_of_functions"] == "1"
        assert int(fields["used_memory_vm_eval"]) > 10_000


# ---- files

@pytest.mark.parametrize("options", [
    (), ("--appendonly", "yes"), ("--appendonly", "yes", "--aof-use-rdb-preamble", "no")])
@pytest.mark.parametrize("rewrites", [False, True])
def test_functions_survive_a_restart(start, options, rewrites):
    server = start("hearth", *options)
    with server.client() as client:
        assert client.call("FUNCTION", "LOAD", LIBRARY) == b"lib"
        assert client.call("FCALL", "put", 1, "k", "v") == OK
        if rewrites and options:
            client.call("BGREWRITEAOF")
            wait_for(lambda: info_fields(client.call("INFO", "persistence"))["aof_rewrite_in_progress"] == "0"
                     and info_fields(client.call("INFO", "persistence"))["aof_rewrite_scheduled"] == "0")
        elif not options:
            assert client.call("SAVE") == OK
        client.send("SHUTDOWN")
        server.wait_for_exit()
    server.restart()
    with server.client() as client:
        assert client.call("GET", "k") == b"v"
        assert client.call("FCALL", "put", 1, "k", "w") == OK


def test_a_library_that_never_ends_is_not_restored(hearth):
    """FUNCTION LOAD gives up after half a second, and so does FUNCTION RESTORE."""
    code = b"#!lua name=endless\nwhile true do end"
    with hearth.client() as client:
        assert text(client.call("FUNCTION", "LOAD", code)).startswith(b"ERR Error registering functions: ")
        payload = seal(b"\xf5" + rdb_string(code))
        assert b"timeout" in text(client.call("FUNCTION", "RESTORE", payload))
        assert client.call("FUNCTION", "LIST") == []
        assert client.call("FUNCTION", "LOAD", LIBRARY) == b"lib"


@pytest.mark.parametrize("writer_role, reader_role", [("hearth", "oracle"), ("oracle", "hearth")])
def test_a_dump_of_functions_is_restored_by_the_other(start, writer_role, reader_role):
    writer, reader = start(writer_role), start(reader_role)
    with writer.client() as source, reader.client() as target:
        assert source.call("FUNCTION", "LOAD", LIBRARY) == b"lib"
        assert target.call("FUNCTION", "RESTORE", source.call("FUNCTION", "DUMP")) == OK
        assert target.call("FCALL", "put", 1, "k", "v") == OK
        assert target.call("FUNCTION", "LIST", "WITHCODE")[0][-1] == to_bytes(LIBRARY)
