"""Client-side caching: who is told of a change, when, and in which words. Random sessions of many clients stand in
tests/differential/test_tracking.py."""

import pytest

from support.info import client_lines, info_fields
from support.pushes import call, messages_of, read_reply
from support.resp import Error, NULL, NULL_BULK, OK, QUEUED
from support.server import wait_for

ALL_KEYS = [b"invalidate", NULL]


def told(*keys):
    return [[b"invalidate", [key.encode()]] for key in keys]


def connect(server, protocol=3):
    client = server.client()
    if protocol == 3:
        client.call("HELLO", "3")
    return client


@pytest.fixture
def clients(each):
    """(a reader that speaks RESP3, a writer)"""
    with connect(each) as reader, connect(each) as writer:
        yield reader, writer


def flags_of(client):
    return client_lines(client.call("CLIENT", "INFO"))[0]["flags"]


def wait_for_messages(client, count=1):
    """The first `count` messages or more; fails if they do not come."""
    messages = []
    wait_for(lambda: messages.extend(messages_of(client)) or len(messages) >= count, what="the messages arrive")
    return messages


def test_a_key_is_told_of_once_until_it_is_read_again(clients):
    reader, writer = clients
    assert reader.call("CLIENT", "TRACKING", "on") == OK
    reader.call("MGET", "a", "b")
    writer.call("SET", "a", "1")
    writer.call("SET", "a", "2")
    assert messages_of(reader) == told("a")
    writer.call("DEL", "a", "b")
    assert messages_of(reader) == []
    writer.call("SET", "b", "1")
    assert messages_of(reader) == told("b")


def test_keys_have_no_database(clients):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on")
    reader.call("GET", "k")
    writer.call("SELECT", "3")
    writer.call("SET", "k", "1")
    assert messages_of(reader) == told("k")


def test_swapping_databases_tells_nobody(clients):
    reader, writer = clients
    writer.call("SET", "k", "1")
    reader.call("CLIENT", "TRACKING", "on")
    reader.call("GET", "k")
    writer.call("SWAPDB", "0", "1")
    assert messages_of(reader) == []


def test_messages_of_own_writes_follow_the_reply(clients):
    reader, _ = clients
    reader.call("CLIENT", "TRACKING", "on")
    reader.call("GET", "k")
    reader.send("SET", "k", "1")
    assert reader.read() == OK
    assert reader.read().value == told("k")[0]
    reader.call("GET", "k")
    for command in (("MULTI",), ("SET", "k", "1"), ("GET", "k"), ("FLUSHALL",), ("EXEC",)):
        reader.send(*command)
    replies = [read_reply(reader) for _ in range(5)]
    assert [reply for reply, _ in replies] == [OK, QUEUED, QUEUED, QUEUED, [OK, b"1", OK]]
    assert [messages for _, messages in replies] == [[]] * 5
    assert messages_of(reader) == told("k") + [ALL_KEYS]


def test_noloop(clients):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on", "NOLOOP")
    reader.call("GET", "k")
    assert call(reader, "SET", "k", "1") == (OK, [])
    reader.call("GET", "k")
    writer.call("SET", "k", "1")
    assert messages_of(reader) == told("k")
    assert call(reader, "FLUSHALL") == (OK, [ALL_KEYS])


@pytest.mark.parametrize("flush", [["FLUSHALL"], ["FLUSHDB"], ["FLUSHALL", "ASYNC"]])
def test_a_flush_tells_everybody_even_of_an_empty_database(clients, flush):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on")
    writer.call("CLIENT", "TRACKING", "on", "BCAST", "PREFIX", "x")
    assert call(writer, *flush) == (OK, [ALL_KEYS])
    assert messages_of(reader) == [ALL_KEYS]


def test_expiry_is_told_of_without_anybody_asking_for_the_key(clients):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on")
    writer.call("CLIENT", "TRACKING", "on", "BCAST", "NOLOOP")
    writer.call("SET", "k", "1")
    reader.call("GET", "k")
    writer.call("PEXPIRE", "k", "20")
    assert messages_of(reader) == told("k")
    reader.call("EXISTS", "k")
    assert wait_for_messages(reader) == told("k")
    assert wait_for_messages(writer) == told("k")


def test_eviction_is_told_of(start, role):
    server = start(role, "--maxmemory-policy", "allkeys-random")
    with connect(server) as reader, connect(server) as writer:
        reader.call("CLIENT", "TRACKING", "on")
        for i in range(20):
            writer.call("SET", f"key{i}", "x" * 1000)
            reader.call("GET", f"key{i}")
        writer.call("CONFIG", "SET", "maxmemory", "1")
        wait_for(lambda: writer.call("DBSIZE") == 0, what="everything is evicted")
        assert sorted(wait_for_messages(reader, 20)) == sorted(told(*(f"key{i}" for i in range(20))))


