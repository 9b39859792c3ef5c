"""Somebody types SYNC, PSYNC and REPLCONF into a raw connection: both servers answer in the same form."""

import os
import shutil
import subprocess

import pytest

from replication.nodes import ONLY_REAL
from replication.wire import Wire, assert_alike, commands, masked
from support.resp import encode
from support.server import wait_for

BOTH = ["redis", "redis"] if ONLY_REAL else ["hearth", "redis"]
# Nothing in the stream but what a test writes.
NO_PINGS = ["--repl-ping-replica-period", "3600"]
ZEROS = "0" * 40

WRITES = [
    ["SET", "a", "1"], ["INCR", "n"], ["EXPIRE", "a", "100"], ["PERSIST", "a"], ["SETEX", "b", "100", "v"],
    ["SET", "c", "v", "EX", "100"], ["GETEX", "c", "PX", "100000"], ["GETDEL", "b"], ["INCRBYFLOAT", "f", "1.5"],
    ["HINCRBYFLOAT", "h", "f", "0.5"], ["SADD", "s", "x", "y"], ["SREM", "s", "x"], ["SPOP", "s"], ["GET", "a"],
    ["RPUSH", "l", "1", "2", "3"], ["BLPOP", "l", "1"], ["BRPOPLPUSH", "l", "m", "1"], ["LMPOP", "1", "l", "LEFT"],
    ["DEL", "nothing"], ["SELECT", "3"], ["SET", "d", "1", "NX"], ["SET", "d", "2", "NX"], ["MULTI"], ["SET", "e", "1"],
    ["SET", "f", "2"], ["EXEC"], ["MULTI"], ["GET", "e"], ["EXEC"], ["MULTI"], ["SET", "e", "3"], ["DISCARD"],
    ["ZADD", "z", "1", "m"], ["ZPOPMIN", "z"], ["XADD", "x", "1-1", "f", "v"],
    ["XADD", "x", "MAXLEN", "=", "1", "2-*", "f", "v"], ["XGROUP", "CREATE", "x", "g", "0"],
    ["SELECT", "0"], ["PFADD", "p", "1"], ["PUBLISH", "channel", "message"],
    ["RENAME", "a", "aa"], ["MOVE", "aa", "1"], ["PEXPIRE", "n", "-1"], ["SORT", "m", "STORE", "sorted"],
    ["FLUSHDB"], ["FLUSHALL"], ["SET", "last", "one"],
]
END = encode(["SET", "last", "one"])


def of_both(node, scenario, *arguments):
    """What the scenario returns for either kind of primary."""
    return [scenario(node(kind, *NO_PINGS, *arguments)) for kind in BOTH]


def a_few_keys(primary):
    with primary.client() as client:
        client.pipeline([["SET", "text", "v"], ["RPUSH", "list", 1, 2], ["SELECT", 2], ["SET", "text", "w"]])


def is_snapshot(data, *words):
    """An RDB file with these words in it."""
    return data.startswith(b"REDIS00") and data[-9] == 0xFF and all(word in data for word in words)


def write_all(primary):
    with primary.client() as client:
        for command in WRITES:
            client.call(*command)


# -- SYNC and PSYNC.


def test_sync_gives_a_file_and_then_the_stream(node):
    def scenario(primary):
        a_few_keys(primary)
        with Wire(primary) as wire:
            wire.type("SYNC")
            framing, data = wire.snapshot()
            assert is_snapshot(data, b"text", b"list")
            write_all(primary)
            return framing, commands(wire.stream(END))

    assert_alike(of_both(node, scenario))


@pytest.mark.parametrize("diskless", ["yes", "no"])
@pytest.mark.parametrize("capabilities", [[], ["capa", "eof"], ["capa", "psync2"], ["capa", "eof", "capa", "psync2"],
                                          ["capa", "unheard-of", "capa", "eof"]], ids=",".join)
def test_psync_begins_with_a_full_copy(node, capabilities, diskless):
    def scenario(primary):
        a_few_keys(primary)
        with Wire(primary) as wire:
            lines = [wire.ask("REPLCONF", "listening-port", "7000")]
            if capabilities:
                lines.append(wire.ask("REPLCONF", *capabilities))
            lines.append(wire.ask("PSYNC", "?", "-1"))
            framing, data = wire.snapshot()
            assert is_snapshot(data, b"repl-id", b"repl-offset", primary.info()["master_replid"].encode())
            wait_for(primary.replicas, 10, "a line in INFO")
            if framing == b"mark":
                primary.call("SET", "early", "1")
                assert wire.is_silent(), "the stream begins before the first acknowledgement"
                wire.send("REPLCONF", "ACK", "0")
            write_all(primary)
            return [masked(line) for line in lines], framing, commands(wire.stream(END))

    assert_alike(of_both(node, scenario, "--repl-diskless-sync", diskless))


