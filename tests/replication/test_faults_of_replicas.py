"""Replicas that differ from their primary, or cannot write to their disk: what the settings make of that.

The real 7.0 has none of these settings, so that there is nothing to compare.
"""

import pytest

from replication.nodes import ONLY_REAL, wait_in_sync, wait_online
from support.resp import OK, Error
from support.server import wait_for

pytestmark = pytest.mark.skipif(ONLY_REAL, reason="7.0 does not have these settings")


def differing(node, behaviour):
    """A primary and a replica where one key is of another type."""
    primary = node("hearth")
    replica = node("hearth", "--propagation-error-behavior", behaviour, primary=primary)
    wait_in_sync(primary, replica)
    replica.call("CONFIG", "SET", "replica-read-only", "no")
    assert replica.call("SET", "a", "text") == OK
    replica.call("CONFIG", "SET", "replica-read-only", "yes")
    return primary, replica


def test_a_replica_that_differs_goes_on_and_counts(node):
    primary, replica = differing(node, "ignore")
    assert primary.call("RPUSH", "a", "1") == 1
    wait_for(lambda: replica.count("unexpected_error_replies") == 1, 10, "the error")
    wait_in_sync(primary, replica)
    assert "== CRITICAL ==" in replica.log()


@pytest.mark.parametrize("behaviour", ["panic", "panic-on-replicas"])
def test_a_replica_that_differs_ends_if_it_is_to(node, behaviour):
    primary, replica = differing(node, behaviour)
    assert primary.call("RPUSH", "a", "1") == 1
    assert replica.wait_for_exit(10) == 1
    assert "propagation-error-behavior" in replica.log()


def test_a_writable_replica_may_differ(node):
    primary, replica = differing(node, "panic")
    replica.call("CONFIG", "SET", "replica-read-only", "no")
    assert primary.call("RPUSH", "a", "1") == 1
    wait_in_sync(primary, replica)


@pytest.mark.parametrize("behaviour", ["ignore", "panic-on-replicas", "panic"])
def test_a_file_whose_commands_fail_is_loaded_or_not(node, behaviour):
    server = node("hearth", "--appendonly", "yes", "--propagation-error-behavior", behaviour)
    server.call("SET", "a", "text")
    server.stop(keep_folder=True)
    [increment] = server.folder.glob("appendonlydir/*.incr.aof")
    with open(increment, "ab") as file:
        file.write(b"*3\r\n$5\r\nRPUSH\r\n$1\r\na\r\n$1\r\n1\r\n")
    if behaviour == "panic":
        with pytest.raises(AssertionError, match="answered with an error"):
            server.restart()
            server.wait_until_ready()
        return
    server.restart()
    server.wait_until_ready()
    assert server.count("unexpected_error_replies") == 1 and server.call("GET", "a") == b"text"


def without_disk(node, *options):
    """A primary and a replica whose last snapshot has failed."""
    primary = node("hearth")
    replica = node("hearth", "--save", "3600 1", *options, primary=primary)
    wait_in_sync(primary, replica)
    (replica.folder / "dump.rdb").unlink(missing_ok=True)
    (replica.folder / "dump.rdb").mkdir()  # Nothing can take that name.
    replica.call("BGSAVE")
    wait_for(lambda: replica.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "a snapshot that fails")
    return primary, replica


def test_a_replica_that_cannot_write_to_its_disk_ends(node):
    primary, replica = without_disk(node)
    assert primary.call("SET", "a", "1") == OK
    assert replica.wait_for_exit(10) == 1
    assert "replica-ignore-disk-write-errors" in replica.log()


def test_a_replica_may_go_on_without_its_disk(node):
    primary, replica = without_disk(node, "--replica-ignore-disk-write-errors", "yes")
    assert primary.call("SET", "a", "1") == OK
    wait_in_sync(primary, replica)
    assert replica.call("GET", "a") == b"1"
    assert replica.log().count("Replica is applying a command even though it is unable to write to disk") == 1
    assert isinstance(replica.call("SET", "a", "2"), Error)
    replica.kill()  # It would not end by itself, since it cannot save.


def test_segments_may_be_sent_when_they_are_full(node):
    """repl-disable-tcp-nodelay: nothing of it can be seen but that the stream still comes."""
    primary = node("hearth", "--repl-disable-tcp-nodelay", "yes")
    replica = node("hearth", primary=primary)
    wait_in_sync(primary, replica)
    wait_online(primary)
    assert primary.call("SET", "a", "1") == OK
    assert primary.call("WAIT", "1", "10000") == 1