def test_broadcasts_come_together_and_in_order(clients):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on", "BCAST", "PREFIX", "a", "PREFIX", "b")
    writer.pipeline([("MULTI",), ("SET", "a2", "1"), ("SET", "c", "1"), ("SET", "b", "1"), ("SET", "a1", "1"),
                     ("DEL", "a2"), ("EXEC",)])
    assert messages_of(reader) == [[b"invalidate", [b"a1", b"a2"]], [b"invalidate", [b"b"]]]
    assert call(reader, "GET", "zzz") == (NULL, [])
    writer.call("SET", "zzz", "1")
    assert messages_of(reader) == []
    assert call(reader, "MSET", "a1", "1", "a3", "1") == (OK, [[b"invalidate", [b"a1", b"a3"]]])


def test_what_may_stand_together(each):
    with connect(each) as client:

        def tracking(*options):
            reply = client.call("CLIENT", "TRACKING", *options)
            return reply.value.decode()

        assert tracking("maybe") == "ERR syntax error"
        assert tracking("on", "PREFIX") == "ERR syntax error"
        assert tracking("on", "PREFIX", "a") == "ERR PREFIX option requires BCAST mode to be enabled"
        assert tracking("on", "REDIRECT", "123456") == "ERR The client ID you want redirect to does not exist"
        assert tracking("on", "OPTIN", "OPTOUT") == "ERR You can't specify both OPTIN mode and OPTOUT mode"
        assert tracking("on", "BCAST", "OPTIN") == "ERR OPTIN and OPTOUT are not compatible with BCAST"
        assert tracking("on", "BCAST", "PREFIX", "a", "PREFIX", "ab") == (
            "ERR Prefix 'a' overlaps with another provided prefix 'ab'. Prefixes for a single client must not overlap.")
        assert tracking("on", "BCAST", "PREFIX", "a") == "OK"
        assert tracking("on", "BCAST", "PREFIX", "abc") == (
            "ERR Prefix 'abc' overlaps with an existing prefix 'a'. Prefixes for a single client must not overlap.")
        assert tracking("on").startswith("ERR You can't switch BCAST mode on/off before disabling tracking")
        assert tracking("on", "BCAST", "PREFIX", "b") == "OK"
        info = client.call("CLIENT", "TRACKINGINFO").as_dict()
        assert info[b"prefixes"] == [b"a", b"b"] and info[b"redirect"] == 0
        assert "tB" in flags_of(client)
        assert tracking("off") == "OK"
        assert client.call("CLIENT", "GETREDIR") == -1
        assert tracking("on", "OPTIN") == "OK"
        assert tracking("on", "OPTOUT").startswith("ERR You can't switch OPTIN/OPTOUT mode before")
        assert client.call("CLIENT", "CACHING", "no").value == (
            b"ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
        assert client.call("RESET").value == b"RESET"
        assert isinstance(client.call("CLIENT", "CACHING", "yes"), Error)
        assert "t" not in flags_of(client)


@pytest.mark.parametrize("commands, remembered", [
    ([("GET", "a")], []),
    ([("CLIENT", "CACHING", "yes"), ("GET", "a"), ("GET", "b")], ["a"]),
    ([("CLIENT", "CACHING", "yes"), ("CLIENT", "ID"), ("GET", "a")], ["a"]),
    ([("CLIENT", "CACHING", "yes"), ("PING",), ("GET", "a")], []),
    ([("CLIENT", "CACHING", "yes"), ("GET",), ("GET", "a")], []),
    ([("CLIENT", "CACHING", "yes"), ("MULTI",), ("GET", "a"), ("GET", "b"), ("EXEC",), ("GET", "c")], ["a", "b"]),
    ([("MULTI",), ("GET", "a"), ("CLIENT", "CACHING", "yes"), ("GET", "b"), ("EXEC",), ("GET", "c")], ["b"]),
    ([("CLIENT", "CACHING", "yes"), ("MULTI",), ("DISCARD",), ("GET", "a")], []),
])
def test_optin_is_for_the_next_command_or_transaction(clients, commands, remembered):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on", "OPTIN")
    reader.pipeline(commands)
    for key in "abc":
        writer.call("SET", key, "1")
    assert messages_of(reader) == told(*remembered)


def test_optout(clients):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on", "OPTOUT")
    reader.pipeline([("GET", "a"), ("CLIENT", "CACHING", "no"), ("GET", "b"), ("GET", "c")])
    for key in "abc":
        writer.call("SET", key, "1")
    assert messages_of(reader) == told("a", "c")


def test_redirection_to_a_subscriber_of_protocol_two(each):
    with connect(each, 2) as reader, connect(each, 2) as listener, connect(each, 2) as writer:
        identity = listener.call("CLIENT", "ID")
        assert reader.call("CLIENT", "TRACKING", "on", "REDIRECT", identity) == OK
        assert reader.call("CLIENT", "GETREDIR") == identity
        assert client_lines(reader.call("CLIENT", "INFO"))[0]["redir"] == str(identity)
        reader.call("GET", "k")
        writer.call("SET", "k", "1")
        listener.call("SUBSCRIBE", "__redis__:invalidate")
        assert messages_of(listener, True) == []
        reader.call("GET", "k")
        writer.call("SET", "k", "1")
        reader.call("GET", "k")
        reader.call("SET", "k", "2")
        writer.call("FLUSHALL")
        head = [b"message", b"__redis__:invalidate"]
        assert messages_of(listener, True) == [head + [[b"k"]], head + [[b"k"]], head + [NULL_BULK]]
        assert reader.call("PING").value == b"PONG"


def test_a_listener_that_goes_breaks_the_redirection(each):
    with connect(each) as reader, connect(each) as writer:
        listener = connect(each)
        identity = listener.call("CLIENT", "ID")
        reader.call("CLIENT", "TRACKING", "on", "REDIRECT", identity)
        reader.call("GET", "k")
        listener.close()
        wait_for(lambda: all(line["id"] != str(identity) for line in client_lines(writer.call("CLIENT", "LIST"))))
        writer.call("SET", "k", "1")
        assert messages_of(reader) == [[b"tracking-redir-broken", identity]]
        assert "tR" in flags_of(reader)
        assert b"broken_redirect" in reader.call("CLIENT", "TRACKINGINFO").as_dict()[b"flags"].value
        reader.call("CLIENT", "TRACKING", "on")
        assert "R" not in flags_of(reader)
        reader.call("GET", "k")
        writer.call("SET", "k", "1")
        assert messages_of(reader) == told("k")


def test_protocol_two_alone_is_told_nothing(each):
    with connect(each, 2) as reader, connect(each) as writer:
        assert reader.call("CLIENT", "TRACKING", "on") == OK
        reader.call("GET", "k")
        writer.call("SET", "k", "1")
        assert reader.call("SET", "k", "2") == OK
        assert reader.call("PING").value == b"PONG"


def test_messages_arrive_while_replies_are_off(clients):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on")
    reader.call("MGET", "a", "b")
    reader.send("CLIENT", "REPLY", "OFF")
    reader.send("SET", "a", "1")
    assert reader.read().value == told("a")[0]
    writer.call("SET", "b", "1")
    assert reader.read().value == told("b")[0]
    assert call(reader, "CLIENT", "REPLY", "ON") == (OK, [])


def test_the_table_is_bounded(clients):
    reader, writer = clients
    writer.call("CONFIG", "SET", "tracking-table-max-keys", "10")
    reader.call("CLIENT", "TRACKING", "on")
    for i in range(50):
        reader.call("GET", f"key{i}")

    def keys():
        return int(info_fields(writer.call("INFO", "stats"))["tracking_total_keys"])

    wait_for(lambda: keys() == 10, what="the table shrinks to its limit")
    messages = [read for push in reader.pushes for read in [push.value]] + messages_of(reader)
    assert len(messages) == 40 and len({key for _, [key] in messages}) == 40
    writer.call("CONFIG", "SET", "tracking-table-max-keys", "1")
    wait_for(lambda: keys() == 1, what="the table shrinks to its new limit")


def test_info_counts_clients_keys_items_and_prefixes(clients):
    reader, writer = clients
    reader.call("CLIENT", "TRACKING", "on")
    writer.call("CLIENT", "TRACKING", "on")
    reader.call("MGET", "a", "b")
    writer.call("MGET", "b", "c")
    fields = info_fields(writer.call("INFO", "everything"))
    assert [fields[name] for name in ("tracking_clients", "tracking_total_keys", "tracking_total_items",
                                      "tracking_total_prefixes")] == ["2", "3", "4", "0"]
    writer.call("CLIENT", "TRACKING", "off")
    writer.call("CLIENT", "TRACKING", "on", "BCAST", "PREFIX", "x", "PREFIX", "y")
    assert info_fields(writer.call("INFO", "stats"))["tracking_total_prefixes"] == "2"
    writer.call("CLIENT", "TRACKING", "off")
    reader.call("SET", "c", "1")
    fields = info_fields(reader.call("INFO", "everything"))
    assert [fields[name] for name in ("tracking_clients", "tracking_total_keys", "tracking_total_items",
                                      "tracking_total_prefixes")] == ["1", "2", "3", "0"]


def test_a_replica_tells_of_what_its_primary_sends(start, role):
    primary, replica = start(role, tcp=True), start(role)
    with primary.client() as writer, connect(replica) as reader:
        replica_of = reader.call("REPLICAOF", "127.0.0.1", primary.port)
        assert replica_of == OK
        wait_for(lambda: info_fields(reader.call("INFO", "replication")).get("master_link_status") == "up",
                 what="the replica has synchronised", seconds=30)
        reader.call("CLIENT", "TRACKING", "on")
        reader.call("GET", "k")
        writer.call("SET", "k", "1")
        assert wait_for_messages(reader) == told("k")
