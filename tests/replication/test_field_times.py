"""The times of fields of hashes reach replicas, by a full copy and by the stream, and expire there as the primary says. The
oracle, 7.0, does not know them: all nodes are Hearth."""

import pytest

from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync
from support.server import wait_for

LATER_MS = 4_000_000_000_000
FIELDS = 300


def write(client, name, at_ms):
    client.call("HSET", f"{name}:small", "a", "1", "b", "2")
    client.call("HPEXPIREAT", f"{name}:small", at_ms, "FIELDS", 1, "a")
    client.call("HSET", f"{name}:large", *(word for i in range(FIELDS) for word in (f"f{i}", "v" * 80)))
    client.call("HPEXPIREAT", f"{name}:large", at_ms + 1, "FIELDS", FIELDS // 2, *(f"f{2 * i}" for i in range(FIELDS // 2)))
    client.call("EVAL", "redis.call('HSET', KEYS[1], 'x', 1) redis.call('HPEXPIREAT', KEYS[1], ARGV[1], 'FIELDS', 1, 'x')", 1,
                f"{name}:scripted", at_ms + 2)


def times(node):
    found = {}
    with node.client() as client:
        for key in sorted(client.call("KEYS", "*")):
            fields = sorted(client.call("HKEYS", key))
            found[key] = dict(zip(fields, client.call("HPEXPIRETIME", key, "FIELDS", len(fields), *fields)))
    return found


@pytest.mark.skipif(ONLY_REAL, reason="the oracle has no times of fields")
@pytest.mark.parametrize("diskless, load", [("yes", "disabled"), ("no", "disabled"), ("yes", "swapdb")])
def test_times_of_fields_reach_replicas_and_pass_there(node, diskless, load):
    primary = node("hearth", "--repl-diskless-sync", diskless)
    with primary.client() as client:
        write(client, "copied", LATER_MS)
    replica = node("hearth", "--repl-diskless-load", load, primary=primary)
    wait_in_sync(primary, replica)
    below = node("hearth", primary=replica)
    wait_in_sync(primary, below)
    with primary.client() as client:
        write(client, "streamed", LATER_MS + 10)
        client.call("HPERSIST", "copied:small", "FIELDS", 1, "a")
        client.call("HSET", "soon", "stays", "v", "goes", "v")
        client.call("HPEXPIRE", "soon", 30, "FIELDS", 1, "goes")
        client.call("HSET", "whole", "f", "v")
        client.call("HPEXPIRE", "whole", 30, "FIELDS", 1, "f")
        wait_for(lambda: client.call("HEXISTS", "soon", "goes") == 0 and client.call("EXISTS", "whole") == 0, 10,
                 "the end of fields")
    assert_same_data(primary, replica, below)
    assert times(primary) == times(replica) == times(below)
    assert times(below)[b"streamed:small"] == {b"a": LATER_MS + 10, b"b": -1}
    assert times(below)[b"soon"] == {b"stays": -1}
    # A promoted replica goes on by itself.
    replica.promote()
    with replica.client() as client:
        client.call("HPEXPIRE", "streamed:small", 20, "FIELDS", 1, "b")
        wait_for(lambda: client.call("HEXISTS", "streamed:small", "b") == 0, 10, "the end of a field")
    assert_same_data(replica, below)
