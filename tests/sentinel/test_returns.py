"""Promised writes (`replication-acks`) and servers whose processes end and come back: what they remember, and who dares to
be a primary."""

import contextlib

import pytest

from sentinel.test_promises import ACKS, NAME, code_of, says
from support.resp import OK, Error
from support.server import wait_for

FILE = "promises.hearth"


def keeps(server):
    return (server.folder / FILE).exists()


@contextlib.contextmanager
def file_cannot_be_written(server):
    in_the_way = server.folder / (FILE + ".tmp") / "in the way"
    in_the_way.mkdir(parents=True)
    yield
    in_the_way.rmdir()
    in_the_way.parent.rmdir()


@pytest.fixture
def pair(server):
    """pair(*arguments) -> a primary that promises, and its replica."""

    def begin(*arguments):
        primary = server("hearth", *ACKS, *arguments)
        replica = server("hearth", primary=primary)
        wait_for(lambda: primary.call("SET", "a", "1") == OK, 15, "a promise")
        wait_for(lambda: keeps(primary) and keeps(replica), 15, "the files")
        return primary, replica

    return begin


def assert_uncertain(primary):
    assert primary.replication()["acks_uncertain"]
    assert code_of(primary.call("SET", "a", "2")) == b"READONLY"


def end_in_order(server):
    with server.client() as client:
        client.send("SHUTDOWN")
        server.wait_for_exit()


@pytest.mark.parametrize("comes_with", ["nothing", "an empty disk"])
def test_a_primary_that_may_lack_what_it_promised_waits_until_an_operator_has_it_go_on(pair, comes_with):
    primary, replica = pair("--appendonly", "yes")
    with primary.client() as client:
        assert client.call("SET", "here", "1") == OK
        assert client.call("WAITAOF", "1", "0", "15000")[0] == 1
    primary.kill()
    if comes_with == "an empty disk":
        (primary.folder / FILE).unlink()
        primary.restart()
        # It hears of it from its replica.
        wait_for(lambda: primary.replication().get("acks_uncertain"), 15, "the replica to tell it")
    else:
        primary.restart()
    assert_uncertain(primary)
    wait_for(lambda: "NOMASTERLINK" in replica.log(), 15, "the replica to be refused")
    assert replica.call("GET", "a") == b"1"
    assert primary.replication()["connected_slaves"] == "0"
    assert primary.call("REPLICAOF", "NO", "ONE") == OK
    assert "acks_uncertain" not in primary.replication()
    assert primary.call("GET", "here") == b"1"
    wait_for(lambda: primary.call("SET", "b", "2") == OK, 30, "a promise")
    wait_for(lambda: replica.follows(primary) and replica.call("GET", "b") == b"2", 30, "the replica to follow")


def test_a_primary_that_ended_in_order_has_all_that_it_promised(pair):
    primary, replica = pair("--appendonly", "yes")
    end_in_order(primary)
    primary.restart()
    assert "acks_uncertain" not in primary.replication()
    wait_for(lambda: replica.follows(primary), 15, "the replica to follow")
    wait_for(lambda: primary.call("SET", "b", "2") == OK, 15, "a promise")
    assert primary.call("GET", "a") == b"1"
    # That was once: it may lack what it has promised since.
    primary.kill()
    primary.restart()
    assert_uncertain(primary)


def test_a_primary_that_syncs_each_write_has_all_that_it_promised(pair):
    primary, replica = pair("--appendonly", "yes", "--appendfsync", "always")
    wait_for(lambda: "synced=yes" in (primary.folder / FILE).read_text(), 15, "it to be noted")
    primary.kill()
    primary.restart()
    assert "acks_uncertain" not in primary.replication()
    wait_for(lambda: replica.follows(primary), 15, "the replica to follow")
    wait_for(lambda: primary.call("SET", "b", "2") == OK, 15, "a promise")
    assert replica.call("GET", "a") == b"1"
    assert primary.call("CONFIG", "SET", "appendfsync", "everysec") == OK
    wait_for(lambda: "synced=no" in (primary.folder / FILE).read_text(), 15, "it to be noted")


def test_without_promises_nothing_is_kept_and_nothing_changes(server):
    primary = server("hearth")
    replica = server("hearth", primary=primary)
    wait_for(lambda: replica.follows(primary), 15, "the replica to follow")
    assert primary.call("SET", "a", "1") == OK
    primary.kill()
    primary.restart()
    assert primary.call("SET", "a", "2") == OK
    wait_for(lambda: replica.follows(primary), 15, "the replica to follow")
    assert not keeps(primary) and not keeps(replica)


def test_who_turns_promises_off_needs_no_more_than_that(pair):
    primary, replica = pair()
    primary.kill()
    primary.restart()
    assert_uncertain(primary)
    assert primary.call("CONFIG", "SET", "replication-acks", "0") == OK
    wait_for(lambda: primary.call("SET", "a", "2") == OK, 15, "a write")
    wait_for(lambda: replica.follows(primary), 15, "the replica to follow")
    wait_for(lambda: not keeps(primary) and not keeps(replica), 15, "the files to go")


