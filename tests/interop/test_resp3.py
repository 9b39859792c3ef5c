"""RESP3 with the tests' own client: the type of every reply, and pushes among replies."""

import pytest

from differential.supported import is_supported
from support.resp import Boolean, Double, Error, Map, NULL, NULL_BULK, OK, Push, Set, Simple, Verbatim

COMMANDS = [
    ("SET", "s", "v"), ("GET", "s"), ("GET", "none"), ("MGET", "s", "none"), ("HSET", "h", "a", "1"),
            ("HGETALL", "h"), ("HGETALL", "none"),
    ("HRANDFIELD", "h", "1"), ("HRANDFIELD", "h", "1", "WITHVALUES"), ("HRANDFIELD", "none"), ("HKEYS", "h"),
            ("HMGET", "h", "a", "b"),
    ("RPUSH", "l", "a", "b"), ("LRANGE", "l", "0", "-1"), ("LPOP", "none"), ("LPOP", "none", "2"),
            ("LMPOP", "1", "none", "LEFT"),
    ("LMPOP", "1", "l", "LEFT"), ("LPOS", "l", "zz"), ("LPOS", "l", "b", "COUNT", "0"),
            ("BLPOP", "none", "0.01"), ("BLMPOP", "0.01", "1", "none", "LEFT"),
    ("BLMOVE", "none", "x", "LEFT", "LEFT", "0.01"), ("CONFIG", "GET", "timeout"),
            ("CONFIG", "GET", "nosuch"), ("RANDOMKEY",), ("OBJECT", "ENCODING", "none"),
    ("INCRBYFLOAT", "f", "1.5"), ("HINCRBYFLOAT", "h", "f", "1.5"), ("TYPE", "s"), ("KEYS", "none*"),
            ("SCAN", "0", "MATCH", "none"), ("NOSUCH",),
    ("LCS", "s", "s", "IDX"), ("LCS", "s", "s"), ("EXISTS", "s"), ("MULTI",), ("GET", "s"), ("HGETALL", "h"),
            ("EXEC",), ("WATCH", "s"),
    ("CLIENT", "GETNAME"), ("CLIENT", "TRACKINGINFO"), ("MEMORY", "USAGE", "none"), ("PUBSUB", "NUMSUB", "a"),
            ("PUBSUB", "CHANNELS"), ("SLOWLOG", "GET"),
    ("COMMAND", "GETKEYS", "GET", "a"), ("COMMAND", "DOCS", "nosuch"), ("SORT", "none"), ("GETEX", "none"),
            ("SET", "s", "w", "GET"), ("SET", "z", "w", "GET"),
    ("SET", "s", "w", "NX"), ("RENAMENX", "s", "s2"), ("COPY", "s2", "s3"), ("DUMP", "none"), ("TTL", "none"),
            ("ECHO", ""), ("PING",), ("PING", "x"),
]


def words(command):
    return [word.encode() for word in command]


@pytest.mark.parametrize("protocol", ["2", "3"])
def test_every_reply_has_the_oracles_type_and_bytes(both, protocol):
    replies = []
    for server in both:
        with server.client() as client:
            client.call("HELLO", protocol)
            replies.append([(command, client.call(*command)) for command in COMMANDS
                            if command[0] != "RANDOMKEY" and is_supported(words(command))])
    assert replies[0] == replies[1]


def test_hello_gives_a_map_with_the_facts_of_the_server(each):
    with each.client() as client:
        facts = client.call("HELLO", "3").as_dict()
        assert facts[b"server"] == b"redis" and facts[b"proto"] == 3
        assert facts[b"mode"] == b"standalone" and facts[b"role"] == b"master"
        assert facts[b"modules"] == [] and isinstance(facts[b"id"],
                                                      int) and facts[b"version"].startswith(b"7.")
        assert client.call("GET", "none") == NULL
        assert isinstance(client.call("HELLO", "2"), list)
        assert client.call("GET", "none") == NULL_BULK
        assert client.call("HELLO", "5") == Error(b"NOPROTO unsupported protocol version")


def test_reset_goes_back_to_resp2(each):
    with each.client() as client:
        client.call("HELLO", "3")
        assert client.call("RESET") == Simple(b"RESET")
        assert client.call("GET", "none") == NULL_BULK


def test_maps_sets_and_doubles_are_told_apart(each):
    with each.client() as client:
        client.call("HELLO", "3")
        client.pipeline([("HSET", "h", "a", "1"), ("SADD", "s", "m"), ("ZADD", "z", "1.5", "m")])
        assert client.call("HGETALL", "h") == Map([(b"a", b"1")])
        assert client.call("SMEMBERS", "s") == Set([b"m"])
        assert client.call("ZSCORE", "z", "m") == Double(b"1.5")
        assert isinstance(client.call("INFO", "server"), Verbatim)
        assert not isinstance(client.call("EXISTS", "h"), Boolean)


def test_messages_are_pushes_and_commands_go_on_between_them(each):
    with each.client() as client, each.client() as publisher:
        client.call("HELLO", "3")
        client.send("SUBSCRIBE", "c", "d")
        assert [client.read(), client.read()] == [Push([b"subscribe", b"c", 1]),
                                                  Push([b"subscribe", b"d", 2])]
        assert client.call("SET", "a", "1") == OK
        assert publisher.call("PUBLISH", "c", "hello") == 1
        assert client.call("GET", "a") == b"1"
        assert client.pushes == [Push([b"message", b"c", b"hello"])]
        client.pushes.clear()
        assert client.call("PUBLISH", "d", "own") == 1
        client.send("PING")
        assert Push([b"message", b"d", b"own"]) in [*client.pushes, client.read(), client.read()
                                                    if not client.pushes else None]


def test_a_resp2_subscriber_may_only_use_a_few_commands(both):
    shown = []
    for server in both:
        with server.client() as client:
            client.call("SUBSCRIBE", "c")
            shown.append([client.call(*c) for c in [("GET", "a"), ("PING",), ("PING", "x"),
                                                    ("PUBLISH", "c", "x"), ("MULTI",), ("UNSUBSCRIBE",),
                                                    ("PING",)]])
    assert shown[0] == shown[1]


@pytest.mark.skipif(not is_supported((b"CLIENT", b"TRACKING")), reason="the spec marks CLIENT TRACKING as missing")
def test_client_side_caching_sends_invalidations(each):
    with each.client() as client, each.client() as writer:
        client.call("HELLO", "3")
        assert client.call("CLIENT", "TRACKING", "ON") == OK
        client.call("GET", "k")
        writer.call("SET", "k", "v")
        assert client.read() == Push([b"invalidate", [b"k"]])
