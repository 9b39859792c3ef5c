"""What a primary does for several replicas at once, and what it leaves behind: shared and separate snapshots, replicas
that go away in the middle, log lines that operators know, I/O threads."""

import pytest

from persistence.filling import fill
from replication.load import Load
from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync, wait_online
from replication.wire import Wire
from support.resp import OK
from support.server import wait_for

OURS = "redis" if ONLY_REAL else "hearth"
NO_DISK = [] if ONLY_REAL else ["--repl-backlog-disk-size", "0"]
PLAIN = ["--rdbcompression", "no"]  # What is written is as large as it looks.
CUT = "Starting BGSAVE for SYNC with target"


def cuts(primary):
    return primary.log().count(CUT)


def write_megabytes(node, count, name="big"):
    with node.client(60.0) as client:
        for first in range(0, count * 100, 100):
            client.pipeline([["SET", f"{name}:{i}", "v" * 10_000] for i in range(first, first + 100)])


def files_of(node):
    return sorted(path.name for path in node.folder.iterdir() if path.suffix in (".rdb", ".aof"))


def test_replicas_that_come_within_the_delay_share_a_snapshot(node):
    primary = node(OURS, "--repl-diskless-sync-delay", "2")
    write_megabytes(primary, 1)
    replicas = [node("redis", primary=primary) for _ in range(3)]
    assert_same_data(primary, *replicas)
    assert cuts(primary) == 1
    assert primary.count("sync_full") == 3


def test_enough_replicas_need_not_wait_for_more(node):
    primary = node(OURS, "--repl-diskless-sync-delay", "3600", "--repl-diskless-sync-max-replicas", "2")
    write_megabytes(primary, 1)
    first = node("redis", primary=primary)
    wait_for(lambda: primary.info()["connected_slaves"] == "1", 20, "the first replica")
    assert cuts(primary) == 0
    second = node("redis", primary=primary)
    assert_same_data(primary, first, second)
    assert cuts(primary) == 1


@pytest.mark.skipif(ONLY_REAL, reason="the real server makes one at a time")
@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_who_comes_later_does_not_wait_for_the_earlier(node, proxy, diskless):
    primary = node("hearth", "--repl-diskless-sync", diskless, *PLAIN)
    write_megabytes(primary, 12)
    between = proxy(primary)
    between.throttle(1_000_000)
    slow = node("redis")
    slow.replicate(between)
    wait_for(lambda: cuts(primary) == 1, 20, "the first snapshot")
    fast = node("redis", primary=primary)
    assert_same_data(primary, fast)
    assert not slow.link_is_up()
    between.throttle(None)
    assert_same_data(primary, slow)
    assert cuts(primary) == 2


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_replica_that_leaves_in_the_middle_does_not_disturb_another(node, proxy, diskless):
    primary = node(OURS, "--repl-diskless-sync", diskless, "--repl-diskless-sync-delay", "1", *PLAIN)
    write_megabytes(primary, 12)
    between = proxy(primary)
    between.throttle(4_000_000)
    leaving = node("redis")
    leaving.replicate(between)
    staying = node("redis", primary=primary)
    wait_for(lambda: cuts(primary) >= 1, 20, "a snapshot")
    leaving.kill()
    assert_same_data(primary, staying)
    assert primary.info()["connected_slaves"] == "1"
    assert files_of(primary) == ([] if OURS == "hearth" else files_of(primary))


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_snapshot_that_nobody_waits_for_is_given_up(node, proxy, diskless):
    primary = node(OURS, "--repl-diskless-sync", diskless, *PLAIN)
    write_megabytes(primary, 12)
    for _ in range(5):
        between = proxy(primary)
        between.throttle(1_000_000)
        replica = node("redis")
        replica.replicate(between)
        wait_for(primary.replicas, 20, "the replica")
        replica.kill()
        between.cut()
        wait_for(lambda: not primary.replicas(), 20, "no replica")
    survivor = node("redis", primary=primary)
    assert_same_data(primary, survivor)
    assert primary.call("BGSAVE")  # There is a place left for a snapshot.
    wait_for(lambda: primary.info("persistence")["rdb_bgsave_in_progress"] == "0", 20, "the end of BGSAVE")
    if OURS == "hearth":
        assert files_of(primary) == ["dump.rdb"]


