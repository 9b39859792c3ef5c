"""Nodes of a chain restart, in turn or by kill -9: after an orderly end nobody needs a full copy, and the data is equal
after any."""

import pytest

from replication.load import Load
from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync, wait_online
from support.resp import OK
from support.server import wait_for

PERSISTENCE = {"rdb": ["--save", "3600 1"], "aof": ["--appendonly", "yes"],
               "both": ["--save", "3600 1", "--appendonly", "yes"]}
MIXED = ["redis"] * 4 if ONLY_REAL else ["hearth", "redis", "hearth", "redis"]
OURS = "redis" if ONLY_REAL else "hearth"
RATE = 800
NO_PINGS = ["--repl-ping-replica-period", "3600"]


def chain(node, kinds, *arguments):
    """Nodes of which each follows the one before, all in sync and with data."""
    nodes = []
    for kind in kinds:
        nodes.append(node(kind, *arguments, primary=nodes[-1] if nodes else None))
        if len(nodes) > 1:
            wait_in_sync(nodes[0], nodes[-1])
            wait_online(nodes[-2])
        else:
            with nodes[0].client() as client:
                client.pipeline([["SET", f"k{i}", "v" * 100] for i in range(500)])
    return nodes


def end_and_restart(one):
    """As an operator does it."""
    one.signal(15)
    one.wait_for_exit(30)
    one.restart()


def wait_until_linked(nodes):
    for one in nodes[1:]:
        wait_for(one.link_is_up, 30, f"the link of {one}")


def full_syncs(nodes):
    return [one.count("sync_full") for one in nodes]


def roll(nodes, between=lambda: None):
    """Restarts all from the last to the first; checks after each that it cost no full copy."""
    for position in reversed(range(len(nodes))):
        before = full_syncs(nodes)
        between()
        end_and_restart(nodes[position])
        wait_until_linked(nodes)
        before[position] = 0  # It counts anew.
        assert full_syncs(nodes) == before, f"after the restart of {nodes[position]}, number {position} of {nodes}"


@pytest.mark.skipif(ONLY_REAL, reason="the real server has no log that outlives it")
@pytest.mark.parametrize("kept", PERSISTENCE)
def test_a_rolling_restart_under_load_costs_no_full_sync(node, seed, kept):
    nodes = chain(node, ["hearth"] * 6, *PERSISTENCE[kept])
    with Load(nodes[0], seed, RATE) as load:

        def more():
            before = load.written
            wait_for(lambda: load.written > before + 100, 30, "the load")

        roll(nodes, more)
    assert_same_data(*nodes)


def test_a_rolling_restart_of_a_mixed_chain_costs_no_full_sync(node):
    """With snapshots, and nobody writing meanwhile, the real server can do it too."""
    nodes = chain(node, MIXED, *PERSISTENCE["rdb"], *NO_PINGS)

    def quiet():
        assert nodes[0].call("INCR", "n") > 0
        wait_in_sync(nodes[0], *nodes[1:])

    roll(nodes, quiet)
    assert_same_data(*nodes)


KILLED = [(["redis"] * 3, kept) for kept in PERSISTENCE] if ONLY_REAL else \
    [(["hearth"] * 3, kept) for kept in PERSISTENCE] + [(["redis", "hearth", "redis"], "both"), (MIXED, "aof")]


@pytest.mark.parametrize("kinds, kept", KILLED, ids=["-".join([*kinds, kept]) for kinds, kept in KILLED])
def test_killed_nodes_come_back_with_the_same_data(node, seed, kinds, kept):
    """Each is killed in turn under load. A primary that comes back may have lost its last writes: then all have lost
    them."""
    nodes = chain(node, kinds, *PERSISTENCE[kept])
    if kept == "rdb":
        assert nodes[0].call("SAVE") == OK
    with Load(nodes[0], seed, RATE) as load:
        for one in nodes:
            before = load.written
            wait_for(lambda: load.written > before + 200, 30, "the load")
            one.kill()
            one.restart()
            wait_until_linked(nodes)
    assert_same_data(*nodes)


