"""Primaries and replicas of both kinds in all mixed pairs and chains: the data and the offsets come out equal."""

import pytest

from persistence.filling import fill
from replication.load import Load
from replication.nodes import ONLY_REAL, assert_same_data, is_in_sync, wait_in_sync, wait_online
from support.resp import OK, Error, NULL_BULK
from support.server import wait_for

# (repl-diskless-sync of the primary, repl-diskless-load of the replica, password)
TRANSFERS = [("yes", "disabled", None), ("no", "disabled", "sesame"), ("yes", "swapdb", "sesame"),
             ("no", "on-empty-db", None), ("yes", "on-empty-db", None)]
CHAINS = [["redis"] * 4] if ONLY_REAL else [["hearth", "redis", "hearth", "redis"],
                                            ["redis", "hearth", "hearth", "redis"]]
RATE = 1500
# A primary that still pings after its replica was promoted is ahead of it.
NO_PINGS = ["--repl-ping-replica-period", "3600"]


def filled(node, kind, seed, *arguments, large=False, **options):
    """A node with data in several databases."""
    one = node(kind, *arguments, **options)
    with one.client(30.0) as client:
        fill(client, seed, 1200, large=large)
    return one


def wait_link_up(node):
    wait_for(node.link_is_up, 30, f"the link of {node}")


# -- Full synchronisation.


@pytest.mark.parametrize("diskless, load, password", TRANSFERS)
def test_a_full_sync_brings_the_whole_dataset(node, pair, seed, diskless, load, password):
    primary = filled(node, pair[0], seed, "--repl-diskless-sync", diskless, large=True, password=password)
    replica = node(pair[1], "--repl-diskless-load", load, password=password)
    with replica.client() as client:
        client.pipeline([["SET", f"own:{i}", "dataset"] for i in range(100)])
    replica.replicate(primary)
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1
    with primary.client() as client:
        client.pipeline([["SELECT", 2], ["SET", "after", "it"], ["RPUSH", "list after it", 1, 2, 3]])
    assert_same_data(primary, replica)


def test_replicas_that_come_under_load_get_everything(node, pair, seed):
    primary = filled(node, pair[0], seed, large=True)
    replicas = []
    with Load(primary, seed, RATE) as load:
        for transfer in ("yes", "no", "yes"):
            primary.call("CONFIG", "SET", "repl-diskless-sync", transfer)
            replicas.append(node(pair[1], primary=primary))
            before = load.written
            wait_for(lambda: load.written > before + 300, 30, "the load")
        for replica in replicas:
            wait_link_up(replica)
    assert_same_data(primary, *replicas)
    assert primary.count("sync_full") == 3


def test_a_replica_with_the_wrong_password_keeps_trying(node, pair):
    primary = node(pair[0], password="sesame")
    replica = node(pair[1], "--masterauth", "wrong", primary=primary)
    primary.call("SET", "a", "1")
    wait_for(lambda: primary.info("errorstats"), 30, "a refused AUTH")
    assert replica.info()["master_link_status"] == "down"
    assert replica.call("CONFIG", "SET", "masterauth", "sesame") == OK
    assert_same_data(primary, replica)
    assert replica.call("GET", "a") == b"1"


# -- Partial resynchronisation.


def through_a_proxy(node, proxy, pair, seed):
    """(a primary with data, what is between the two, its replica, which is in sync)"""
    primary = filled(node, pair[0], seed)
    between = proxy(primary)
    replica = node(pair[1])
    replica.replicate(between)
    wait_in_sync(primary, replica)
    wait_online(primary)
    return primary, between, replica


def test_a_cut_link_goes_on_where_it_stopped(node, proxy, pair, seed):
    primary, between, replica = through_a_proxy(node, proxy, pair, seed)
    with Load(primary, seed, RATE) as load:
        for cuts in range(1, 5):
            before = load.written
            between.cut()
            wait_for(lambda: load.written > before + 100, 30, "the load")
            wait_for(lambda: primary.count("sync_partial_ok") >= cuts and replica.link_is_up(), 30, "a new link")
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1


