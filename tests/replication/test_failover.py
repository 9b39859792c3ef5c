"""FAILOVER, min-replicas-to-write, and an end that waits for its replicas."""

import pytest

from replication.load import Load
from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync, wait_online
from support.resp import OK, Error
from support.server import wait_for


def connected(node, proxy, kinds, *arguments):
    """A primary, its replica and the proxy between them."""
    primary = node(kinds[0], *arguments)
    between = proxy(primary)
    replica = node(kinds[1])
    replica.replicate(between)
    wait_in_sync(primary, replica)
    wait_online(primary)
    return primary, replica, between


def lag(primary, between):
    """The replica does not get what is written from now on."""
    between.stall()
    with primary.client() as client:
        client.pipeline([["SET", f"late:{i}", "v"] for i in range(100)])


def wait_role(one, role, seconds=20):
    wait_for(lambda: one.info()["role"] == role, seconds, f"{one} as {role}")


def failover_state(primary):
    return primary.info()["master_failover_state"]


# -- FAILOVER.


def test_failover_changes_the_roles_without_a_full_sync(node, pair, seed):
    primary = node(pair[0])
    replica = node(pair[1], primary=primary)
    wait_in_sync(primary, replica)
    wait_online(primary)
    with Load(primary, seed, 1500) as load:
        wait_for(lambda: load.written > 300, 20, "the load")
        assert primary.call("FAILOVER") == OK
        wait_role(replica, "master")
        wait_role(primary, "slave")
        wait_for(lambda: load.refused.get("READONLY", 0) > 0, 20, "writers that are told")
    assert replica.call("SET", "after", "1") == OK
    assert_same_data(replica, primary)
    assert failover_state(primary) == "no-failover"
    assert replica.count("sync_full") == 0 and primary.count("sync_full") == 1


def test_failover_to_a_chosen_replica(node, pair):
    primary = node(pair[0])
    replicas = [node(pair[1], primary=primary) for _ in range(2)]
    wait_in_sync(primary, *replicas)
    wait_online(primary, 2)
    assert primary.call("FAILOVER", "TO", "127.0.0.1", replicas[1].port, "TIMEOUT", 15000) == OK
    wait_role(replicas[1], "master")
    wait_role(primary, "slave")
    replicas[1].call("SET", "after", "1")
    assert_same_data(replicas[1], primary, replicas[0])
    assert replicas[1].count("sync_full") == 0


def test_failover_gives_up_at_its_timeout(node, proxy, pair):
    primary, replica, between = connected(node, proxy, pair)
    lag(primary, between)
    with primary.client() as client:
        assert client.call("FAILOVER", "TIMEOUT", 300) == OK
        assert failover_state(primary) == "waiting-for-sync"
        assert client.call("SET", "held back", "until then") == OK
        assert failover_state(primary) == "no-failover"
    assert primary.info()["role"] == "master"
    between.resume()
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1


def test_failover_holds_writers_back_until_it_is_aborted(node, proxy, pair):
    primary, replica, between = connected(node, proxy, pair)
    lag(primary, between)
    assert primary.call("FAILOVER") == OK
    assert failover_state(primary) == "waiting-for-sync"
    again = primary.call("FAILOVER")
    assert isinstance(again, Error) and again.value == b"ERR FAILOVER already in progress."
    refused = primary.call("REPLICAOF", "127.0.0.1", 1)
    assert isinstance(refused, Error) and refused.value == b"ERR REPLICAOF not allowed while failing over."
    with primary.client() as client:
        assert client.call("GET", "late:1") == b"v"
        client.send("SET", "held back", "1")
        assert client.nothing_to_read(0.2)
        assert primary.call("FAILOVER", "ABORT") == OK
        assert client.read_reply() == OK
    assert failover_state(primary) == "no-failover"
    between.resume()
    assert_same_data(primary, replica)


def test_failover_goes_on_when_the_replica_has_caught_up(node, proxy, pair):
    primary, replica, between = connected(node, proxy, pair)
    lag(primary, between)
    assert primary.call("FAILOVER") == OK
    between.resume()
    wait_role(replica, "master")
    assert replica.call("GET", "late:99") == b"v"
    assert_same_data(replica, primary)
    assert replica.count("sync_full") == 0


def test_a_forced_failover_does_not_wait_for_ever(node, proxy, pair):
    """What the replica never got is lost, for both."""
    primary, replica, between = connected(node, proxy, pair)
    lag(primary, between)
    assert primary.call("FAILOVER", "TO", "127.0.0.1", replica.port, "FORCE", "TIMEOUT", 300) == OK
    wait_role(replica, "master")
    wait_role(primary, "slave")
    assert replica.call("EXISTS", "late:99") == 0
    replica.call("SET", "after", "1")
    assert_same_data(replica, primary)


