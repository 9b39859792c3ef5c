"""DEBUG: what it shows and provokes is what the oracle shows and provokes."""

import os

import pytest

from persistence.filling import fill
from support.info import info_fields
from support.resp import NULL_BULK, OK, ConnectionClosed, Error, Simple
from support.server import wait_for

NOTHING = b"0" * 40
ALLOWED = ("--enable-debug-command", "local")


@pytest.fixture
def hearth(start):
    return start("hearth", *ALLOWED)


@pytest.fixture
def both(start):
    return [start("hearth", *ALLOWED), start("oracle", *ALLOWED)]


@pytest.fixture
def each(start, role):
    return start(role, *ALLOWED)


def digest(client):
    reply = client.call("DEBUG", "DIGEST", timeout=30)
    assert isinstance(reply, Simple)
    return reply.value


def digests_of(client, *keys):
    return [reply.value for reply in client.call("DEBUG", "DIGEST-VALUE", *keys)]


def test_the_digest_is_that_of_the_oracle_for_every_type(both, seed):
    with both[0].client() as one, both[1].client() as other:
        assert digest(one) == digest(other) == NOTHING
        for client in (one, other):
            fill(client, seed)
        # What has run out counts until it is removed.
        wait_for(lambda: digest(one) == digest(other), 20, "the same digest")
        assert digest(one) != NOTHING


VALUES = [
    ("text", ["SET", "text", "hello"]),
    ("number", ["SET", "number", "-12"]),
    ("expiring", ["SET", "expiring", "hello", "PXAT", "4000000000000"]),
    ("list", ["RPUSH", "list", "a", "1", "b"]),
    ("numbers", ["SADD", "numbers", "1", "2", "3"]),
    ("words", ["SADD", "words", "a", "b", "1"]),
    ("scores", ["ZADD", "scores", "0.1", "a", "-inf", "b", "1e300", "c", "3", "7"]),
    ("hash", ["HSET", "hash", "a", "1", "b", "x"]),
    ("stream", ["XADD", "stream", "5-3", "a", "1", "b", "x"]),
]


@pytest.mark.parametrize("key, command", VALUES, ids=[key for key, _ in VALUES])
def test_the_digest_of_a_value_is_that_of_the_oracle(both, key, command):
    found = []
    for server in both:
        with server.client() as client:
            client.call(*command)
            found.append(digests_of(client, key, "missing"))
    assert found[0] == found[1]
    assert found[0][0] != NOTHING and found[0][1] == NOTHING


def test_populate_makes_keys_and_leaves_those_that_are_there(each):
    with each.client() as client:
        client.call("SET", "key:1", "mine")
        assert client.call("DEBUG", "POPULATE", "3") == OK
        assert client.call("MGET", "key:0", "key:1", "key:2", "key:3") == [b"value:0", b"mine", b"value:2", NULL_BULK]
        assert client.call("DEBUG", "POPULATE", "2", "long", "10") == OK
        assert client.call("GET", "long:1") == b"value:1\0\0\0"
        assert client.call("DEBUG", "POPULATE", "1", "short", "3") == OK
        assert client.call("GET", "short:0") == b"val"


def test_object_tells_how_a_value_is_kept(each):
    with each.client() as client:
        client.call("SET", "text", "x" * 100)
        client.call("RPUSH", "list", *("element %d" % i for i in range(2000)))
        found = [dict(part.split(b":", 1) for part in client.call("DEBUG", "OBJECT", key).value.split()[1:])
                 for key in ("text", "list")]
        assert found[0][b"encoding"] == b"raw" and found[0][b"serializedlength"] == b"13"
        assert found[1][b"encoding"] == b"quicklist" and int(found[1][b"ql_nodes"]) > 1
        assert found[1][b"ql_listpack_max"] == b"-2" and found[1][b"ql_compressed"] == b"0"


def test_tables_show_how_they_are_filled(each):
    with each.client() as client:
        client.call("DEBUG", "POPULATE", "100")
        client.call("SADD", "set", *("member %d" % i for i in range(300)))
        # A table of the oracle may be on its way to another one, and its elements in either.
        assert b"number of elements: " in client.call("DEBUG", "HTSTATS", "0")
        assert b"No stats available for empty dictionaries" in client.call("DEBUG", "HTSTATS", "1")
        assert b"number of elements: " in client.call("DEBUG", "HTSTATS-KEY", "set")


