"""What a primary keeps of its place in the history of writes over a restart, with a replica of the real server."""

import pytest

from support.info import info_fields
from support.resp import OK
from support.server import wait_for

KEPT = {"rdb": ["--save", "3600 1"], "aof": ["--appendonly", "yes"]}


def replication(server):
    with server.client() as client:
        return info_fields(client.call("INFO", "replication"))


def stats(server):
    with server.client() as client:
        return info_fields(client.call("INFO", "stats"))


def is_caught_up(primary, replica):
    ours, theirs = replication(primary), replication(replica)
    return (theirs["master_link_status"] == "up" and ours["master_replid"] == theirs["master_replid"] and
            ours["master_repl_offset"] == theirs["slave_repl_offset"])


@pytest.fixture
def pair(start):
    """pair(arguments) -> a primary of ours and a replica of the real server that has caught up."""

    def begin(*arguments):
        primary = start("hearth", "--repl-diskless-sync-delay", "0", *arguments, tcp=True)
        replica = start("oracle", "--replicaof", f"127.0.0.1 {primary.port}")
        with primary.client() as client:
            assert client.call("SET", "first", "1") == OK
        wait_for(lambda: is_caught_up(primary, replica), 30, "the first copy")
        return primary, replica

    return begin


def end(server):
    server.signal(15)
    assert server.wait_for_exit() == 0


@pytest.mark.parametrize("kept", KEPT)
def test_a_replica_goes_on_after_an_orderly_restart(pair, kept):
    primary, replica = pair(*KEPT[kept])
    for number in range(3):
        before = replication(primary)
        with primary.client() as client:
            client.pipeline([["SET", f"k{number}:{i}", "v"] for i in range(100)])
        wait_for(lambda: is_caught_up(primary, replica), 30)
        end(primary)
        primary.restart()
        wait_for(lambda: is_caught_up(primary, replica), 30, "the link")
        after = replication(primary)
        assert stats(primary)["sync_full"] == "0"
        assert int(stats(primary)["sync_partial_ok"]) >= 1
        assert after["master_replid2"] == before["master_replid"]
        assert int(after["master_repl_offset"]) > int(before["master_repl_offset"])
    with replica.client() as client:
        assert client.call("DBSIZE") == 301


@pytest.mark.parametrize("kept", KEPT)
def test_after_a_crash_the_replica_has_what_the_primary_has(pair, kept):
    primary, replica = pair(*KEPT[kept], "--appendfsync", "always")
    with primary.client() as client:
        assert client.call("SAVE") == OK
        client.pipeline([["SET", f"k{i}", "v"] for i in range(100)])
    wait_for(lambda: is_caught_up(primary, replica), 30)
    primary.kill()
    primary.restart()
    wait_for(lambda: is_caught_up(primary, replica), 30, "the link")
    with primary.client() as ours, replica.client() as theirs:
        assert ours.call("DBSIZE") == theirs.call("DBSIZE") == (101 if kept == "aof" else 1)


def test_keys_that_expire_while_the_primary_is_away_expire_on_the_replica_too(pair):
    primary, replica = pair(*KEPT["rdb"])
    with primary.client() as client:
        client.pipeline([["SET", f"k{i}", "v", "PX", 1500] for i in range(50)])
    wait_for(lambda: is_caught_up(primary, replica), 30)
    end(primary)
    with replica.client() as client:
        wait_for(lambda: client.call("EXISTS", "k0") == 0, 30, "the expiry")
        primary.restart()
        wait_for(lambda: client.call("DBSIZE") == 1, 30, "the removal of what has expired")
        assert client.call("GET", "first") == b"1"
    assert stats(primary)["sync_full"] == "0"


def test_without_replication_nothing_is_kept(start):
    server = start("hearth", "--appendonly", "yes", "--save", "3600 1")
    with server.client() as client:
        client.call("SET", "a", "1")
    end(server)
    assert not (server.folder / "write-log").exists()