@pytest.mark.parametrize("kept", ["aof"] if ONLY_REAL else ["rdb", "aof"])
def test_a_primary_that_lost_writes_takes_its_replicas_along(node, seed, kept):
    """What the file of a killed primary does not have, its replica must not keep, although it has come further."""
    options = ["--appendfsync", "no"] if kept == "aof" else []
    primary = node(OURS, *PERSISTENCE[kept], *options, "--repl-ping-replica-period", "3600")
    primary.call("SET", "kept", "1")
    assert primary.call("SAVE" if kept == "rdb" else "PING") is not None
    replica = node(OURS, primary=primary)
    wait_in_sync(primary, replica)
    saved = {path.name: path.read_bytes() for path in primary.folder.rglob("*.incr.aof")}
    with primary.client() as client:
        client.pipeline([["SET", f"lost:{i}", "1"] for i in range(50)])
    wait_in_sync(primary, replica)
    primary.kill()
    for path in primary.folder.rglob("*.incr.aof"):  # As after a power failure: the end never reached the disk.
        path.write_bytes(saved[path.name])
    primary.restart()
    with primary.client() as client:
        client.pipeline([["SET", f"new:{i}", "2"] for i in range(70)])
    assert_same_data(primary, replica)
    assert primary.call("EXISTS", "lost:1") == 0 and replica.call("EXISTS", "lost:1") == 0


@pytest.mark.parametrize("kind", [OURS])
def test_an_end_while_the_append_only_file_begins_anew_loses_nothing(node, kind):
    """After a full copy the file does not have the data yet. The end waits for it, or is refused meanwhile."""
    primary = node(kind, *NO_PINGS)
    with primary.client() as client:
        client.pipeline([["SET", f"k{i}", "v" * 1000] for i in range(3000)])
    replica = node(kind, *PERSISTENCE["aof"])
    replica.replicate(primary)
    wait_in_sync(primary, replica)
    wait_for(lambda: replica.signal(15) or not replica.is_running(), 30, "the end of the replica", pause=0.1)
    primary.kill()
    replica.restart()
    assert replica.call("DBSIZE") == 3000


@pytest.mark.parametrize("kind", [OURS])
def test_the_role_outlives_a_restart_if_the_configuration_is_rewritten(node, kind):
    primary, other = node(kind), node(kind)
    replica = node(kind, config="# an empty file\n")
    replica.replicate(other)
    assert replica.call("CONFIG", "REWRITE") == OK
    replica.replicate(primary)
    wait_in_sync(primary, replica)
    assert replica.call("CONFIG", "REWRITE") == OK
    end_and_restart(replica)
    wait_in_sync(primary, replica)
    replica.promote()
    assert replica.call("CONFIG", "REWRITE") == OK
    end_and_restart(replica)
    assert replica.info()["role"] == "master"


@pytest.mark.skipif(ONLY_REAL, reason="the real server knows two names of its history")
@pytest.mark.parametrize("kept", PERSISTENCE)
@pytest.mark.parametrize("writes", [True, False], ids=["writes", "idle"])
def test_a_replica_that_was_away_over_several_restarts_of_its_primary_goes_on(node, kept, writes):
    """Each restart gives the history another name. A replica that stayed knows all of them, too."""
    primary, stays, *away = [node("hearth", *PERSISTENCE[kept], *NO_PINGS) for _ in range(4)]
    primary.call("SET", "k", "v")
    for replica in (stays, *away):
        replica.replicate(primary)
    wait_in_sync(primary, stays, *away)
    for replica in away:
        replica.signal(15)
        replica.wait_for_exit()
    for _ in range(3):
        end_and_restart(primary)
        if writes:
            assert primary.call("INCR", "n") > 0
        wait_in_sync(primary, stays)
    for replica, target in zip(away, (primary, stays)):
        replica.restart()
        if target is stays:
            stays.promote()
        before = target.count("sync_full")
        replica.replicate(target)
        assert_same_data(target, replica)
        assert target.count("sync_full") == before, target.log()


@pytest.mark.parametrize("kept", ["rdb"] if ONLY_REAL else PERSISTENCE)
def test_a_promoted_replica_keeps_its_siblings_through_a_restart(node, kept):
    primary = node(OURS, *NO_PINGS)
    with primary.client() as client:
        client.pipeline([["SET", f"k{i}", "v"] for i in range(200)])
    promoted, sibling = [node(OURS, *PERSISTENCE[kept], *NO_PINGS) for _ in range(2)]
    for replica in (promoted, sibling):
        replica.replicate(primary)
    wait_in_sync(primary, promoted, sibling)
    primary.kill()
    promoted.promote()
    promoted.call("SET", "after", "1")
    sibling.replicate(promoted)
    wait_in_sync(promoted, sibling)
    assert promoted.count("sync_full") == 0 and promoted.count("sync_partial_ok") == 1
    end_and_restart(promoted)
    promoted.call("SET", "later", "1")
    assert_same_data(promoted, sibling)
    assert promoted.call("DBSIZE") == 202
    assert promoted.count("sync_full") == 0 and promoted.count("sync_partial_ok") == 1