def begin(primary):
    """A link that has had its full copy: (wire, id, offset where its stream begins)."""
    wire = Wire(primary)
    word, history, offset = wire.ask("PSYNC", "?", "-1").split(b" ")
    assert word == b"+FULLRESYNC"
    wire.snapshot()
    return wire, history.decode(), int(offset)


@pytest.mark.parametrize("capabilities", [[], ["capa", "psync2"]], ids=["plain", "psync2"])
def test_psync_continues_from_an_offset(node, capabilities):
    def scenario(primary):
        wire, history, offset = begin(primary)
        with wire:
            write_all(primary)
            whole = wire.stream(END)
        assert primary.offset == offset + len(whole)
        results = []
        for skipped in (0, 1, 50, len(whole)):
            with Wire(primary) as again:
                if capabilities:
                    again.ask("REPLCONF", *capabilities)
                answer = again.ask("PSYNC", history, offset + 1 + skipped)
                assert again.take(len(whole) - skipped) == whole[skipped:]
                assert again.is_silent()
                results.append(masked(answer))
        assert primary.count("sync_full") == 1 and primary.count("sync_partial_ok") == 4
        return results

    results = of_both(node, scenario)
    assert_alike(results)
    assert results[0] == [b"+CONTINUE <id>" if capabilities else b"+CONTINUE"] * 4


def test_psync_with_what_the_primary_does_not_have(node):
    def scenario(primary):
        wire, history, offset = begin(primary)
        with wire:
            write_all(primary)
            size = len(wire.stream(END))
        lines = []
        for arguments in ([ZEROS, offset + 1], [history, offset + size + 2], [history, offset], [history, "0"],
                          ["short", "1"], ["?", "17"]):
            with Wire(primary) as again:
                lines.append(masked(again.ask("PSYNC", *arguments)).split(b" ")[:2])
        counts = {field: primary.count(field) for field in ("sync_full", "sync_partial_ok")}
        return lines, counts, primary.count("sync_partial_err")

    assert_alike(of_both(node, scenario))


def test_history_is_case_insensitive(node):
    def scenario(primary):
        wire, history, offset = begin(primary)
        wire.client.close()
        with Wire(primary) as again:
            return masked(again.ask("PSYNC", history.upper(), offset + 1))

    assert_alike(of_both(node, scenario))


def test_refused_requests(node):
    def scenario(primary):
        history = primary.info()["master_replid"]
        lines = []
        for arguments in (["PSYNC"], ["PSYNC", "?"], ["SYNC", "x"], ["PSYNC", "?", "abc"],
                          ["PSYNC", history, "1", "FAILOVER"], ["PSYNC", ZEROS, "1", "FAILOVER"]):
            with Wire(primary) as wire:
                lines.append(wire.ask(*arguments))
        with Wire(primary) as wire:  # One packet, so that the reply to PING is still there.
            wire.type(b"PING\r\nSYNC\r\n")
            lines += [wire.line(), wire.line()]
        with Wire(primary) as wire:
            wire.type(b"MULTI\r\nSYNC\r\n")
            lines += [wire.line(), wire.line()]
        return lines

    assert_alike(of_both(node, scenario))


def test_a_replica_without_a_link_has_nothing_to_give(node):
    def scenario(replica):
        replica.replicate(1)
        with Wire(replica) as wire:
            lines = [wire.ask("PSYNC", "?", "-1")]
            wire.type("SYNC")
            return [*lines, wire.line()]

    assert_alike(of_both(node, scenario))


# -- REPLCONF.


def test_replconf_answers(node):
    forms = [["listening-port", "7000"], ["listening-port", "abc"], ["listening-port", "-1"],
             ["ip-address", "10.0.0.1"], ["ip-address", "x" * 256], ["capa", "eof", "capa", "psync2"],
             ["capa", "nonsense"], ["CAPA", "eof"], ["listening-port"], ["listening-port", "1", "capa"], [],
             ["nonsense", "1"], ["rdb-only", "1"], ["rdb-only", "0"], ["rdb-only", "x"],
             ["rdb-filter-only", "functions"], ["rdb-filter-only", ""], ["rdb-filter-only", "nonsense"],
             ["listening-port", "1", "nonsense", "2"]]

    def scenario(primary):
        with Wire(primary) as wire:
            return [wire.ask("REPLCONF", *form) for form in forms]

    assert_alike(of_both(node, scenario))


