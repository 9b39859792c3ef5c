"""Blocking list commands with several clients: who is served, in which order, with which reply, the same on
both servers.

A scenario is a list of steps run on Hearth and on the oracle; all replies are compared, and where the
expected reply is known it stands in the test too, so that the two cannot agree on something wrong.
"""

import pytest

from differential.runner import read_until_token
from support.info import client_lines, text_of
from support.resp import Error, NULL_ARRAY, NULL_BULK, OK, QUEUED
from differential.supported import is_supported
from support.server import wait_for


class Table:
    """Named clients of one server; `block` returns when the server counts the client as blocked."""

    def __init__(self, server):
        self.server = server
        self.clients = {}
        self.admin = server.client()
        self.blocked = 0

    def __getitem__(self, name):
        if name not in self.clients:
            self.clients[name] = self.server.client()
        return self.clients[name]

    def block(self, name, *command):
        before = self.count_blocked()
        self[name].send(*command)
        wait_for(lambda: self.count_blocked() == before + 1, what=f"{name} blocks in {command}")

    def count_blocked(self):
        info = text_of(self.admin.call("INFO", "clients"))
        return int(next(line for line in info.split("\r\n")
                        if line.startswith("blocked_clients:")).split(":")[1])

    def close(self):
        for client in [self.admin, *self.clients.values()]:
            client.close()


@pytest.fixture
def on_both(start):
    """on_both(scenario) runs scenario(table) on both servers, compares what it returns and gives it back."""
    tables = []

    def run(scenario, *arguments):
        results = []
        for role in ("oracle", "hearth"):
            tables.append(Table(start(role, *arguments)))
            results.append(scenario(tables[-1]))
        assert results[0] == results[1], f"oracle {results[0]!r}, hearth {results[1]!r}"
        return results[1]

    yield run
    for table in tables:
        table.close()


BLOCKERS = [
    ("BLPOP", "k", "0"), ("BRPOP", "k", "0"), ("BLMOVE", "k", "other", "LEFT", "RIGHT", "0"),
            ("BRPOPLPUSH", "k", "other", "0"),
    ("BLMPOP", "0", "1", "k", "LEFT"), ("BLMPOP", "0", "2", "nokey", "k", "RIGHT", "COUNT", "2"),
]
BLOCKER_IDS = [" ".join(b) for b in BLOCKERS]


@pytest.mark.parametrize("blocker", BLOCKERS, ids=BLOCKER_IDS)
def test_a_push_wakes_the_blocked_client(on_both, blocker):
    def scenario(table):
        table.block("a", *blocker)
        pushed = table["w"].call("RPUSH", "k", "1", "2", "3")
        return pushed, table["a"].read(), table["w"].call("LRANGE", "k", 0, -1), table["w"].call("LRANGE",
            "other", 0, -1)

    assert on_both(scenario)[0] == 3


@pytest.mark.parametrize("blocker", BLOCKERS, ids=BLOCKER_IDS)
def test_inside_multi_it_does_not_block(on_both, blocker):
    def scenario(table):
        client = table["a"]
        return client.call("MULTI"), client.call(*blocker), client.call("EXEC")

    assert on_both(scenario)[:2] == (OK, QUEUED)


@pytest.mark.parametrize("command, reply", [
    (("BLPOP", "k", "0.05"), NULL_ARRAY), (("BRPOP", "k", "j", "0.05"), NULL_ARRAY),
    (("BLMOVE", "k", "o", "LEFT", "LEFT", "0.05"), NULL_BULK), (("BRPOPLPUSH", "k", "o", "0.05"), NULL_BULK),
    (("BLMPOP", "0.05", "1", "k", "LEFT"), NULL_ARRAY),
])
def test_the_timeout_gives_a_null(on_both, command, reply):
    assert on_both(lambda table: table["a"].call(*command)) in (reply, NULL_ARRAY)


FORMS_WITH_A_TIMEOUT = [("BLPOP", "k", None), ("BLMOVE", "k", "o", "LEFT", "LEFT", None),
                        ("BLMPOP", None, "1", "k", "LEFT")]


# 7.0 overflows on these and calls them negative; 7.2 and Hearth say what is wrong.
@pytest.mark.parametrize("timeout", ["1e400", "inf", "9223372036854775807"])
@pytest.mark.parametrize("form", FORMS_WITH_A_TIMEOUT)
def test_timeouts_beyond_all_bounds_are_refused(start, form, timeout):
    table = Table(start("hearth"))
    reply = table["a"].call(*(timeout if part is None else part for part in form))
    assert reply in (Error(b"ERR timeout is out of range"), Error(b"ERR timeout is not a float or out of range"))
    table.close()


@pytest.mark.parametrize("timeout", ["-1", "a", "", "nan", "-0.1", "0x", "1 "])
@pytest.mark.parametrize("form", FORMS_WITH_A_TIMEOUT)
def test_wrong_timeouts_are_refused(on_both, form, timeout):
    reply = on_both(lambda table: table["a"].call(*(timeout if part is None else part for part in form)))
    assert isinstance(reply, Error)


