"""The times of fields of hashes survive in every kind of file. The oracle, 7.0, does not know them."""

import pytest

from support.info import info_fields
from support.resp import OK
from support.server import wait_for

LATER_MS = 4_000_000_000_000
FIELDS = 600  # of the large hash, a table of its own


def fill(client):
    """Small and large hashes of which some fields have times, and one whose only field has."""
    client.call("HSET", "small", "a", "1", "b", "2", "c", "3")
    client.call("HPEXPIREAT", "small", LATER_MS, "FIELDS", 2, "a", "b")
    client.call("HSET", "large", *(word for i in range(FIELDS) for word in (f"f{i}", f"v{i}")))
    for i in range(0, FIELDS, 3):
        client.call("HPEXPIREAT", "large", LATER_MS + i, "FIELDS", 1, f"f{i}")
    client.call("HSET", "one", "f", "v")
    client.call("HPEXPIREAT", "one", LATER_MS + 7, "FIELDS", 1, "f")
    client.call("HSET", "plain", "f", "v")
    client.call("EVAL", "redis.call('HSET', KEYS[1], 'x', 1, 'y', 2) redis.call('HPEXPIREAT', KEYS[1], ARGV[1], 'FIELDS', 1,"
                " 'y')", 1, "scripted", LATER_MS + 9)


def times(client):
    found = {}
    for key in sorted(client.call("KEYS", "*")):
        fields = sorted(client.call("HKEYS", key))
        found[key] = dict(zip(fields, client.call("HPEXPIRETIME", key, "FIELDS", len(fields), *fields)))
    return found


def rewrite(client):
    client.call("BGREWRITEAOF")
    wait_for(lambda: all(info_fields(client.call("INFO", "persistence"))[name] == "0"
                         for name in ("aof_rewrite_in_progress", "aof_rewrite_scheduled")), 30, "the rewrite")


@pytest.mark.parametrize("options", [
    (), ("--appendonly", "yes"), ("--appendonly", "yes", "--aof-use-rdb-preamble", "no")])
@pytest.mark.parametrize("rewrites", [False, True])
def test_times_of_fields_survive_a_restart(start, options, rewrites):
    server = start("hearth", "--appendfsync", "always", *options)
    with server.client() as client:
        fill(client)
        # These pass before or during the restart.
        client.call("HSET", "soon", "stays", "v", "goes", "v")
        client.call("HPEXPIRE", "soon", 20, "FIELDS", 1, "goes")
        if not options:
            assert client.call("SAVE") == OK
        elif rewrites:
            rewrite(client)
            client.call("HPERSIST", "small", "FIELDS", 1, "b")
        before = times(client)
    server.kill()
    server.restart()
    with server.client() as client:
        wait_for(lambda: client.call("HEXISTS", "soon", "goes") == 0, 10, "the end of a field")
        after = times(client)
        assert after.pop(b"soon") == {b"stays": -1}
        before.pop(b"soon")
        assert after == before
        assert after[b"small"][b"a"] == LATER_MS and after[b"small"][b"c"] == -1
        assert after[b"large"][b"f3"] == LATER_MS + 3 and after[b"large"][b"f1"] == -1
        assert info_fields(client.call("INFO", "keyspace"))["db0"].endswith("subexpiry=4")