def test_a_stream_that_ends_within_a_command_goes_on(node, proxy, pair, seed):
    """New links end after some bytes of the stream, wherever that is."""
    primary, between, replica = through_a_proxy(node, proxy, pair, seed)
    with Load(primary, seed, RATE):
        for extra in range(4):
            between.limit(to_replica=2000 + 97 * extra + seed % 97)
            between.cut()
            wait_for(lambda: between.limited() > extra, 30, "a link that ends")
        between.limit()
        wait_link_up(replica)
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1


def test_a_stalled_link_catches_up(node, proxy, pair, seed):
    primary = node(pair[0])
    between = proxy(primary)
    replica = node(pair[1])
    replica.replicate(between)
    wait_in_sync(primary, replica)
    wait_online(primary)
    with Load(primary, seed, 20000, limit=6000) as load:
        between.stall()
        load.wait_until_done()
    assert not is_in_sync(primary, replica)
    between.resume()
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1 and primary.count("sync_partial_ok") == 0


# -- Chains and roles.


@pytest.mark.parametrize("kinds", CHAINS, ids="-".join)
def test_a_chain_passes_the_stream_on(node, proxy, seed, kinds):
    nodes = [filled(node, kinds[0], seed)]
    proxies = []
    for kind in kinds[1:]:
        proxies.append(proxy(nodes[-1]))
        nodes.append(node(kind))
        nodes[-1].replicate(proxies[-1])
        wait_in_sync(nodes[0], nodes[-1])
    for one in nodes[:-1]:
        wait_online(one)
    with Load(nodes[0], seed, RATE) as load:
        for between in reversed(proxies):
            before = load.written
            between.cut()
            wait_for(lambda: load.written > before + 200, 30, "the load")
        for one in nodes[1:]:
            wait_link_up(one)
    assert_same_data(*nodes)
    assert [one.count("sync_full") for one in nodes] == [1, 1, 1, 0]


@pytest.mark.parametrize("kinds", CHAINS, ids="-".join)
def test_what_hangs_on_a_promoted_replica_stays(node, seed, kinds):
    """The second of a chain becomes the primary: those below go on, and the first follows without a full copy."""
    nodes = [node(kinds[0], *NO_PINGS)]
    with nodes[0].client() as client:  # Nothing that expires: that would put the first ahead of the second.
        client.pipeline([["SET", f"k{i}", "v" * 100] for i in range(500)])
    for kind in kinds[1:]:
        nodes.append(node(kind, *NO_PINGS, primary=nodes[-1]))
        wait_in_sync(nodes[0], nodes[-1])
    first, second, *below = nodes
    history = first.info()["master_replid"]
    second.promote()
    fields = second.info()
    assert fields["role"] == "master" and fields["master_replid2"] == history != fields["master_replid"]
    assert int(fields["second_repl_offset"]) == int(fields["master_repl_offset"]) + 1
    first.replicate(second)
    with Load(second, seed, RATE, limit=1000) as load:
        load.wait_until_done()
    assert_same_data(second, first, *below)
    assert [one.count("sync_full") for one in nodes] == [1, 1, 1, 0]


def test_siblings_follow_a_promoted_replica_without_a_full_sync(node, pair, seed):
    """The primary dies under load; the replica that has more of it is promoted."""
    primary = filled(node, pair[0], seed)
    replicas = [node(kind, primary=primary) for kind in (pair[1], pair[0], pair[1])]
    wait_in_sync(primary, *replicas)
    with Load(primary, seed, RATE) as load:
        wait_for(lambda: load.written > 500, 30, "the load")
        primary.kill()
    wait_for(lambda: not any(one.link_is_up() for one in replicas), 10, "all links down")
    replicas.sort(key=lambda one: int(one.info()["slave_repl_offset"]), reverse=True)
    promoted, *siblings = replicas
    promoted.promote()
    for one in siblings:
        one.replicate(promoted)
    with Load(promoted, seed + 1, RATE, limit=500) as load:
        load.wait_until_done()
    assert_same_data(promoted, *siblings)
    assert promoted.count("sync_full") == 0 and promoted.count("sync_partial_ok") == 2