def test_clients_are_served_in_the_order_in_which_they_blocked(on_both):
    def scenario(table):
        for name in "abcd":
            table.block(name, "BLPOP", "k", "0")
        table["w"].call("RPUSH", "k", "1", "2", "3")
        first = [table[name].read() for name in "abc"]
        still = table["d"].nothing_to_read()
        table["w"].call("LPUSH", "k", "4")
        return first, still, table["d"].read()

    assert on_both(scenario) == ([[b"k", b"1"], [b"k", b"2"], [b"k", b"3"]], True, [b"k", b"4"])


# 7.0 serves the key that was pushed first; since 7.2 the command runs again and takes its first key.
def test_the_first_key_of_the_command_wins_when_two_become_ready_at_once(start):
    table = Table(start("hearth"))
    table.block("a", "BLPOP", "k1", "k2", "k3", "0")
    table["w"].pipeline([("MULTI",), ("RPUSH", "k3", "x"), ("RPUSH", "k2", "y"), ("EXEC",)])
    assert table["a"].read() == [b"k2", b"y"]
    table.close()


def test_a_key_that_is_pushed_and_removed_in_one_transaction_wakes_nobody(on_both):
    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        table["w"].pipeline([("MULTI",), ("RPUSH", "k", "x"), ("DEL", "k"), ("EXEC",)])
        quiet = table["a"].nothing_to_read()
        table["w"].call("RPUSH", "k", "y")
        return quiet, table["a"].read()

    assert on_both(scenario) == (True, [b"k", b"y"])


def test_a_key_of_another_type_wakes_nobody(on_both):
    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        table["w"].call("SET", "k", "string")
        table["w"].call("DEL", "k")
        table["w"].call("HSET", "k", "f", "v")
        quiet = table["a"].nothing_to_read()
        table["w"].call("DEL", "k")
        table["w"].call("RPUSH", "k", "y")
        return quiet, table["a"].read()

    assert on_both(scenario) == (True, [b"k", b"y"])


def test_a_wrong_type_at_the_start_is_an_error(on_both):
    def scenario(table):
        table["w"].call("SET", "k", "string")
        return [table["a"].call(*blocker) for blocker in BLOCKERS]

    assert all(isinstance(reply, Error) for reply in on_both(scenario))


def test_a_target_of_another_type_at_wake_up_is_an_error_and_keeps_the_element(on_both):
    def scenario(table):
        table["w"].call("SET", "other", "string")
        table.block("a", "BLMOVE", "k", "other", "LEFT", "LEFT", "0")
        table["w"].call("RPUSH", "k", "x")
        return table["a"].read(), table["w"].call("LRANGE", "k", 0, -1)

    assert isinstance(on_both(scenario)[0], Error)


READY = {
    "RENAME": [("RPUSH", "src", "x", "y"), ("RENAME", "src", "k")],
    "RENAMENX": [("RPUSH", "src", "x", "y"), ("RENAMENX", "src", "k")],
    "COPY": [("RPUSH", "src", "x", "y"), ("COPY", "src", "k")],
    "COPY from another database": [("SELECT", "1"), ("RPUSH", "src", "x"), ("COPY", "src", "k", "DB", "0")],
    "MOVE": [("SELECT", "1"), ("RPUSH", "k", "x"), ("MOVE", "k", "0")],
    "SWAPDB": [("SELECT", "1"), ("RPUSH", "k", "x"), ("SWAPDB", "0", "1")],
    "SORT STORE": [("RPUSH", "src", "2", "1"), ("SORT", "src", "STORE", "k")],
    "LMOVE": [("RPUSH", "src", "x"), ("LMOVE", "src", "k", "LEFT", "LEFT")],
    "RPOPLPUSH": [("RPUSH", "src", "x"), ("RPOPLPUSH", "src", "k")],
    "LINSERT in a transaction": [("MULTI",), ("RPUSH", "k", "x"), ("LINSERT", "k", "BEFORE", "x", "w"),
                                 ("EXEC",)],
}


@pytest.mark.parametrize("way", READY)
def test_a_list_that_appears_by_another_command_wakes_the_client(on_both, way):
    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        return table["w"].pipeline(READY[way]), table["a"].read(), table["w"].call("EXISTS", "k")

    assert on_both(scenario)[1][0] == b"k"


@pytest.mark.skipif(not is_supported((b"RESTORE",)), reason="the spec marks RESTORE as missing")
def test_restore_wakes_the_client(start):
    for role in ("oracle", "hearth"):
        table = Table(start(role))
        table["w"].call("RPUSH", "src", "x", "y")
        payload = table["w"].call("DUMP", "src")
        table.block("a", "BLPOP", "k", "0")
        assert table["w"].call("RESTORE", "k", "0", payload) == OK
        assert table["a"].read() == [b"k", b"x"]
        table.close()


def test_blocking_moves_chain(on_both):
    def scenario(table):
        table.block("a", "BLMOVE", "k1", "k2", "LEFT", "RIGHT", "0")
        table.block("b", "BLMOVE", "k2", "k3", "LEFT", "RIGHT", "0")
        table.block("c", "BLPOP", "k3", "0")
        table["w"].call("RPUSH", "k1", "x")
        return [table[name].read() for name in "abc"], table["w"].call("DBSIZE")

    assert on_both(scenario) == ([b"x", b"x", [b"k3", b"x"]], 0)


