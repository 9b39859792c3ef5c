"""REPLICATION HISTORY: what was synchronised, and why, on both sides."""

import pytest

from replication.nodes import ONLY_REAL, wait_in_sync, wait_online
from support.resp import Error
from support.server import wait_for

pytestmark = pytest.mark.skipif(ONLY_REAL, reason="the real server keeps no such history")


def history(node, *words):
    """The entries as dictionaries of text and numbers, the last one first."""
    entries = []
    for entry in node.call("REPLICATION", "HISTORY", *words):
        entries.append({name.decode(): value.decode() if isinstance(value, bytes) else value
                        for name, value in zip(entry[::2], entry[1::2])})
    return entries


def test_both_sides_tell_of_the_first_copy_and_of_going_on(node, proxy):
    primary = node("hearth")
    primary.call("SET", "a", "x" * 100_000)
    between = proxy(primary)
    replica = node("hearth")
    replica.replicate(between.port)
    wait_in_sync(primary, replica)
    wait_online(primary)
    [given] = wait_for(lambda: [one for one in history(primary) if one["state"] == "done"], 10, "its end")
    assert (given["role"], given["kind"], given["error"]) == ("primary", "full", "")
    assert "first" in given["cause"] and given["peer"].endswith(f":{replica.port}")
    assert given["bytes"] > 100 and given["duration-ms"] >= 0
    [taken] = history(replica)
    assert (taken["role"], taken["kind"], taken["state"]) == ("replica", "full", "done")
    assert "first" in taken["cause"] and taken["peer"] == f"127.0.0.1:{between.port}" and taken["bytes"] > 100
    between.cut()
    wait_for(lambda: history(replica)[0]["kind"] == "partial", 20, "the link")
    wait_in_sync(primary, replica)
    wait_for(lambda: history(primary)[0]["kind"] == "partial" and history(primary)[0]["state"] == "done", 10, "its end")
    assert "memory" in history(primary)[0]["cause"]
    assert primary.info()["last_sync"].startswith("number=2,role=primary,kind=partial,state=done")


def test_a_new_history_is_the_cause_of_a_full_copy(node):
    primary, other = node("hearth"), node("hearth")
    replica = node("hearth", primary=primary)
    wait_in_sync(primary, replica)
    other.call("SET", "a", "1")
    replica.replicate(other)
    wait_in_sync(other, replica)
    cause = history(replica)[0]["cause"]
    assert "history" in cause and primary.info()["master_replid"] in cause
    wait_for(lambda: history(other)[0]["state"] == "done", 10, "its end")
    assert "mismatch" in history(other)[0]["cause"].lower()
    assert "comes from the primary: the primary's history" in replica.log()


def test_what_is_refused_is_told_too(node):
    primary = node("hearth", "--save", "")
    primary.call("SET", "a", "1")
    replica = node("hearth", primary=primary)
    wait_in_sync(primary, replica)
    primary.kill()
    primary.restart()
    wait_for(lambda: history(replica)[0]["kind"] == "refused", 30, "the refusal")
    assert replica.call("GET", "a") == b"1"
    assert history(replica)[0]["cause"] == replica.info()["master_link_refused_reason"]


def test_its_forms(node):
    primary = node("hearth")
    for _ in range(3):
        with primary.client() as client:
            client.send("PSYNC", "?", "-1")
            client.read(10)
    assert len(history(primary)) == 3 and len(history(primary, "COUNT", 2)) == 2
    assert history(primary)[0]["id"] == 3 and history(primary, "COUNT", 1)[0]["id"] == 3
    assert history(primary, "COUNT", 0) == []
    for wrong in (["COUNT"], ["COUNT", "x"], ["COUNT", "-1"], ["OTHER", "1"]):
        assert isinstance(primary.call("REPLICATION", "HISTORY", *wrong), Error)
    assert any(b"HISTORY" in line.value for line in primary.call("REPLICATION", "HELP"))
    with primary.client() as client:
        client.call("HELLO", "3")
        assert client.call("REPLICATION", "HISTORY", "COUNT", "1")[0].as_dict()[b"kind"] == b"full"