def test_acknowledgements_are_not_answered(node):
    def scenario(primary):
        with Wire(primary) as wire:
            wire.send("REPLCONF", "ACK", "0")
            wire.send("REPLCONF", "GETACK", "*")
            return wire.ask("PING")

    assert_alike(of_both(node, scenario))


def test_a_waiting_client_makes_the_primary_ask(node):
    def scenario(primary):
        wire, _, offset = begin(primary)
        with wire, primary.client() as client:
            client.call("SET", "a", "1")
            client.send("WAIT", "1", "0")
            stream = wire.stream(encode(["REPLCONF", "GETACK", "*"]))
            assert primary.offset == offset + len(stream)
            wire.send("REPLCONF", "ACK", offset + len(stream))
            assert client.read_reply() == 1
            replica = primary.replicas()[0]
            assert int(replica["offset"]) == offset + len(stream)
            return masked(stream)

    assert_alike(of_both(node, scenario))


def test_who_is_still_getting_a_copy_is_asked_too(node):
    def scenario(primary):
        with primary.client() as client, Wire(primary) as wire:
            client.pipeline([["SET", f"k{i}", os.urandom(50000)] for i in range(200)])
            wire.ask("PSYNC", "?", "-1")
            client.call("SET", "a", "1")
            client.send("WAIT", "1", "0")
            wire.snapshot()
            return commands(wire.stream(encode(["REPLCONF", "GETACK", "*"])))

    assert_alike(of_both(node, scenario, "--repl-diskless-sync", "no"))


def test_pings_come_with_lower_case(node):
    def scenario(primary):
        wire, _, _ = begin(primary)
        with wire:
            primary.call("CONFIG", "SET", "repl-ping-replica-period", "1")
            return wire.stream(b"ping\r\n")

    assert_alike(of_both(node, scenario))


def test_a_replica_that_wants_the_file_alone_is_let_go(node):
    def scenario(primary):
        a_few_keys(primary)
        results = []
        for capabilities in ([], ["capa", "eof"]):
            with Wire(primary) as wire:
                lines = [wire.ask("REPLCONF", *capabilities)] if capabilities else []
                lines.append(wire.ask("REPLCONF", "rdb-only", "1"))
                wire.type("SYNC")
                framing, data = wire.snapshot()
                assert is_snapshot(data, b"text")
                assert wire.is_closed()
                results.append((lines, framing, wire.received.strip(b"\n")))
        return results

    assert_alike(of_both(node, scenario))


def test_a_filtered_file_has_no_keys(node):
    def scenario(primary):
        a_few_keys(primary)
        with Wire(primary) as wire:
            lines = [wire.ask("REPLCONF", "rdb-filter-only", "functions"), wire.ask("PSYNC", "?", "-1")]
        with Wire(primary) as wire:
            lines += [wire.ask("REPLCONF", "capa", "eof"), wire.ask("REPLCONF", "rdb-only", "1"),
                      wire.ask("REPLCONF", "rdb-filter-only", "functions")]
            wire.type("SYNC")
            framing, data = wire.snapshot()
            assert is_snapshot(data) and b"text" not in data
        return [masked(line) for line in lines], framing

    assert_alike(of_both(node, scenario))


# -- Tools that are replicas.


@pytest.mark.parametrize("kind", BOTH[:1])
def test_redis_cli_takes_a_file(node, tmp_path, kind):
    primary = node(kind, *NO_PINGS)
    a_few_keys(primary)
    path = tmp_path / "copy.rdb"
    command = ["redis-cli", "-p", str(primary.port), "--rdb", str(path)]
    subprocess.run(command, check=True, timeout=30, capture_output=True)
    assert is_snapshot(path.read_bytes(), b"text", b"list")
    if shutil.which("redis-check-rdb"):
        subprocess.run(["redis-check-rdb", str(path)], check=True, timeout=30, capture_output=True)


@pytest.mark.parametrize("kind", BOTH[:1])
def test_redis_cli_shows_the_stream(node, tmp_path, kind):
    primary = node(kind, *NO_PINGS)
    output = tmp_path / "output"
    with open(output, "wb") as file:
        process = subprocess.Popen(["redis-cli", "-p", str(primary.port), "--replica"], stdout=file,
                                   stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        wait_for(primary.online, 20, "the tool as a replica")
        primary.call("SET", "shown", "value")
        wait_for(lambda: b'"SET","shown","value"' in output.read_bytes(), 20, "the command in its output")
    finally:
        process.kill()
        process.wait()
