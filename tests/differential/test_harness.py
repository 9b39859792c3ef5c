"""The harness itself: it finds nothing between two equal servers, and finds and shrinks a difference that was
planted."""

import pathlib
import socket
import threading

import pytest

from differential import families
from differential.compare import normal_messages, replies_agree
from differential.grammar import Generator, make_case
from differential.runner import SERVER_ARGUMENTS
from differential.session import read_case, run_case, run_session, write_case
from support.resp import Error, Map, OK, Set, Simple

GROUPS = families.names()


class RewritingProxy:
    """A unix socket in front of a server that replaces some bytes in what clients send: a server with one
    bug."""

    def __init__(self, server, old, new):
        self.target, self.old, self.new = server.address, old, new
        self.address = str(pathlib.Path(server.folder) / "proxy.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.address)
        self.listener.listen(64)
        self.sockets = []
        self.server = server
        threading.Thread(target=self._accept, daemon=True).start()

    def answers(self):
        return self.server.answers()

    def log(self):
        return self.server.log()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(self.target)
            self.sockets += [client, upstream]
            threading.Thread(target=self._pump, args=(client, upstream, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(upstream, client, False), daemon=True).start()

    def _pump(self, source, sink, rewrite):
        try:
            while data := source.recv(1 << 20):
                sink.sendall(data.replace(self.old, self.new) if rewrite else data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.close()
        for end in self.sockets:
            end.close()


@pytest.fixture
def oracles(start):
    return start("oracle", *SERVER_ARGUMENTS), start("oracle", *SERVER_ARGUMENTS)


def test_two_oracles_do_not_differ(oracles, seed):
    outcome = run_session(*oracles, seed, GROUPS, 15000)
    assert not outcome.report, outcome.report
    assert outcome.commands >= 15000


def test_a_missing_command_is_found_and_shrunk_to_itself(start, seed):
    left = start("oracle", *SERVER_ARGUMENTS)
    right = start("oracle", *SERVER_ARGUMENTS, "--rename-command", "LPOS", "")
    outcome = run_session(left, right, seed, ["list"], 10000)
    assert outcome.difference is not None
    assert outcome.difference.kind == "reply"
    assert [step.arguments[0].upper() for step in outcome.steps] == [b"LPOS"]
    assert str(seed) in outcome.report and outcome.replay in outcome.report


def test_a_different_setting_is_found(start, seed):
    left = start("oracle", *SERVER_ARGUMENTS)
    right = start("oracle", *SERVER_ARGUMENTS, "--databases", "15")
    outcome = run_session(left, right, seed, ["connection", "generic"], 20000)
    assert outcome.difference is not None
    assert len(outcome.steps) <= 4


def test_a_command_with_a_wrong_effect_is_found_and_shrunk(start, oracles, seed):
    left, behind = oracles
    proxy = RewritingProxy(behind, b"\r\n$6\r\nGETDEL\r\n", b"\r\n$3\r\nGET\r\n")
    try:
        outcome = run_session(left, proxy, seed, ["string"], 10000)
    finally:
        proxy.close()
    assert outcome.difference is not None
    assert len(outcome.steps) <= 4, outcome.report
    assert b"GETDEL" in [step.arguments[0].upper() for step in outcome.steps]


def test_a_case_survives_its_file(oracles, seed):
    steps = make_case(Generator(seed), [families.load(group) for group in GROUPS], 300)
    path = write_case(steps)
    try:
        assert read_case(path) == steps
        assert run_case(*oracles, steps)[0] is None
    finally:
        pathlib.Path(path).unlink()


def test_one_seed_makes_one_case(seed):
    modules = [families.load(group) for group in GROUPS]
    assert make_case(Generator(seed), modules, 500) == make_case(Generator(seed), modules, 500)


def test_comparison_is_exact_where_redis_promises_order():
    assert replies_agree((b"GET", b"k"), b"v", b"v")
    assert not replies_agree((b"GET", b"k"), b"OK", OK)
    assert not replies_agree((b"LRANGE", b"k", b"0", b"-1"), [b"a", b"b"], [b"b", b"a"])
    assert not replies_agree((b"INCR", b"k"), 1, b"1")
    assert not replies_agree((b"GET", b"k"), Error(b"ERR a"), Error(b"ERR b"))
    assert not replies_agree((b"SMEMBERS", b"k"), [b"a"], Set([b"a"]))


def test_comparison_forgives_order_only_without_a_probe_that_says_small():
    command = (b"HKEYS", b"h")
    probe = (b"OBJECT", b"ENCODING", b"h")
    assert replies_agree(command, [b"a", b"b"], [b"b", b"a"], (probe, b"hashtable", b"hashtable"))
    assert not replies_agree(command, [b"a", b"b"], [b"b", b"a"], (probe, b"listpack", b"listpack"))
    assert replies_agree((b"HGETALL", b"h"), Map([(b"a", b"1"), (b"b", b"2")]),
                         Map([(b"b", b"2"), (b"a", b"1")]))
    assert not replies_agree((b"HGETALL", b"h"), [b"a", b"1", b"b", b"2"], [b"a", b"2", b"b", b"1"])


def test_comparison_checks_times_and_random_choices():
    assert replies_agree((b"PTTL", b"k"), 100000, 99990)
    assert not replies_agree((b"PTTL", b"k"), 100000, 10000)
    assert not replies_agree((b"TTL", b"k"), -1, -2)
    probe = ((b"HGETALL", b"h"), [b"a", b"1"], [b"a", b"1"])
    assert replies_agree((b"HRANDFIELD", b"h"), b"a", b"a", probe)
    assert not replies_agree((b"HRANDFIELD", b"h"), b"a", b"z", probe)


def test_patterns_of_one_message_have_no_order():
    first = [[b"pmessage", b"*", b"c", b"m"], [b"pmessage", b"c*", b"c", b"m"]]
    assert normal_messages(first) == normal_messages(first[::-1])
    later = [[b"pmessage", b"*", b"c", b"1"], [b"pmessage", b"*", b"c", b"2"]]
    assert normal_messages(later) != normal_messages(later[::-1])
    assert normal_messages([Simple(b"PONG")]) == [Simple(b"PONG")]