def test_the_log_has_the_lines_that_operators_know(node, proxy):
    primary = node(OURS)
    between = proxy(primary)
    replica = node("redis")
    replica.replicate(between)
    wait_in_sync(primary, replica)
    wait_online(primary)
    primary.call("SET", "a", "1")
    wait_in_sync(primary, replica)
    between.cut()
    assert_same_data(primary, replica)
    name = f"127.0.0.1:{replica.port}"
    log = primary.log()
    for line in (f"Replica {name} asks for synchronization", f"Starting BGSAVE for SYNC with target: replicas sockets",
                 "Replication backlog created, my new replication IDs are '", f"Synchronization with replica {name} "
                 "succeeded", f"Connection with replica {name} lost.",
                 f"Partial resynchronization request from {name} accepted. Sending "):
        assert line in log, line


@pytest.mark.parametrize("threads", [1, 4])
def test_everything_arrives_whatever_threads_write_it(node, proxy, seed, threads):
    primary = node(OURS, "--io-threads", threads, "--repl-backlog-size", "16kb")
    with primary.client(60.0) as client:
        fill(client, seed, 1200, large=True)
    betweens = [proxy(primary) for _ in range(3)]
    replicas = [node("redis") for _ in betweens]
    with Load(primary, seed, 3000) as load:
        for replica, between in zip(replicas, betweens):
            replica.replicate(between)
        for number in range(6):
            before = load.written
            wait_for(lambda: load.written > before + 1000, 30, "the load")
            betweens[number % 3].cut()
            write_megabytes(primary, 1, "large")
    assert_same_data(primary, *replicas)


def test_values_of_many_megabytes_pass_in_the_stream(node):
    primary = node(OURS)
    replica = node("redis", primary=primary)
    wait_in_sync(primary, replica)
    with primary.client(60.0) as client:
        for size in (1, 4095, 4096, 65_536, 3_000_000, 40_000_000):
            assert client.call("SET", f"text of {size}", "x" * size) == OK
            assert client.call("APPEND", f"text of {size}", "end") == size + 3
    assert_same_data(primary, replica)


def test_a_replica_that_never_reads_is_dropped_when_nothing_else_keeps_the_log(node):
    primary = node(OURS, "--client-output-buffer-limit", "replica 4mb 0 0", *NO_DISK)
    with Wire(primary) as wire:
        wire.type("SYNC")
        wire.snapshot()
        wait_online(primary)
        write_megabytes(primary, 40)
        wait_for(lambda: not primary.replicas(), 20, "the replica is dropped")
    assert primary.call("PING")


@pytest.mark.skipif(ONLY_REAL, reason="the real server keeps its backlog in memory alone")
def test_a_replica_that_reads_late_gets_everything_from_disk(node):
    primary = node("hearth", "--client-output-buffer-limit", "replica 4mb 0 0", "--repl-ping-replica-period", "3600")
    with Wire(primary, 60.0) as wire:
        wire.type("SYNC")
        wire.snapshot()
        wait_online(primary)
        write_megabytes(primary, 40)
        wait_for(lambda: "is served from the log on disk" in primary.log(), 20, "a replica served from disk")
        last = b"*3\r\n$3\r\nSET\r\n$4\r\nlast\r\n$3\r\none\r\n"
        primary.call("SET", "last", "one")
        stream = wire.stream(last)
        assert len(stream) == primary.offset
        primary.call("SET", "last", "one")
        assert wire.stream(last) == last  # From memory again.
    assert len(primary.replicas()) <= 1