def test_a_fence_outlives_the_process(pair):
    primary, replica = pair()
    assert replica.call("REPLICATION", "FENCE", "5") == OK
    replica.kill()
    replica.restart()
    fields = replica.replication()
    assert (fields["fenced_epoch"], fields["acks_epoch"], fields["master_link_status"]) == ("5", "5", "down")
    assert code_of(replica.call("REPLICATION", "FENCE", "4")) == b"STALEEPOCH"
    assert code_of(primary.call("SET", "a", "2")) == b"NOREPLICAS"
    assert replica.call("REPLICATION", "FOLLOW", "5", "127.0.0.1", str(primary.port)) == OK
    wait_for(lambda: replica.follows(primary), 15, "the replica to follow")
    assert "fenced_epoch" not in replica.replication()
    wait_for(lambda: primary.call("SET", "a", "2") == OK, 15, "a promise")


def test_a_replica_that_knows_a_newer_epoch_does_not_acknowledge_to_a_primary_that_was_replaced(pair):
    primary, replica = pair()
    # As if it had been told to follow another one, and came back with the configuration of old.
    replica.kill()
    text = (replica.folder / FILE).read_text()
    assert "epoch=0\n" in text
    replica.restart()
    wait_for(lambda: replica.follows(primary), 15, "the replica to follow")
    assert replica.call("REPLICATION", "FENCE", "7") == OK
    assert replica.call("REPLICATION", "FOLLOW", "7", "127.0.0.1", "1") == OK
    replica.kill()
    replica.restart()
    wait_for(lambda: primary.replication().get("acks_uncertain"), 15, "the primary to hear of it")
    assert_uncertain(primary)


def test_a_fence_that_cannot_be_saved_is_none(pair):
    primary, replica = pair()
    with file_cannot_be_written(replica):
        reply = replica.call("REPLICATION", "FENCE", "5")
        assert isinstance(reply, Error) and b"the fence cannot be saved" in reply.value
        assert "fenced_epoch" not in replica.replication()
        wait_for(lambda: primary.call("SET", "a", "2") == OK, 15, "a promise")
    assert replica.call("REPLICATION", "FENCE", "5") == OK


def test_no_promise_is_made_that_cannot_be_remembered(server):
    primary = server("hearth", *ACKS)
    with file_cannot_be_written(primary):
        replica = server("hearth", primary=primary)
        wait_for(lambda: replica.follows(primary), 15, "the replica to follow")
        wait_for(lambda: "What is promised cannot be saved" in primary.log(), 15, "the log to say so")
        assert code_of(primary.call("SET", "a", "1")) == b"NOREPLICAS"
    wait_for(lambda: primary.call("SET", "a", "1") == OK, 15, "a promise")


def test_a_file_that_is_damaged_is_an_error_at_the_start(pair):
    primary, _replica = pair()
    primary.kill()
    path = primary.folder / FILE
    path.write_text(path.read_text().replace("required=1", "required=2"))
    with pytest.raises(AssertionError, match="is damaged"):
        primary.restart()
    path.unlink()
    primary.restart()


def test_sentinels_replace_a_primary_that_is_back_without_its_last_writes(deploy):
    # It is back long before it could be found down by its silence.
    deployment = deploy(arguments=(*ACKS, "--appendonly", "yes"), down_after_ms=20_000)
    primary = deployment.primary
    wait_for(lambda: primary.call("SET", "ready", "1") == OK, 15, "a promise")
    for one in deployment.sentinels:
        wait_for(lambda s=one: says(s, "promised writes: 2 of 2 replicas"), 15, f"{one} to know the set")
    kept = []
    with primary.client(timeout=30.0) as client:
        for number in range(300):
            if client.call("SET", f"key:{number}", number) == OK:
                kept.append(number)
    primary.kill()
    # The end of its file is lost, as if the machine had been.
    file = max((primary.folder / "appendonlydir").glob("*.incr.aof"))
    with open(file, "r+b") as opened:
        opened.truncate(file.stat().st_size // 2)
    primary.restart()
    new = deployment.wait_until_switched()
    with new.client() as client:
        assert client.pipeline([["EXISTS", f"key:{number}"] for number in kept]) == [1] * len(kept)
    for one in [*deployment.replicas, primary]:
        if one is not new:
            wait_for(lambda s=one: s.follows(new), 30, f"{one} to follow")
    wait_for(lambda: new.call("SET", "again", "1") == OK, 30, "a promise of the new primary")
    assert primary.call("DBSIZE") == new.call("DBSIZE")
    assert deployment.sentinels[0].call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)[1] == str(new.port).encode()