def test_a_failover_that_its_target_does_not_take_is_undone(node, pair):
    """The target is gone when it comes to it: the primary stays the primary."""
    primary = node(pair[0])
    replica = node(pair[1], primary=primary)
    wait_in_sync(primary, replica)
    wait_online(primary)
    replica.freeze()
    with primary.client() as client:
        client.call("SET", "late", "1")
        assert client.call("FAILOVER", "TO", "127.0.0.1", replica.port, "FORCE", "TIMEOUT", 300) == OK
        wait_for(lambda: failover_state(primary) == "failover-in-progress", 10, "the attempt")
        replica.kill()
        assert primary.call("FAILOVER", "ABORT") == OK
        wait_role(primary, "master")
        assert client.call("SET", "after", "1") == OK
    assert failover_state(primary) == "no-failover"


@pytest.mark.skipif(ONLY_REAL, reason="the real server takes over with whatever it has")
def test_a_target_that_came_back_with_older_data_does_not_take_over(node):
    """It had everything when that was decided. The primary stays the primary, and nothing is lost."""
    primary = node("hearth", "--repl-ping-replica-period", "3600")
    replica = node("hearth", "--save", "3600 1", primary=primary)
    primary.call("SET", "early", "1")
    wait_in_sync(primary, replica)
    assert replica.call("SAVE") == OK
    primary.call("SET", "late", "1")
    wait_in_sync(primary, replica)
    wait_for(lambda: primary.online() and int(primary.online()[0]["offset"]) == primary.offset, 20,
             "all to be acknowledged")
    replica.freeze()
    assert primary.call("FAILOVER") == OK
    wait_for(lambda: failover_state(primary) == "failover-in-progress", 10, "the attempt")
    replica.kill()
    replica.restart()
    wait_for(lambda: failover_state(primary) == "no-failover", 20, "the end of the attempt")
    wait_role(primary, "master")
    assert "was not forced" in primary.log()
    assert primary.call("GET", "late") == b"1"
    assert primary.call("SET", "after", "1") == OK
    assert_same_data(primary, replica)
    assert replica.info()["role"] == "slave"


# -- min-replicas-to-write.


def test_writes_need_good_replicas(node, pair):
    primary = node(pair[0], "--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")

    def write():
        return primary.call("SET", "a", "1")

    def refused():
        reply = write()
        return isinstance(reply, Error) and reply.value == b"NOREPLICAS Not enough good replicas to write."

    assert refused()
    replica = node(pair[1], primary=primary)
    wait_for(lambda: write() == OK, 20, "a write that is taken")
    assert primary.info()["min_slaves_good_slaves"] == "1"
    replica.freeze()
    wait_for(refused, 20, "a write that is refused")
    with primary.client() as client:
        assert client.call("GET", "a") == b"1"
        assert client.pipeline([["MULTI"], ["SET", "a", "2"], ["EXEC"]])[2].value.startswith(b"EXECABORT")
    replica.thaw()
    wait_for(lambda: write() == OK, 20, "a write that is taken")
    assert primary.call("CONFIG", "SET", "min-replicas-to-write", "2") == OK
    assert refused()
    assert primary.call("CONFIG", "SET", "min-replicas-to-write", "0") == OK
    assert write() == OK


# -- SHUTDOWN.


def is_ending(primary):
    return "shutdown_in_milliseconds" in primary.info("server")


@pytest.mark.parametrize("how", ["SIGTERM", "SHUTDOWN"])
def test_the_end_waits_for_a_lagging_replica(node, proxy, pair, how):
    primary, replica, between = connected(node, proxy, pair, "--shutdown-timeout", "30")
    lag(primary, between)
    with primary.client() as client:
        if how == "SIGTERM":
            primary.signal(15)
        else:
            client.send("SHUTDOWN")
        wait_for(lambda: is_ending(primary), 10, "the beginning of the end")
        between.resume()
        primary.wait_for_exit()
    assert replica.call("GET", "late:99") == b"v"


def test_the_end_waits_no_longer_than_its_timeout(node, proxy, pair):
    primary, replica, between = connected(node, proxy, pair, "--shutdown-timeout", "1")
    lag(primary, between)
    primary.signal(15)
    wait_for(lambda: is_ending(primary), 10, "the beginning of the end")
    assert primary.wait_for_exit() == 0
    assert replica.call("EXISTS", "late:99") == 0


def test_an_end_that_waits_can_be_called_off_or_hurried(node, proxy, pair):
    primary, replica, between = connected(node, proxy, pair, "--shutdown-timeout", "30")
    lag(primary, between)
    with primary.client() as client:
        client.send("SHUTDOWN")
        wait_for(lambda: is_ending(primary), 10, "the beginning of the end")
        assert primary.call("SHUTDOWN", "ABORT") == OK
        assert isinstance(client.read_reply(), Error)
    nothing = primary.call("SHUTDOWN", "ABORT")
    assert isinstance(nothing, Error) and nothing.value == b"ERR No shutdown in progress."
    assert primary.call("SET", "after", "1") == OK
    with primary.client() as client:
        client.send("SHUTDOWN", "NOW")
        assert primary.wait_for_exit(10) == 0
    between.resume()
    assert not replica.link_is_up() or wait_for(lambda: not replica.link_is_up(), 10)
