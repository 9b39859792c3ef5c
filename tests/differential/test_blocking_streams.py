"""XREAD and XREADGROUP with several clients that wait: who wakes, with which reply, the same on both servers. Where
7.2 answers otherwise than 7.0, the test is about Hearth alone."""

import pytest

from differential.test_blocking import Table, on_both  # noqa: F401 (a fixture)
from support.resp import Error, NULL_ARRAY, OK, QUEUED

ENTRY = [b"1-0", [b"f", b"v"]]


@pytest.fixture
def table(start):
    made = Table(start("hearth"))
    yield made
    made.close()


@pytest.mark.parametrize("after", ["$", "0", "0-5"])
def test_an_entry_wakes_all_readers(on_both, after):
    def scenario(table):
        table.block("a", "XREAD", "BLOCK", "0", "STREAMS", "none", "s", "$", after)
        table.block("b", "XREAD", "COUNT", "5", "BLOCK", "0", "STREAMS", "s", after)
        added = table["w"].call("XADD", "s", "1-0", "f", "v")
        return added, table["a"].read(), table["b"].read()

    assert on_both(scenario) == (b"1-0", [[b"s", [ENTRY]]], [[b"s", [ENTRY]]])


def test_the_end_is_where_it_was_when_the_command_came(on_both):
    def scenario(table):
        table["w"].call("XADD", "s", "1-0", "f", "old")
        table.block("a", "XREAD", "BLOCK", "0", "STREAMS", "s", "$")
        table["w"].call("MULTI")
        for i in (2, 3):
            table["w"].call("XADD", "s", f"{i}-0", "f", "v")
        table["w"].call("EXEC")
        return table["a"].read()

    assert on_both(scenario) == [[b"s", [[b"2-0", [b"f", b"v"]], [b"3-0", [b"f", b"v"]]]]]


def test_ids_that_are_too_low_leave_the_reader_waiting(on_both):
    def scenario(table):
        table["w"].call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        table.block("a", "XREAD", "BLOCK", "0", "STREAMS", "s", "5-0")
        first = table["w"].call("XADD", "s", "4-0", "f", "v"), table.count_blocked()
        return first, table["w"].call("XADD", "s", "6-0", "f", "v"), table["a"].read()

    assert on_both(scenario)[0] == (b"4-0", 1)


def test_group_readers_are_served_in_the_order_in_which_they_blocked(on_both):
    def scenario(table):
        table["w"].call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        for name in ("a", "b", "c"):
            table.block(name, "XREADGROUP", "GROUP", "g", name, "COUNT", "1", "BLOCK", "0", "STREAMS", "s", ">")
        replies = []
        for i, name in enumerate(("a", "b", "c")):
            table["w"].call("XADD", "s", f"{i + 1}-0", "f", "v")
            replies.append(table[name].read())
        return replies, table["w"].call("XPENDING", "s", "g")

    assert on_both(scenario)[1][3] == [[b"a", b"1"], [b"b", b"1"], [b"c", b"1"]]


@pytest.mark.parametrize("command, reply", [
    (("XREAD", "BLOCK", "20", "STREAMS", "s", "$"), NULL_ARRAY),
    (("XREADGROUP", "GROUP", "g", "c", "BLOCK", "20", "STREAMS", "s", ">"), NULL_ARRAY),
])
def test_the_timeout_gives_a_null(on_both, command, reply):
    def scenario(table):
        table["w"].call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        return table["a"].call(*command)

    assert on_both(scenario) == reply


def test_inside_multi_it_does_not_block(on_both):
    def scenario(table):
        client = table["a"]
        return client.call("MULTI"), client.call("XREAD", "BLOCK", "0", "STREAMS", "s", "$"), client.call("EXEC")

    assert on_both(scenario)[:2] == (OK, QUEUED)


REMOVALS = [("DEL", "s"), ("RENAME", "s", "t"), ("FLUSHALL",), ("XGROUP", "DESTROY", "s", "g")]


@pytest.mark.parametrize("removal", REMOVALS, ids=[" ".join(r) for r in REMOVALS])
def test_group_readers_hear_that_their_group_is_gone(table, removal):
    table["w"].call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    table.block("a", "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
    table["w"].call(*removal)
    assert table["a"].read() == Error(
        b"NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option")


def test_group_readers_hear_that_the_key_has_another_type(table):
    table["w"].call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    table.block("a", "XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
    table["w"].call("SET", "s", "text")
    assert table["a"].read().value.startswith(b"WRONGTYPE")


def test_plain_readers_wait_on_when_the_key_goes(on_both):
    def scenario(table):
        table["w"].call("XADD", "s", "1-0", "f", "v")
        table.block("a", "XREAD", "BLOCK", "0", "STREAMS", "s", "$")
        table["w"].call("DEL", "s")
        waiting = table.count_blocked()
        table["w"].call("XADD", "s", "2-0", "f", "v")
        return waiting, table["a"].read()

    assert on_both(scenario)[0] == 1


def test_the_newest_entry_is_asked_for_with_a_plus(table):
    table.block("a", "XREAD", "BLOCK", "0", "STREAMS", "s", "+")
    table["w"].call("XADD", "s", "1-0", "f", "v")
    assert table["a"].read() == [[b"s", [ENTRY]]]
    table["w"].call("XADD", "s", "2-0", "f", "v")
    assert table["a"].call("XREAD", "BLOCK", "0", "STREAMS", "s", "+") == [[b"s", [[b"2-0", [b"f", b"v"]]]]]
