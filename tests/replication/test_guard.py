"""Persistence off, the primary restarts at once and is empty: its replicas must not copy the emptiness.

HEARTH_REPLICATION_ROUNDS=200 makes the long run of it; empty_restarts.py plays the same rounds with the real server, too.
"""

import os

import pytest

from replication.empty_restarts import Trial, keys, refuses
from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync
from support.resp import OK
from support.server import wait_for

ROUNDS = int(os.environ.get("HEARTH_REPLICATION_ROUNDS", "3"))
ours_alone = pytest.mark.skipif(ONLY_REAL, reason="the real server has no guard")


def wait_refused(*replicas):
    for replica in replicas:
        wait_for(lambda: refuses(replica), 20, f"{replica} refuses its primary")


def fill(primary, count=200):
    with primary.client() as client:
        client.pipeline([["SET", f"k{i}", "v" * 50] for i in range(count)])


def pair_with_data(node, kinds, *arguments):
    primary = node(kinds[0])
    fill(primary)
    replica = node(kinds[1], *arguments, primary=primary)
    wait_in_sync(primary, replica)
    return primary, replica


def empty_restart(primary):
    primary.kill()
    primary.restart()
    assert keys(primary) == 0


# -- The trap, shown with the real server.


@pytest.mark.parametrize("kind", ["redis"] if ONLY_REAL else ["redis", "hearth"])
def test_the_real_server_copies_the_emptiness(node, kind):
    primary = node(kind)
    fill(primary)
    replicas = [node("redis", primary=primary) for _ in range(2)]
    wait_in_sync(primary, *replicas)
    empty_restart(primary)
    for replica in replicas:
        wait_for(lambda: keys(replica) == 0, 20, "the loss of everything")


# -- The guard.


@ours_alone
@pytest.mark.parametrize("kind", ["redis", "hearth"])
def test_no_dataset_is_lost_in_rounds_of_empty_restarts(node, seed, kind):
    """Under load the primary is killed and comes back empty at once. Both replicas keep what they have."""
    trial = Trial(node, kind, "hearth", seed)
    for _ in range(ROUNDS):
        assert trial.play()


@ours_alone
def test_a_refused_primary_is_followed_again_when_it_has_a_key(node, pair):
    primary, replica = pair_with_data(node, (pair[0], "hearth"))
    empty_restart(primary)
    wait_refused(replica)
    assert keys(replica) == 200 and replica.call("GET", "k1") == b"v" * 50
    assert "refus" in replica.log().lower()
    primary.call("SET", "new", "1")
    assert_same_data(primary, replica)
    assert keys(replica) == 1 and not refuses(replica)


@ours_alone
def test_a_refused_primary_is_followed_at_a_command(node, pair):
    primary, replica = pair_with_data(node, (pair[0], "hearth"))
    empty_restart(primary)
    wait_refused(replica)
    replica.call("REPLICAOF", "127.0.0.1", primary.port)
    assert_same_data(primary, replica)
    assert keys(replica) == 0 and not refuses(replica)


@ours_alone
@pytest.mark.parametrize("mode", ["disabled", "on-empty-db", "swapdb"])
def test_a_command_takes_the_data_of_an_empty_stranger(node, pair, mode):
    _, replica = pair_with_data(node, (pair[0], "hearth"), "--repl-diskless-load", mode)
    empty = node(pair[0])
    replica.replicate(empty)
    assert_same_data(empty, replica)
    assert keys(replica) == 0


@ours_alone
def test_the_guard_can_be_turned_off(node, pair):
    primary, replica = pair_with_data(node, (pair[0], "hearth"), "--replica-keep-data-from-empty-primary", "no")
    empty_restart(primary)
    wait_for(lambda: keys(replica) == 0, 20, "the loss of everything")
    assert_same_data(primary, replica)


@ours_alone
@pytest.mark.parametrize("kept", [["--save", "3600 1"], ["--appendonly", "yes"]], ids=["rdb", "aof"])
def test_a_replica_that_starts_with_data_refuses_its_empty_primary(node, pair, kept):
    primary, replica = pair_with_data(node, (pair[0], "hearth"), *kept)
    wait_for(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == "0", 20, "a file with the data")
    replica.signal(15)
    replica.wait_for_exit()
    empty_restart(primary)
    replica.restart()
    wait_refused(replica)
    assert keys(replica) == 200


@ours_alone
def test_an_emptied_primary_with_the_same_history_is_no_reason_to_refuse(node, pair):
    primary, replica = pair_with_data(node, (pair[0], "hearth"))
    assert primary.call("FLUSHALL") == OK
    assert_same_data(primary, replica)
    assert keys(replica) == 0 and not refuses(replica)


@pytest.mark.parametrize("mode", ["disabled"] if ONLY_REAL else ["disabled", "on-empty-db", "swapdb"])
def test_data_stays_until_the_first_key_of_the_new_dataset_has_come(node, proxy, pair, mode):
    """A copy from a stranger that stands still in its first bytes has cost nothing yet."""
    kind = "redis" if ONLY_REAL else "hearth"
    _, replica = pair_with_data(node, (pair[0], kind), "--repl-diskless-load", mode, "--repl-timeout", "3")
    stranger = node(pair[0])
    stranger.call("SET", "other", "data")
    between = proxy(stranger)
    between.limit(to_replica=170, keep=True)
    replica.replicate(between)
    wait_for(lambda: replica.info()["master_sync_in_progress"] == "1" and between.limited() > 0, 20,
             "a copy that stands still")
    assert keys(replica) == 200 and replica.call("GET", "k1") == b"v" * 50
    between.limit()
    between.cut()
    assert_same_data(stranger, replica)