BAD = [
    ["DIGEST", "x"], ["OBJECT"], ["OBJECT", "missing"], ["SDSLEN", "missing"], ["SDSLEN", "list"], ["SDSLEN", "number"],
    ["LISTPACK", "missing"], ["LISTPACK", "number"], ["QUICKLIST", "missing"], ["QUICKLIST", "number"],
    ["HTSTATS", "99"], ["HTSTATS", "-1"], ["HTSTATS", "x"], ["HTSTATS-KEY", "missing"], ["HTSTATS-KEY", "list"],
    ["POPULATE"], ["POPULATE", "x"], ["POPULATE", "-1"], ["POPULATE", "1", "key", "x"], ["ERROR", "CODE text"], ["LOG"],
    ["PROTOCOL", "x"], ["RELOAD", "x"], ["JMAP"], ["SLEEP"], ["STRUCTSIZE", "x"],
]


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_errors_are_those_of_the_oracle(both, arguments):
    replies = []
    for server in both:
        with server.client() as client:
            client.call("RPUSH", "list", "a")
            client.call("SET", "number", "1")
            replies.append(client.call("DEBUG", *arguments))
    assert isinstance(replies[0], Error)
    assert replies[0] == replies[1]


def test_sleep_takes_no_processor_time(hearth):
    def busy_ticks():
        fields = open(f"/proc/{hearth.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    with hearth.client() as client:
        before = busy_ticks()
        assert client.call("DEBUG", "SLEEP", "0.5") == OK
        assert busy_ticks() - before < 20


def test_values_are_written_into_the_log(hearth):
    with hearth.client() as client:
        client.call("HSET", "hash", "field", "17")
        client.call("RPUSH", "list", *("element %d" % i for i in range(2000)))
        assert isinstance(client.call("DEBUG", "LISTPACK", "hash"), Simple)
        assert isinstance(client.call("DEBUG", "QUICKLIST", "list", "1"), Simple)
        assert client.call("DEBUG", "LOG", "a word") == OK
        assert isinstance(client.call("DEBUG", "STRUCTSIZE"), Simple)
        client.call("SET", "text", "x" * 1000)
        assert b"val_sds_len:1000" in client.call("DEBUG", "SDSLEN", "text").value
    log = hearth.log()
    for part in ('text "field"', "integer \"17\"", 'text "element 1999"', "DEBUG LOG: a word"):
        assert part in log


@pytest.mark.parametrize("way, sign", [("SEGFAULT", "signal: 11"), ("PANIC", "Guru Meditation"), ("OOM", "signal: 6"),
                                       ("ASSERT", "ASSERT was asked for")])
def test_the_server_dies_with_a_report_when_it_is_told_to(way, sign, tmp_path):
    from support.server import Server

    server = Server("hearth", *ALLOWED, folder=tmp_path)
    try:
        with server.client() as client:
            with pytest.raises(Exception):
                client.call("DEBUG", way)
        assert server.process.wait(10) != 0
        assert sign in server.log()
    finally:
        server.stop(keep_folder=True)


@pytest.mark.skipif("HEARTH_SANITIZER" in os.environ, reason="they report what leaks")
def test_leaked_memory_stays_in_use(hearth):
    with hearth.client() as client:
        def used():
            return int(info_fields(client.call("INFO", "memory"))["used_memory"])

        before = used()
        assert client.call("DEBUG", "LEAK", "x" * 4_000_000, timeout=30) == OK
        wait_for(lambda: used() < before + 5_000_000, 20, "the end of the request's own memory")
        assert used() > before + 3_900_000


def test_patterns_are_tried(hearth):
    with hearth.client() as client:
        reply = client.call("DEBUG", "STRINGMATCH-TEST", timeout=60)
        assert reply == Simple(b"Apparently Redis did not crash: test passed")


def run_id(server):
    with server.client() as client:
        return info_fields(client.call("INFO", "server"))["run_id"]


@pytest.mark.parametrize("way, keeps", [("RESTART", True), ("CRASH-AND-RECOVER", False)])
def test_the_process_begins_anew(start, way, keeps):
    server = start("hearth", *ALLOWED, "--save", "900 1000", config="timeout 1234\n")
    first = run_id(server)
    client = server.client()
    assert client.call("SET", "key", "value") == OK
    assert client.call("CONFIG", "SET", "timeout", "4321") == OK
    with pytest.raises((ConnectionClosed, OSError)):
        client.call("DEBUG", way, "10", timeout=30)
    wait_for(lambda: server.answers() and run_id(server) != first, 30, "the new server")
    with server.client() as client:
        assert client.call("GET", "key") == (b"value" if keeps else NULL_BULK)
        fields = info_fields(client.call("INFO", "server"))
        assert int(fields["process_id"]) == server.pid
        assert client.call("CONFIG", "GET", "timeout")[1] == (b"4321" if keeps else b"1234")


def test_a_restart_takes_a_number(each):
    with each.client() as client:
        assert isinstance(client.call("DEBUG", "RESTART", "soon"), Error)
        assert isinstance(client.call("DEBUG", "CRASH-AND-RECOVER", "soon"), Error)
        assert client.call("PING") == Simple(b"PONG")
