"""Hearth as the replica of a real server, in whatever form the dataset comes and however it is loaded."""

import random
import socket
import threading

import pytest

from persistence.filling import fill
from replication.load import Load
from replication.nodes import assert_same_data, difference, wait_in_sync, wait_online
from replication.test_guard import keys
from support.resp import OK, Error, Simple
from support.server import wait_for

MODES = ["disabled", "on-empty-db", "swapdb", "flush-before-load"]
FORMS = {"sized": ["--repl-diskless-sync", "no"], "marked": ["--repl-diskless-sync", "yes"]}
RATE = 3000
CUT_BYTES = 2_000_000  # of the dataset, and of what comes before it


def primary_with_data(node, seed, *arguments, **options):
    """Its dataset is some megabytes that no compression makes smaller, beside other things."""
    primary = node("redis", *arguments, **options)
    noise = random.Random(seed)
    with primary.client(30.0) as client:
        fill(client, seed)
        client.pipeline([["SET", f"noise:{number}", noise.randbytes(50_000)] for number in range(80)])
    return primary


def replica_with_other_data(node, seed, *arguments):
    replica = node("hearth", *arguments)
    with replica.client(30.0) as client:
        fill(client, seed, large=False)
    assert keys(replica) > 0
    return replica


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
def test_takes_the_dataset_and_follows_under_load(node, seed, form, mode):
    primary = primary_with_data(node, seed, *FORMS[form])
    replica = replica_with_other_data(node, seed + 1, "--repl-diskless-load", mode, "--appendonly", "yes")
    with Load(primary, seed + 2, RATE):
        replica.replicate(primary)
        wait_online(primary)
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1
    assert not list(replica.folder.glob("temp-*.rdb"))
    # What the replica keeps on disk is the same.
    wait_for(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == "0", 20, "the end of the rewrite")
    replica.kill()
    replica.command += ["--replicaof", "no one"]
    replica.restart()
    wait_for(lambda: difference(primary, replica) is None, 30, "the same data from the replica's files")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("form", FORMS)
def test_a_dataset_that_is_cut_off_costs_the_old_data_or_not_as_the_mode_says(node, proxy, seed, form, mode):
    primary = primary_with_data(node, seed, *FORMS[form])
    replica = replica_with_other_data(node, seed + 1, "--repl-diskless-load", mode)
    had = replica.call("DEBUG", "DIGEST")
    between = proxy(primary)
    between.limit(to_replica=CUT_BYTES)
    between.refuse()
    replica.replicate(between)
    between.allow()
    wait_for(lambda: between.limited() > 0, 30, "a copy that is cut off")
    between.refuse()
    wait_for(lambda: replica.info()["master_sync_in_progress"] == "0", 30, "the end of the copy")
    wait_for(lambda: not isinstance(replica.call("DBSIZE"), Error), 30, "the end of the loading")
    # Loaded in place, it is gone with the first key that was taken over, if the cut did not come before that.
    if mode != "flush-before-load" or keys(replica) != 0:
        assert replica.call("DEBUG", "DIGEST") == had
    between.limit()
    between.allow()
    assert_same_data(primary, replica)


@pytest.mark.parametrize("mode, serves", [("swapdb", True), ("disabled", True), ("flush-before-load", False)])
def test_old_data_is_read_while_the_new_arrives(node, proxy, seed, mode, serves):
    primary = primary_with_data(node, seed, "--repl-diskless-sync", "yes")
    replica = node("hearth", "--repl-diskless-load", mode)
    replica.call("SET", "old", "data")
    between = proxy(primary)
    between.limit(to_replica=CUT_BYTES, keep=True)
    replica.replicate(between)
    wait_for(lambda: between.limited() > 0, 30, "a copy that stands still")
    if serves:
        assert replica.call("GET", "old") == b"data"
        reply = replica.call("SET", "old", "other")
        assert isinstance(reply, Error) and reply.value.startswith(b"READONLY")
    else:
        wait_for(lambda: isinstance(replica.call("GET", "old"), Error), 10, "the loading")
        assert replica.call("GET", "old").value.startswith(b"LOADING")
        assert replica.info("persistence")["loading"] == "1"
    fields = replica.info()
    assert fields["master_sync_in_progress"] == "1" and fields["master_link_status"] == "down"
    between.limit()
    between.cut()
    assert_same_data(primary, replica)


def test_logs_in_and_comes_back_from_cuts_with_what_it_missed(node, proxy, seed):
    primary = primary_with_data(node, seed, "--repl-backlog-size", "64mb", password="secret")
    between = proxy(primary)
    replica = node("hearth", "--masterauth", "secret", "--repl-timeout", "5")
    replica.replicate(between)
    wait_in_sync(primary, replica)
    with Load(primary, seed + 1, RATE) as load:
        for _ in range(5):
            before = load.written
            wait_for(lambda: load.written > before + 300, 30, "the load")
            between.cut()
            wait_for(replica.link_is_up, 30, "the link")
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1 and primary.count("sync_partial_ok") >= 5


def test_tells_the_primary_how_far_it_is(node, seed):
    primary = node("redis")
    replica = node("hearth", primary=primary)
    wait_in_sync(primary, replica)
    wait_online(primary)
    with primary.client() as client:
        for number in range(20):
            client.call("SET", "n", number)
            assert client.call("WAIT", 1, 5000) == 1
    wait_for(lambda: primary.replicas()[0]["offset"] == str(primary.offset), 5, "what the replica has told")


def test_a_wrong_password_is_tried_again(node):
    primary = node("redis", password="secret")
    replica = node("hearth", "--masterauth", "wrong")
    replica.replicate(primary)
    wait_for(lambda: "Unable to AUTH to MASTER" in replica.log(), 10, "the refusal")
    assert not replica.link_is_up()
    replica.call("CONFIG", "SET", "masterauth", "secret")
    wait_in_sync(primary, replica)


