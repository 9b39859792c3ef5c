"""Fields of hashes that expire: by themselves, for every reader, with their events, in every encoding."""

import time

import pytest

from support.info import info_fields
from support.resp import Error, NULL_BULK
from support.server import wait_for

WAVE = 20000


@pytest.fixture(params=["listpackex", "hashtable"])
def hashes(request, start):
    """A server whose small hashes have this encoding once a field expires."""
    options = ["--hash-max-listpack-entries", "0"] if request.param == "hashtable" else []
    server = start("hearth", *options)
    server.encoding = request.param.encode()
    return server


def stat(client, name, section="stats"):
    return int(info_fields(client.call("INFO", section))[name])


def subexpiry(client):
    fields = info_fields(client.call("INFO", "keyspace"))
    if "db0" not in fields:
        return 0
    return int(dict(pair.split("=") for pair in fields["db0"].split(","))["subexpiry"])


def test_a_field_goes_by_itself_and_its_key_with_the_last_one(hashes):
    with hashes.client() as client:
        client.call("HSET", "h", "a", "1", "b", "2", "c", "3")
        assert client.call("HPEXPIRE", "h", "60", "FIELDS", "2", "a", "b") == [1, 1]
        assert client.call("OBJECT", "ENCODING", "h") == hashes.encoding
        assert client.call("HSETEX", "gone", "PX", "60", "FIELDS", "1", "a", "1") == 1
        assert subexpiry(client) == 2
        # Nobody looks at the hashes: counters and DBSIZE do not.
        wait_for(lambda: stat(client, "expired_subkeys") == 3, what="three fields gone")
        assert client.call("DBSIZE") == 1
        assert subexpiry(client) == 0
        assert client.call("HGETALL", "h") == [b"c", b"3"]


def test_without_active_expiry_readers_remove_what_they_meet(hashes):
    with hashes.client() as client:
        client.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        client.call("HSETEX", "h", "PX", "5", "FIELDS", "2", "a", "1", "b", "2")
        client.call("HSET", "h", "c", "3")
        wait_for(lambda: client.call("HLEN", "h") == 1, what="one field left")
        assert client.call("HMGET", "h", "a", "b", "c") == [NULL_BULK, NULL_BULK, b"3"]
        assert client.call("HRANDFIELD", "h", "5") == [b"c"]
        assert client.call("HSCAN", "h", "0") == [b"0", [b"c", b"3"]]
        assert client.call("SORT", "missing", "BY", "h->c") == []
        assert client.call("HINCRBY", "h", "a", "5") == 5
        assert client.call("HTTL", "h", "FIELDS", "3", "a", "b", "c") == [-1, -2, -1]
        assert stat(client, "expired_subkeys") == 2
        client.call("HPEXPIRE", "h", "5", "FIELDS", "2", "a", "c")
        wait_for(lambda: client.call("EXISTS", "h") == 0, what="the hash gone")


def test_times_are_told_as_they_were_given(hashes):
    with hashes.client() as client:
        client.call("HSET", "h", "a", "1", "b", "2")
        assert client.call("HEXPIREAT", "h", "4000000000", "FIELDS", "1", "a") == [1]
        assert client.call("HEXPIRETIME", "h", "FIELDS", "2", "a", "b") == [4000000000, -1]
        assert client.call("HPEXPIRETIME", "h", "FIELDS", "1", "a") == [4000000000000]
        assert client.call("HPEXPIREAT", "h", "4000000000001", "FIELDS", "1", "a") == [1]
        left = client.call("HPTTL", "h", "FIELDS", "1", "a")[0]
        assert 0 < left <= 4000000000001 - time.time() * 1000 + 1000
        assert client.call("HGETEX", "h", "PERSIST", "FIELDS", "2", "a", "x") == [b"1", NULL_BULK]
        assert client.call("HTTL", "h", "FIELDS", "1", "a") == [-1]
        assert client.call("HGETDEL", "h", "FIELDS", "2", "a", "x") == [b"1", NULL_BULK]


