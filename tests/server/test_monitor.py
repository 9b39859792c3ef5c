"""MONITOR: what is shown, in which form and order, and what is not."""

import re

import pytest

from support.info import client_lines
from support.resp import Error, OK, PONG, QUEUED, Simple
from support.server import wait_for

LINE = re.compile(rb"^\d{10}\.\d{6} \[(\d+) ([^\]]+)\] (.*)$")


class Watcher:
    """A client that monitors, and one whose ECHO ends a reading."""

    def __init__(self, server):
        self.client = server.client()
        self.other = server.client()
        assert self.client.call("MONITOR") == OK

    def lines(self):
        """[(database, source, arguments)] of all until now."""
        self.other.call("ECHO", "end of reading")
        lines = []
        while True:
            reply = self.client.read()
            assert isinstance(reply, Simple), reply
            match = LINE.match(reply.value)
            assert match, reply
            if match[3] == b'"ECHO" "end of reading"':
                return lines
            lines.append((int(match[1]), match[2], match[3].decode()))

    def shown(self):
        return [arguments for _, _, arguments in self.lines()]

    def close(self):
        self.client.close()
        self.other.close()


@pytest.fixture
def watched(each):
    """(server, watcher)"""
    watcher = Watcher(each)
    yield each, watcher
    watcher.close()


def test_arguments_are_quoted(watched):
    server, watcher = watched
    with server.client() as client:
        client.call("sEt", "k", b"a b\r\n\t\a\b\x00\xff\x7f'\"\\")
        client.call("GET", "")
    assert watcher.shown() == ['"sEt" "k" "a b\\r\\n\\t\\a\\b\\x00\\xff\\x7f\'\\"\\\\"', '"GET" ""']


def test_the_database_and_the_client_are_named(start, role):
    server = start(role, tcp=True)
    watcher = Watcher(server)
    with server.client() as by_path, server.client(tcp=True) as by_port:
        by_path.call("PING")
        by_port.call("SELECT", "5")
        by_port.call("PING")
        port = by_port.socket.getsockname()[1]
    assert watcher.lines() == [(0, f"unix:{server.address}".encode(), '"PING"'),
                               (5, f"127.0.0.1:{port}".encode(), '"SELECT" "5"'),
                               (5, f"127.0.0.1:{port}".encode(), '"PING"')]
    watcher.close()


def test_transactions_are_shown_as_they_run(watched):
    server, watcher = watched
    with server.client() as client:
        client.pipeline([("WATCH", "k"), ("MULTI",), ("SET", "k", "1"), ("INCR", "k"), ("EXEC",)])
        assert watcher.shown() == ['"WATCH" "k"', '"MULTI"', '"SET" "k" "1"', '"INCR" "k"', '"EXEC"']
        client.pipeline([("MULTI",), ("SET", "k", "1"), ("DISCARD",)])
        assert watcher.shown() == ['"MULTI"', '"DISCARD"']
        client.pipeline([("MULTI",), ("SET", "k"), ("EXEC",), ("EXEC",)])
        assert watcher.shown() == ['"MULTI"', '"EXEC"', '"EXEC"']


def test_what_failed_is_shown_and_what_was_refused_is_not(watched):
    server, watcher = watched
    with server.client() as client:
        client.pipeline([("SET", "k", "x"), ("LPUSH", "k", "1"), ("NOSUCH", "x"), ("GET",), ("CLIENT", "NOSUCH")])
    assert watcher.shown() == ['"SET" "k" "x"', '"LPUSH" "k" "1"']


def test_commands_of_administrators_are_not_shown(watched):
    server, watcher = watched
    with server.client() as client:
        client.pipeline([("CONFIG", "GET", "port"), ("CLIENT", "LIST"), ("CLIENT", "ID"),
                         ("ACL", "SETUSER", "bob", ">secret"), ("ACL", "WHOAMI"), ("SLOWLOG", "LEN"), ("INFO", "cpu")])
    assert watcher.shown() == ['"CLIENT" "ID"', '"ACL" "WHOAMI"', '"INFO" "cpu"']


