"""Replication over TLS between servers of both kinds: full and partial synchronisation, chains, failover, and links that
are not trusted."""

import collections

import pytest

from persistence.filling import fill
from replication.load import Load
from replication.nodes import assert_same_data, wait_in_sync, wait_online
from support.resp import OK
from support.server import free_port, wait_for
from support.tls import authority, options

# What a proxy stands before.
Target = collections.namedtuple("Target", "port")
# (repl-diskless-sync of the primary, repl-diskless-load of the replica)
TRANSFERS = [("yes", "disabled"), ("no", "disabled"), ("yes", "swapdb")]


@pytest.fixture
def secret(node):
    """secret(kind, *arguments, primary=node) -> a node that replicates over TLS: `tls_port`."""

    def begin(kind, *arguments, primary=None, certificates=None, **kinds):
        port = free_port()
        one = node(kind, "--tls-port", port, "--tls-replication", "yes", *(certificates or options()), *arguments,
                   primary=None if primary is None else primary.tls_port, **kinds)
        one.tls_port = port
        return one

    return begin


def filled(secret, kind, seed, *arguments, large=False):
    one = secret(kind, *arguments)
    with one.client(30.0) as client:
        fill(client, seed, 1200, large=large)
    return one


@pytest.mark.parametrize("diskless, load", TRANSFERS)
def test_a_full_sync_brings_the_whole_dataset(secret, pair, seed, diskless, load):
    primary = filled(secret, pair[0], seed, "--repl-diskless-sync", diskless, large=True)
    replica = secret(pair[1], "--repl-diskless-load", load, primary=primary)
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1
    assert [int(one["port"]) for one in primary.replicas()] == [replica.tls_port]
    with primary.client() as client:
        client.pipeline([["SELECT", 2], ["SET", "after", "it"], ["RPUSH", "list after it", 1, 2, 3]])
    assert_same_data(primary, replica)


@pytest.mark.parametrize("threads", ["1", "4"])
def test_a_cut_link_goes_on_where_it_stopped_under_load(secret, proxy, seed, threads):
    primary = filled(secret, "hearth", seed, "--io-threads", threads, large=True)
    between = proxy(Target(primary.tls_port))
    replica = secret("hearth", "--io-threads", threads)
    replica.replicate(between)
    wait_in_sync(primary, replica)
    wait_online(primary)
    with Load(primary, seed, 1500) as load:
        for _ in range(4):
            between.cut()
            before = load.written
            wait_for(lambda: load.written > before + 200, 30, "the load")
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1
    assert primary.count("sync_partial_ok") >= 1


def test_the_log_on_disk_goes_out_over_tls(secret, proxy, seed):
    primary = filled(secret, "hearth", seed, "--repl-backlog-size", "16kb", "--repl-backlog-disk-size", "64mb")
    between = proxy(Target(primary.tls_port))
    replica = secret("hearth")
    replica.replicate(between)
    wait_in_sync(primary, replica)
    between.refuse()
    between.cut()
    with primary.client(30.0) as client:
        client.pipeline([["SET", f"away:{i}", "x" * 1000] for i in range(5000)])
    between.allow()
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1
    assert "is served from the log on disk" in primary.log()


def test_a_chain_of_both_kinds(secret, seed):
    primary = filled(secret, "hearth", seed)
    middle = secret("redis", primary=primary)
    last = secret("hearth", primary=middle)
    assert_same_data(primary, middle, last)


def test_a_failover_swaps_the_roles(secret, seed):
    primary = filled(secret, "hearth", seed)
    replica = secret("hearth", primary=primary)
    wait_in_sync(primary, replica)
    wait_online(primary)
    assert primary.call("FAILOVER") == OK
    wait_for(lambda: replica.info()["role"] == "master" and primary.link_is_up(), 30, "the failover")
    assert primary.info()["master_port"] == str(replica.tls_port)
    assert replica.call("SET", "after", "it") == OK
    assert_same_data(replica, primary)


def test_a_primary_or_a_replica_of_strangers_is_not_trusted(secret, pair):
    primary = secret(pair[0])
    replica = secret(pair[1], primary=primary, certificates=options(authority("stranger")))
    wait_for(lambda: "verify failed" in replica.log() + primary.log() or "unknown ca" in replica.log() + primary.log(),
             30, "a refused handshake")
    assert replica.info()["master_link_status"] == "down"
    words = [str(word).removeprefix("--") for word in options()]
    assert replica.call("CONFIG", "SET", *words) == OK
    assert_same_data(primary, replica)


def test_plain_replicas_and_those_of_tls_share_a_primary(secret, node, seed):
    primary = filled(secret, "hearth", seed, "--repl-diskless-sync-delay", "1")
    first = secret("hearth", primary=primary)
    second = node("hearth", primary=primary)
    third = secret("redis", primary=primary)
    assert_same_data(primary, first, second, third)