@pytest.mark.parametrize("answers", ["yes", "no"])
def test_stale_data_is_shown_as_configured(node, answers):
    primary = node("redis")
    replica = node("hearth", "--replica-serve-stale-data", answers, primary=primary)
    wait_in_sync(primary, replica)
    primary.call("SET", "a", "1")
    wait_in_sync(primary, replica)
    primary.kill()
    wait_for(lambda: not replica.link_is_up(), 10, "the link down")
    reply = replica.call("GET", "a")
    if answers == "yes":
        assert reply == b"1"
    else:
        assert reply.value.startswith(b"MASTERDOWN"), reply
    assert replica.info()["role"] == "slave"


def test_more_threads_apply_the_same(node, seed):
    primary = primary_with_data(node, seed)
    replica = node("hearth", "--io-threads", "3", primary=primary)
    with Load(primary, seed + 1, 10000, limit=20000) as load:
        load.wait_until_done()
    assert_same_data(primary, replica)


def test_a_host_is_known_by_its_name(node):
    primary = node("redis")
    replica = node("hearth")
    replica.replicate(primary, host="localhost")
    wait_in_sync(primary, replica)
    replica.replicate(primary, host="no.such.host.invalid")
    wait_for(lambda: "no.such.host.invalid" in replica.log() and not replica.link_is_up(), 10, "a link that is down")
    replica.replicate(primary)
    wait_in_sync(primary, replica)


@pytest.mark.parametrize("mode", MODES)
def test_a_primary_that_falls_silent_in_its_dataset_is_asked_again(node, proxy, seed, mode):
    primary = primary_with_data(node, seed)
    between = proxy(primary)
    between.limit(to_replica=CUT_BYTES, keep=True)
    replica = node("hearth", "--repl-diskless-load", mode, "--repl-timeout", "2")
    replica.replicate(between)
    wait_for(lambda: between.limited() > 0, 30, "a copy that stands still")
    between.limit()
    wait_for(lambda: "Timeout receiving bulk data from MASTER" in replica.log(), 20, "the timeout")
    assert_same_data(primary, replica)


@pytest.mark.parametrize("mode", ["disabled", "swapdb"])
def test_the_role_may_change_in_the_middle_of_a_copy(node, proxy, seed, mode):
    one, other = primary_with_data(node, seed), primary_with_data(node, seed + 1)
    replica = node("hearth", "--repl-diskless-load", mode, "--appendonly", "yes", "--save", "1 1")
    replica.call("SET", "old", "data")
    between = proxy(one)
    between.limit(to_replica=CUT_BYTES, keep=True)

    def begin_copy():
        before = between.limited()
        replica.replicate(between)
        wait_for(lambda: between.limited() > before, 30, "a copy that stands still")

    begin_copy()
    replica.promote()
    assert replica.call("SET", "new", "data") == OK
    assert replica.call("GET", "old") == b"data"
    begin_copy()
    replica.replicate(other)
    assert_same_data(other, replica)
    # Until the file has begun anew with these data, an end leaves what it had before.
    wait_for(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == "0", 30, "a file with the data")
    begin_copy()
    assert replica.call("GET", "old") != b"data" and keys(replica) > 50
    replica.signal(15)
    assert replica.wait_for_exit() == 0
    replica.restart()
    assert keys(replica) > 50
    between.limit()
    between.cut()
    replica.replicate(one)
    assert_same_data(one, replica)


@pytest.mark.parametrize("mode", ["disabled", "swapdb"])
def test_a_copy_may_begin_while_a_snapshot_is_being_made(node, mode):
    primary = node("redis")
    primary.call("SET", "k", "v")
    replica = node("hearth", "--repl-diskless-load", mode, "--appendonly", "yes")
    assert replica.call("DEBUG", "POPULATE", "300000", "key", "100", timeout=60) == OK
    for command in ("BGSAVE", "BGREWRITEAOF"):
        assert isinstance(replica.call(command), Simple)
    replica.replicate(primary)
    assert_same_data(primary, replica)
    assert replica.call("DBSIZE") == 1
    assert isinstance(replica.call("BGSAVE"), Simple)


class OldPrimary:
    """Speaks as a primary from before PSYNC: one replica, one dataset, one stream."""

    def __init__(self, dataset, stream):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._replies = [b"\n\n" + b"$%d\r\n" % len(dataset) + dataset + stream]
        self.heard = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        link, _ = self._listener.accept()
        with link:
            while not self.heard.endswith(b"SYNC\r\n") or self.heard.endswith(b"PSYNC\r\n"):
                got = link.recv(65536)
                if not got:
                    return
                self.heard += got
                # One reply for each command in RESP; PING alone is known.
                commands = got.count(b"*") if b"*" in got else 0
                link.sendall(b"+PONG\r\n" if b"PING" in got else b"-ERR unknown command\r\n" * commands)
            link.sendall(self._replies[0])
            while got := link.recv(65536):
                self.heard += got

    def close(self):
        self._listener.close()


def test_an_old_primary_that_knows_only_sync_is_followed(node, seed):
    source = primary_with_data(node, seed)
    source.call("SAVE")
    old = OldPrimary((source.folder / "dump.rdb").read_bytes(),
                     b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$3\r\nnew\r\n$1\r\n1\r\n")
    try:
        replica = node("hearth")
        replica.replicate(old)
        wait_for(lambda: replica.link_is_up() and replica.call("GET", "new") == b"1", 30, "the stream")
        source.call("SET", "new", "1")
        wait_for(lambda: difference(source, replica) is None, 20, "the same data")
        assert b"ACK" not in old.heard
    finally:
        old.close()