def test_a_circle_of_moves_ends(on_both):
    def scenario(table):
        table.block("a", "BLMOVE", "k1", "k2", "LEFT", "RIGHT", "0")
        table.block("b", "BLMOVE", "k2", "k1", "LEFT", "RIGHT", "0")
        table["w"].call("RPUSH", "k1", "x")
        return table["a"].read(), table["b"].read(), table["w"].call("LRANGE", "k1", 0,
                                                                     -1), table["w"].call("EXISTS", "k2")

    assert on_both(scenario) == (b"x", b"x", [b"x"], 0)


@pytest.mark.parametrize("how, kind", [([], None), (["TIMEOUT"], None), (["ERROR"], Error)])
def test_client_unblock(on_both, how, kind):
    def scenario(table):
        identity = table["a"].call("CLIENT", "ID")
        idle = table["w"].call("CLIENT", "UNBLOCK", identity)
        table.block("a", "BLPOP", "k", "0")
        done = table["w"].call("CLIENT", "UNBLOCK", identity, *how)
        return idle, done, table["a"].read(), table["a"].call("PING")

    idle, done, reply, _ = on_both(scenario)
    assert (idle, done) == (0, 1)
    assert reply == NULL_ARRAY if kind is None else isinstance(reply,
                                                               Error) and reply.value.startswith(b"UNBLOCKED")


def test_commands_behind_a_blocking_one_wait_for_it(on_both):
    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        table["a"].send("SET", "later", "1")
        table["a"].send("GET", "later")
        early = table["w"].call("EXISTS", "later")
        table["w"].call("RPUSH", "k", "x")
        return early, [table["a"].read() for _ in range(3)]

    assert on_both(scenario) == (0, [[b"k", b"x"], OK, b"1"])


def test_a_client_that_hangs_up_while_it_waits_takes_nothing(on_both):
    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        table.block("b", "BLPOP", "k", "0")
        table["a"].close()
        wait_for(lambda: table.count_blocked() == 1, what="the closed client is forgotten")
        table["w"].call("RPUSH", "k", "x")
        return table["b"].read()

    assert on_both(scenario) == [b"k", b"x"]


def test_blocked_clients_are_listed_as_such(on_both):
    """U stands for the unix socket."""

    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        flags = [line["flags"] for line in client_lines(table.admin.call("CLIENT", "LIST"))
                 if line["cmd"] == "blpop"]
        table["w"].call("RPUSH", "k", "x")
        return flags, table["a"].read()

    assert on_both(scenario)[0] == ["bU"]


def test_one_push_serves_waiters_of_different_commands_in_order(on_both):
    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        table.block("b", "BRPOP", "k", "0")
        table.block("c", "BLMPOP", "0", "1", "k", "LEFT", "COUNT", "10")
        table["w"].call("RPUSH", "k", "1", "2", "3", "4", "5")
        return [table[name].read() for name in "abc"]

    assert on_both(scenario) == [[b"k", b"1"], [b"k", b"5"], [b"k", [b"2", b"3", b"4"]]]


def test_serving_a_blocked_client_raises_the_same_events(on_both):
    def scenario(table):
        watcher = table["watcher"]
        table["w"].call("CONFIG", "SET", "notify-keyspace-events", "KEA")
        watcher.call("PSUBSCRIBE", "__key*__:*")
        table.block("a", "BLMOVE", "k", "o", "LEFT", "RIGHT", "0")
        table.block("b", "BLPOP", "o", "0")
        table["w"].call("RPUSH", "k", "x")
        replies = [table["a"].read(), table["b"].read()]
        watcher.send("PING", "end")
        return replies, read_until_token(watcher, b"end")

    assert len(on_both(scenario)[1]) > 4


def test_a_watched_key_counts_as_changed_when_a_blocked_client_took_from_it(on_both):
    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        table["w"].call("WATCH", "k")
        table["x"].call("RPUSH", "k", "1")
        table["a"].read()
        return table["w"].pipeline([("MULTI",), ("PING",), ("EXEC",)])

    on_both(scenario)


def test_a_push_inside_multi_wakes_only_after_exec(on_both):
    def scenario(table):
        table.block("a", "BLPOP", "k", "0")
        replies = table["w"].pipeline([("MULTI",), ("RPUSH", "k", "1"), ("LLEN", "k"), ("LPUSH", "k", "0"),
                                       ("EXEC",)])
        return replies[-1], table["a"].read()

    assert on_both(scenario) == ([1, 1, 2], [b"k", b"0"])


def test_database_of_the_blocked_client_decides(on_both):
    def scenario(table):
        table["a"].call("SELECT", "2")
        table.block("a", "BLPOP", "k", "0")
        table["w"].call("RPUSH", "k", "wrong database")
        quiet = table["a"].nothing_to_read()
        table["w"].call("SELECT", "2")
        table["w"].call("RPUSH", "k", "right")
        return quiet, table["a"].read()

    assert on_both(scenario) == (True, [b"k", b"right"])
