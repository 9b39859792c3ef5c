"""How long a replica may be away or behind: what the primary keeps for it, and when it gives up."""

import pytest

from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync, wait_online
from support.server import wait_for

OURS = "redis" if ONLY_REAL else "hearth"
SMALL = ["--repl-backlog-size", "16kb"]
ours_alone = pytest.mark.skipif(ONLY_REAL, reason="the real server keeps its backlog in memory alone")


def write_much(primary, megabytes, name="bulk"):
    """Overwrites a few keys, so that the stream grows and the dataset does not."""
    with primary.client(60.0) as client:
        for i in range(megabytes * 10):
            client.pipeline([["SET", f"{name}:{j}", f"{i:05}" * 2000] for j in range(10)])


def absent_while_writing(node, proxy, kinds, *arguments):
    """A replica that was away while the primary wrote 2 MB: (primary, replica), in sync again."""
    primary = node(kinds[0], *SMALL, *arguments)
    between = proxy(primary)
    replica = node(kinds[1])
    replica.replicate(between)
    wait_in_sync(primary, replica)
    wait_online(primary)
    between.refuse()
    between.cut()
    write_much(primary, 2)
    between.allow()
    assert_same_data(primary, replica)
    return primary, replica


def test_who_is_away_for_longer_than_the_backlog_starts_again(node, proxy, pair):
    arguments = ["--repl-backlog-disk-size", "0"] if pair[0] == "hearth" else []
    primary, _ = absent_while_writing(node, proxy, pair, *arguments)
    assert primary.count("sync_full") == 2 and primary.count("sync_partial_ok") == 0


@ours_alone
@pytest.mark.parametrize("kind", ["hearth", "redis"])
def test_the_log_on_disk_reaches_further_than_memory(node, proxy, kind):
    primary, _ = absent_while_writing(node, proxy, ("hearth", kind), "--repl-backlog-disk-size", "100mb")
    assert primary.count("sync_full") == 1 and primary.count("sync_partial_ok") == 1


@ours_alone
@pytest.mark.parametrize("kind", ["hearth", "redis"])
def test_a_slow_replica_needs_one_full_sync_whatever_is_written_meanwhile(node, proxy, kind):
    """Dataset 4 MB at 4 MB/s, while the stream grows by 12 MB; the real server would drop it and begin again."""
    primary = node("hearth", *SMALL, "--client-output-buffer-limit", "replica 1mb 1mb 1")
    with primary.client(30.0) as client:
        client.pipeline([["SET", f"k{i}", f"{i:04}" * 1000] for i in range(1000)])
    between = proxy(primary)
    between.throttle(4_000_000)
    replica = node(kind)
    replica.replicate(between)
    wait_for(primary.replicas, 20, "a copy on the way")
    write_much(primary, 12)
    between.throttle(None)
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1


@pytest.mark.parametrize("kind", [OURS])
def test_the_backlog_ends_some_time_after_the_last_replica(node, kind):
    primary = node(kind, "--repl-backlog-ttl", "1")
    replica = node(kind, primary=primary)
    wait_in_sync(primary, replica)
    primary.call("SET", "a", "1")
    history = primary.info()["master_replid"]
    assert primary.info()["repl_backlog_active"] == "1"
    replica.kill()
    wait_for(lambda: primary.info()["repl_backlog_active"] == "0", 20, "no backlog")
    assert primary.info()["master_replid"] != history


def test_a_silent_replica_is_dropped(node, pair):
    primary = node(pair[0], "--repl-timeout", "2")
    replica = node(pair[1], primary=primary)
    wait_in_sync(primary, replica)
    wait_online(primary)
    replica.freeze()
    wait_for(lambda: primary.info()["connected_slaves"] == "0", 20, "the replica is dropped")
    replica.thaw()
    primary.call("SET", "a", "1")
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1


def test_a_silent_primary_is_left(node, proxy, pair):
    primary = node(pair[0])
    between = proxy(primary)
    replica = node(pair[1], "--repl-timeout", "2")
    replica.replicate(between)
    wait_in_sync(primary, replica)
    wait_online(primary)
    between.stall()
    wait_for(lambda: not replica.link_is_up(), 20, "the link down")
    between.resume()
    primary.call("SET", "a", "1")
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1
