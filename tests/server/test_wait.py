"""WAIT and WAITAOF on a server without replicas, and WAIT on one with a replica of the real server."""

import time

import pytest

from support.info import client_lines, info_fields
from support.resp import Error, OK, PONG
from support.server import wait_for

NO_FILE = Error(b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")


def replies(server, *requests):
    with server.client() as client:
        return [client.call(*request) for request in requests]


def test_wait_answers_the_oracles_replies_and_errors(both):
    requests = [
        ("WAIT", 0, 0), ("WAIT", -1, 0), ("WAIT", 0, 1), ("WAIT", 1, 1), ("WAIT", 1000000000000, 5),
        ("WAIT",), ("WAIT", 1), ("WAIT", 1, 2, 3), ("WAIT", "x", 1), ("WAIT", 1, "x"), ("WAIT", 1, -1),
        ("WAIT", "1.5", 1), ("SET", "a", "b"), ("WAIT", 0, 0), ("WAIT", 1, 1),
    ]
    hearth, oracle = (replies(server, *requests) for server in both)
    assert hearth == oracle


def test_a_timeout_beyond_all_time_is_an_error(hearth):
    # The oracle, which is of 7.0, takes it for a number below zero and waits for ever.
    assert replies(hearth, ("WAIT", 1, 2**63 - 1)) == [Error(b"ERR timeout is out of range")]


def test_wait_does_not_wait_in_a_transaction(both):
    for server in both:
        assert replies(server, ("MULTI",), ("SET", "a", "1"), ("WAIT", 1, 0), ("EXEC",))[-1] == [OK, 0]


def test_wait_sleeps_until_its_time_is_over(each):
    with each.client() as client, each.client() as other:
        client.send("WAIT", 1, 300)
        wait_for(lambda: info_fields(other.call("INFO", "clients"))["blocked_clients"] == "1")
        started = time.monotonic()
        assert other.call("SET", "a", "b") == OK
        assert time.monotonic() - started < 0.25
        line = next(line for line in client_lines(other.call("CLIENT", "LIST")) if line["cmd"] == "wait")
        assert "b" in line["flags"]
        assert client.read_reply() == 0
        assert info_fields(other.call("INFO", "clients"))["blocked_clients"] == "0"


@pytest.mark.parametrize("reason, reply", [
    ("TIMEOUT", 0),
    ("ERROR", Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")),
])
def test_wait_can_be_ended_by_another(each, reason, reply):
    with each.client() as client, each.client() as other:
        identity = client.call("CLIENT", "ID")
        client.send("WAIT", 1, 0)
        client.send("PING")
        wait_for(lambda: other.call("CLIENT", "UNBLOCK", identity, reason) == 1)
        assert client.read_reply() == reply
        assert client.read_reply() == PONG


def test_who_goes_away_while_waiting_leaves_nothing_behind(each):
    with each.client() as other:
        for _ in range(3):
            with each.client() as client:
                client.send("WAIT", 1, 0)
                wait_for(lambda: info_fields(other.call("INFO", "clients"))["blocked_clients"] == "1")
            wait_for(lambda: info_fields(other.call("INFO", "clients"))["blocked_clients"] == "0")


def test_waitaof_checks_its_arguments(hearth):
    assert replies(
        hearth, ("WAITAOF", 0, 0), ("WAITAOF", 2, 0, 0), ("WAITAOF", 0, -1, 0), ("WAITAOF", 0, 0, -1),
        ("WAITAOF", 0, 0, "x"), ("WAITAOF", 1, 0, 0), ("WAITAOF", 0, 0, 0), ("WAITAOF", 0, 1, 20)) == [
            Error(b"ERR wrong number of arguments for 'waitaof' command"),
            Error(b"ERR value is out of range, value must between 0 and 1"),
            Error(b"ERR value is out of range, must be positive"),
            Error(b"ERR timeout is negative"),
            Error(b"ERR timeout is not an integer or out of range"),
            NO_FILE,
            [0, 0],
            [0, 0],
        ]


@pytest.mark.parametrize("policy", ["always", "everysec"])
def test_waitaof_answers_once_the_write_is_on_disk(start, policy):
    server = start("hearth", "--appendonly", "yes", "--appendfsync", policy)
    with server.client() as client:
        for i in range(5):
            client.call("SET", f"k{i}", i)
            assert client.call("WAITAOF", 1, 0, 5000) == [1, 0]
            assert client.call("WAITAOF", 1, 1, 20) == [1, 0]
    server.kill()
    server.restart()
    with server.client() as client:
        assert client.call("DBSIZE") == 5


def test_waitaof_does_not_count_what_is_never_synced(start):
    server = start("hearth", "--appendonly", "yes", "--appendfsync", "no")
    with server.client() as client:
        client.call("SET", "a", "1")
        assert client.call("WAITAOF", 1, 0, 50) == [0, 0]
        assert client.call("CONFIG", "SET", "appendfsync", "everysec") == OK
        assert client.call("WAITAOF", 1, 0, 5000) == [1, 0]


def test_waitaof_ends_with_an_error_when_the_file_is_turned_off(start):
    server = start("hearth", "--appendonly", "yes", "--appendfsync", "no")
    with server.client() as client, server.client() as other:
        client.call("SET", "a", "1")
        client.send("WAITAOF", 1, 0, 0)
        wait_for(lambda: info_fields(other.call("INFO", "clients"))["blocked_clients"] == "1")
        assert other.call("CONFIG", "SET", "appendonly", "no") == OK
        assert client.read_reply() in (NO_FILE, [1, 0])


def test_wait_and_waitaof_count_replicas(start):
    """A replica of ours and one of the real server, which sends no offset of its append-only file."""
    primary = start("hearth", "--repl-diskless-sync-delay", "0", "--appendonly", "yes", tcp=True)
    others = [start(role, "--replicaof", f"127.0.0.1 {primary.port}", "--appendonly", "yes")
              for role in ("hearth", "oracle")]
    with primary.client(timeout=30) as client:
        for number in range(5):
            assert client.call("SET", "a", number) == OK
            # They have to come first; later they acknowledge when asked, and not once a second.
            started = time.monotonic()
            assert client.call("WAIT", 2, 20000) == 2
            assert number < 2 or time.monotonic() - started < 0.9
            assert client.call("WAIT", 3, 10) == 2
        wait_for(lambda: client.call("WAITAOF", 1, 1, 10000) == [1, 1], 30)
        for other in others:
            with other.client() as replica:
                wait_for(lambda: replica.call("GET", "a") == b"4")
                assert replica.call("WAIT", 0, 0).value.startswith(
                    b"ERR WAIT cannot be used with replica instances.")
    with others[0].client() as replica:
        assert replica.call("WAITAOF", 0, 0, 0) == Error(
            b"ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are "
            b"just local and are not propagated.")