def test_the_wrong_type_is_refused_before_anything_else(hearth):
    with hearth.client() as client:
        client.call("SET", "text", "1")
        for command in [("HEXPIRE", "text", "x", "FIELDS", "1", "a"), ("HTTL", "text", "FIELDS", "0", "a"),
                        ("HPERSIST", "text", "FIELDS", "0", "a"), ("HGETEX", "text", "FIELDS", "1", "a"),
                        ("HSETEX", "text", "FIELDS", "1", "a", "1"), ("HGETDEL", "text", "FIELDS", "1", "a")]:
            reply = client.call(*command)
            assert isinstance(reply, Error) and reply.value.startswith(b"WRONGTYPE"), command


def test_events_tell_what_happened(hashes):
    with hashes.client() as client, hashes.client() as listener:
        client.call("CONFIG", "SET", "notify-keyspace-events", "KA")
        listener.call("PSUBSCRIBE", "__keyspace@0__:h")
        expected = []

        def expect(events, *command):
            client.call(*command)
            expected.extend(events)

        expect([b"hset"], "HSET", "h", "a", "1", "b", "2", "c", "3", "d", "4")
        expect([b"hexpire"], "HEXPIRE", "h", "100", "FIELDS", "2", "a", "b")
        expect([], "HEXPIRE", "h", "100", "NX", "FIELDS", "2", "a", "b")
        expect([b"hpersist"], "HPERSIST", "h", "FIELDS", "2", "a", "c")
        expect([b"hexpire"], "HGETEX", "h", "EX", "100", "FIELDS", "2", "a", "x")
        expect([b"hpersist"], "HGETEX", "h", "PERSIST", "FIELDS", "2", "a", "x")
        expect([b"hdel"], "HGETDEL", "h", "FIELDS", "2", "a", "x")
        expect([b"hdel"], "HPEXPIRE", "h", "0", "FIELDS", "1", "b")
        expect([b"hset", b"hexpire"], "HSETEX", "h", "EX", "100", "FIELDS", "1", "a", "1")
        expect([b"hset"], "HSETEX", "h", "FIELDS", "1", "a", "1")
        expect([b"hexpire", b"hexpired"], "HPEXPIRE", "h", "1", "FIELDS", "2", "a", "c")
        wait_for(lambda: client.call("HLEN", "h") == 1, what="two fields gone")
        expect([b"hexpire", b"hexpired", b"del"], "HPEXPIRE", "h", "1", "FIELDS", "1", "d")
        wait_for(lambda: client.call("EXISTS", "h") == 0, what="the hash gone")
        assert [listener.read()[3] for _ in expected] == expected


def test_a_wave_of_fields_delays_nobody(hearth):
    with hearth.client(timeout=30) as client:
        fields = [str(i) for i in range(WAVE)]
        client.call("HSET", "h", "stays", "1", *(word for field in fields for word in (field, "v")))
        client.call("HPEXPIRE", "h", "300", "FIELDS", str(WAVE), *fields)
        assert client.call("HLEN", "h") == WAVE + 1
        wait_for(lambda: client.call("HLEN", "h") == 1, what="the wave over")
        # Hidden at once for readers, removed piece by piece.
        assert client.call("HGETALL", "h") == [b"stays", b"1"]
        wait_for(lambda: stat(client, "expired_subkeys") == WAVE, 20, "all fields removed")
        assert client.call("HGETALL", "h") == [b"stays", b"1"]


def test_copies_and_renamed_hashes_keep_the_times(hashes):
    with hashes.client() as client:
        client.call("HSETEX", "h", "PXAT", "4000000000000", "FIELDS", "2", "a", "1", "b", "2")
        client.call("COPY", "h", "copy")
        client.call("RENAME", "h", "renamed")
        client.call("MOVE", "renamed", "1")
        assert client.call("HPEXPIRETIME", "copy", "FIELDS", "2", "a", "b") == [4000000000000] * 2
        client.call("SELECT", "1")
        assert client.call("HPEXPIRETIME", "renamed", "FIELDS", "2", "a", "b") == [4000000000000] * 2
        client.call("FLUSHALL")
        assert subexpiry(client) == 0