def test_passwords_are_not_shown(watched):
    server, watcher = watched
    with server.client() as client:
        client.pipeline([("AUTH", "secret"), ("AUTH", "default", "secret"),
                         ("HELLO", "2", "AUTH", "default", "secret", "SETNAME", "me")])
    assert watcher.shown() == ['"AUTH" "(redacted)"', '"AUTH" "(redacted)" "(redacted)"',
                               '"HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"']


def test_a_client_that_waits_is_shown_once(watched):
    server, watcher = watched
    with server.client() as client, server.client() as pusher:
        client.send("BLPOP", "k", "0")
        wait_for(lambda: any("b" in line["flags"] for line in client_lines(pusher.call("CLIENT", "LIST"))))
        pusher.call("RPUSH", "k", "x")
        assert client.read() == [b"k", b"x"]
    assert watcher.shown() == ['"BLPOP" "k" "0"', '"RPUSH" "k" "x"']


def test_what_a_monitor_may_do_itself(each):
    with each.client() as monitor:
        assert monitor.call("MONITOR") == OK
        monitor.send("MONITOR")  # is not answered
        assert monitor.call("PING") == PONG
        assert monitor.read().value.endswith(b'"PING"')
        assert monitor.call("GET", "k") == Error(b"ERR Replica can't interact with the keyspace")
        assert monitor.call("SET", "k", "1") == Error(b"ERR Replica can't interact with the keyspace")
        assert "O" in client_lines(monitor.call("CLIENT", "INFO"))[0]["flags"]
        assert monitor.read().value.endswith(b'"CLIENT" "INFO"')
        assert monitor.call("RESET") == Simple(b"RESET")
        assert monitor.call("PING") == PONG
        assert monitor.call("GET", "k") is not None
        assert "O" not in client_lines(monitor.call("CLIENT", "INFO"))[0]["flags"]
        assert monitor.call("MONITOR") == OK
        assert monitor.call("QUIT") == OK
        assert monitor.is_closed()


def test_a_transaction_cannot_begin_to_monitor(each):
    with each.client() as client:
        replies = client.pipeline([("MULTI",), ("MONITOR",), ("PING",), ("EXEC",)])
        assert replies == [OK, QUEUED, QUEUED,
                           [Error(b"ERR MONITOR isn't allowed for DENY BLOCKING client"), PONG]]


def test_a_monitor_whose_replies_are_off_is_shown_nothing(each):
    with each.client() as monitor, each.client() as client:
        monitor.send("CLIENT", "REPLY", "OFF")
        monitor.send("MONITOR")
        wait_for(lambda: any("O" in line["flags"] for line in client_lines(client.call("CLIENT", "LIST"))))
        client.call("GET", "k")
        assert monitor.nothing_to_read()


def test_a_monitor_that_does_not_read_is_closed_at_its_output_limit(each):
    with each.client() as monitor, each.client() as client:
        client.call("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0")
        assert monitor.call("MONITOR") == OK
        value = "x" * 100_000

        def is_closed():
            client.pipeline([("ECHO", value)] * 10)
            return not any("O" in line["flags"] for line in client_lines(client.call("CLIENT", "LIST")))

        wait_for(is_closed, seconds=30, what="the monitor is closed")
        assert client.call("PING") == PONG


def test_a_replica_shows_what_its_primary_sends(start, role):
    primary, replica = start(role, tcp=True), start(role, tcp=True)
    with primary.client() as writer, replica.client() as client:
        assert client.call("REPLICAOF", "127.0.0.1", primary.port) == OK
        wait_for(lambda: b"master_link_status:up" in client.call("INFO", "replication"), seconds=30,
                 what="the replica has synchronised")
        watcher = Watcher(replica)
        writer.call("SET", "k", "1")
        wait_for(lambda: client.call("GET", "k") == b"1", what="the write arrives")
        source = f"127.0.0.1:{primary.port}".encode()
        assert [line for line in watcher.lines() if line[1] == source and "PING" not in line[2]] == [
            (0, source, '"SELECT" "0"'), (0, source, '"SET" "k" "1"')]
        watcher.close()


def test_a_script_is_shown_before_what_it_calls(watched):
    server, watcher = watched
    with server.client() as client:
        client.call("EVAL", "return redis.call('SET', KEYS[1], 'v')", 1, "k")
    (_, _, script), (_, source, called) = watcher.lines()
    assert script.startswith('"EVAL" ') and source == b"lua" and called == '"SET" "k" "v"'
