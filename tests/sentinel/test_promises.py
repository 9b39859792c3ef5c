"""Promised writes (`replication-acks`) and failovers: who is promoted, who is not, and what fenced servers do."""

import signal

import pytest

from sentinel.deployment import NAME
from support.resp import OK, Error
from support.server import wait_for

ACKS = ("--replication-acks", "1", "--replication-acks-timeout", "0")


def explain(sentinel):
    return [line.decode() for line in sentinel.call("SENTINEL", "EXPLAIN", NAME)]


def says(sentinel, part):
    return any(part in line for line in explain(sentinel))


def code_of(reply):
    assert isinstance(reply, Error), reply
    return reply.value.split()[0]


@pytest.fixture
def promised(deploy):
    """A deployment whose Sentinels know the set of two replicas."""
    deployment = deploy(arguments=ACKS)
    wait_for(lambda: deployment.primary.call("SET", "ready", "1") == OK, 15, "a promise")
    for one in deployment.sentinels:
        wait_for(lambda s=one: says(s, "promised writes: 2 of 2 replicas"), 15, f"{one} to know the set")
    return deployment


def test_the_promoted_one_has_all_that_was_promised(promised):
    kept = []
    with promised.primary.client(timeout=30.0) as client:
        for number in range(300):
            if client.call("SET", f"key:{number}", number) == OK:
                kept.append(number)
    promised.primary.kill()
    new = promised.wait_until_switched()
    with new.client() as client:
        assert client.pipeline([["EXISTS", f"key:{number}"] for number in kept]) == [1] * len(kept)
    other = next(one for one in promised.replicas if one is not new)
    wait_for(lambda: other.follows(new), 30, "the other replica to follow")
    # It goes on promising, with a set of its own.
    wait_for(lambda: new.call("SET", "again", "1") == OK, 30, "a promise of the new primary")
    fields = new.replication()
    assert fields["acks_required"] == "1" and f"127.0.0.1:{other.port}@" in fields["acks_set"]
    assert int(fields["acks_epoch"]) >= 1
    assert "fenced_epoch" not in other.replication()


def test_with_too_few_replicas_nobody_is_promoted_unless_it_is_forced(promised):
    lost, left = promised.replicas
    # Stopped it cannot see that the replica goes, and take it out of the set.
    promised.primary.signal(signal.SIGSTOP)
    lost.kill()
    promised.primary.kill()
    one = promised.sentinels[0]
    wait_for(lambda: says(one, "of 2 replicas that may have acknowledged promised writes 2 must answer, and 1 do"), 30,
             "EXPLAIN to say so")
    wait_for(lambda: any(entry[7].startswith(b"of 2 replicas") for entry in
                         one.call("SENTINEL", "HISTORY", NAME) + promised.sentinels[1].call("SENTINEL", "HISTORY", NAME)
                         + promised.sentinels[2].call("SENTINEL", "HISTORY", NAME)), 60, "a failover that came to nothing")
    assert explain(one)[-1] == "a failover could not succeed now"
    assert left.replication()["role"] == "slave"

    def force():
        reply = one.call("SENTINEL", "FORCE-FAILOVER", NAME)
        return reply == OK or reply.value.startswith(b"INPROG") and None

    wait_for(force, 60, "a failover that is forced")
    assert promised.wait_until_switched() is left


def test_a_replica_that_comes_back_lets_the_failover_go_on(promised):
    lost = promised.replicas[0]
    promised.primary.signal(signal.SIGSTOP)
    lost.signal(signal.SIGSTOP)
    promised.primary.kill()
    one = promised.sentinels[0]
    wait_for(lambda: says(one, "replicas that may have acknowledged promised writes 2 must answer"), 30, "EXPLAIN")
    lost.signal(signal.SIGCONT)
    promised.wait_until_switched()


def test_a_replaced_primary_takes_no_writes_and_answers_reads(server):
    primary = server()
    with primary.client() as client:
        assert client.call("SET", "a", "1") == OK
        assert client.call("REPLICATION", "REPLACED", "5") == OK
        assert code_of(client.call("SET", "a", "2")) == b"READONLY"
        assert client.call("GET", "a") == b"1"
        assert primary.replication()["replaced"] == "1"
        assert client.call("REPLICAOF", "NO", "ONE") == OK
        assert client.call("SET", "a", "3") == OK
        assert client.call("REPLICATION", "PROMOTE", "7") == OK
        # Of its own epoch it is the primary, and older ones mean nothing.
        assert code_of(client.call("REPLICATION", "REPLACED", "7")) == b"STALEEPOCH"
        assert code_of(client.call("REPLICATION", "REPLACED", "6")) == b"STALEEPOCH"
        for wrong in (["FENCE", "8"], ["REPLACED", "x"], ["FENCE", "0"], ["FENCE"], ["PROMOTE", "8", "NOW"], ["FOLLOW", "8", "h", "x"],
                      ["REPLACED", str(2**62 + 1)]):
            assert isinstance(client.call("REPLICATION", *wrong), Error), wrong
        assert client.call("SET", "a", "4") == OK


def test_a_fenced_replica_acknowledges_nothing_until_it_is_told_what_to_be(server):
    primary = server("hearth", *ACKS)
    replica = server(primary=primary)
    wait_for(lambda: primary.call("SET", "a", "1") == OK, 15, "a promise")
    with replica.client() as client:
        assert client.call("REPLICATION", "FENCE", "5") == OK
        fields = replica.replication()
        assert fields["fenced_epoch"] == "5" and fields["master_link_status"] == "down"
        wait_for(lambda: primary.replication()["connected_slaves"] == "0", 15, "the replica to have left")
        assert code_of(primary.call("SET", "a", "2")) == b"NOREPLICAS"
        assert code_of(client.call("REPLICATION", "PROMOTE", "4")) == b"STALEEPOCH"
        assert code_of(client.call("REPLICATION", "PROMOTE", "6")) == b"STALEEPOCH"
        assert client.call("REPLICATION", "FOLLOW", "6", "127.0.0.1", str(primary.port)) == OK
        wait_for(lambda: replica.follows(primary), 15, "the replica to follow again")
        wait_for(lambda: primary.call("SET", "a", "3") == OK, 15, "a promise")
        assert primary.replication()["acks_epoch"] == "6"
        assert client.call("REPLICATION", "FENCE", "8") == OK
        assert client.call("REPLICATION", "PROMOTE", "8") == OK
        assert replica.replication()["role"] == "master"
        assert client.call("GET", "a") == b"3"


def test_replicas_of_the_real_kind_go_by_the_classic_rule(deploy):
    deployment = deploy(servers=("hearth", "redis", "redis"))
    assert deployment.primary.call("CONFIG", "SET", "replication-acks", "1") == OK
    wait_for(lambda: deployment.primary.call("SET", "a", "1") == OK, 15, "a promise")
    assert not says(deployment.sentinels[0], "promised")
    deployment.primary.kill()
    deployment.wait_until_switched()