def test_a_replica_that_moves_to_a_stranger_takes_its_data(node, pair, seed):
    one, other = filled(node, pair[0], seed), filled(node, pair[0], seed + 1)
    replica = node(pair[1], primary=one)
    wait_in_sync(one, replica)
    replica.replicate(other)
    assert_same_data(other, replica)
    assert one.count("sync_full") == 1 and other.count("sync_full") == 1
    wait_for(lambda: one.replicas() == [], 10, "the old primary without replicas")


# -- WAIT.


def test_wait_counts_the_replicas_that_have_a_write(node, proxy, pair):
    primary = node(pair[0])
    between = proxy(primary)
    replica = node(pair[1])
    replica.replicate(between)
    wait_in_sync(primary, replica)
    wait_online(primary)
    with primary.client() as client:
        client.call("SET", "a", "1")
        assert client.call("WAIT", 1, 10000) == 1
        assert client.call("WAIT", 0, 0) == 1
        between.stall()
        client.call("SET", "a", "2")
        assert client.call("WAIT", 1, 50) == 0
        client.send("WAIT", 1, 0)
        assert client.nothing_to_read()
        between.resume()
        assert client.read_reply(10.0) == 1
    assert replica.call("GET", "a") == b"2"
    reply = replica.call("WAIT", 1, 10)
    assert isinstance(reply, Error) and reply.value.startswith(b"ERR WAIT cannot be used with replica instances.")


@pytest.mark.parametrize("kind", [] if ONLY_REAL else ["hearth"])
def test_waitaof_waits_for_disks(node, kind):
    """WAITAOF came with 7.2, so there is no oracle to compare it with."""
    primary = node(kind, "--appendonly", "yes", "--appendfsync", "everysec")
    replica = node(kind, "--appendonly", "yes", "--appendfsync", "everysec", primary=primary)
    wait_in_sync(primary, replica)
    wait_online(primary)
    with primary.client() as client:
        client.call("SET", "a", "1")
        assert client.call("WAITAOF", 1, 1, 10000) == [1, 1]
        replica.freeze()
        client.call("SET", "a", "2")
        assert client.call("WAITAOF", 1, 1, 300) == [1, 0]
        replica.thaw()
        assert client.call("WAITAOF", 0, 1, 10000) == [1, 1]
    assert isinstance(replica.call("WAITAOF", 0, 0, 10), Error)


# -- Expiry.


def test_a_replica_answers_expired_keys_as_absent_before_it_is_told(node, proxy, pair):
    primary = node(pair[0])
    between = proxy(primary)
    replica = node(pair[1])
    replica.replicate(between)
    wait_in_sync(primary, replica)
    with primary.client() as client:
        client.pipeline([["SET", "text", "v", "PX", 1500], ["RPUSH", "list", 1, 2], ["PEXPIRE", "list", 1500],
                         ["SET", "stays", "v"]])
        assert client.call("WAIT", 1, 10000) == 1
    between.stall()
    with replica.client() as client:
        wait_for(lambda: client.call("GET", "text") == NULL_BULK and client.call("LLEN", "list") == 0, 10, "the expiry")
        assert client.call("EXISTS", "text", "list", "stays") == 1
        assert client.call("PTTL", "text") == -2
        assert client.call("TYPE", "list").value == b"none"
        assert client.call("KEYS", "*") == [b"stays"]
        assert client.call("SCAN", 0, "COUNT", 100) == [b"0", [b"stays"]]
        assert client.call("DBSIZE") == 3
        between.resume()
        wait_for(lambda: client.call("DBSIZE") == 1, 10, "what the primary tells of the expiry")
    assert_same_data(primary, replica)


def test_keys_that_expire_under_load_are_gone_everywhere(node, pair, seed):
    primary = node(pair[0])
    replica = node(pair[1], primary=primary)
    wait_in_sync(primary, replica)
    with primary.client() as client:
        for first in range(0, 2000, 500):
            client.pipeline([["SET", f"k{i}", "v", "PX", 100 + (i * 7 + seed) % 900]
                             for i in range(first, first + 500)])
        client.call("SET", "stays", "v")
        wait_for(lambda: client.call("DBSIZE") == 1, 20, "the expiry of all")
    assert_same_data(primary, replica)
    assert replica.call("DBSIZE") == 1
