"""The CLIENT commands: lists, kills, pauses and replies switched off."""

import socket
import time

import pytest

from support.info import client_lines, info_fields, text_of
from support.resp import encode, Error, OK, PONG
from support.server import wait_for


def lines(client, *arguments):
    return client_lines(client.call("CLIENT", "LIST", *arguments))


FIELDS_AFTER_7_0 = {"lib-name", "lib-ver", "watch"}


def test_the_list_has_the_oracles_fields_in_its_order(both):
    fields = []
    for server in both:
        with server.client() as client:
            fields.append([name for name in lines(client)[0] if name not in FIELDS_AFTER_7_0])
    assert fields[0] == fields[1]


def test_the_list_says_what_a_client_is_and_does(both):
    shown = []
    for server in both:
        with server.client() as client, server.client() as subscriber, server.client() as transaction:
            client.pipeline([("CLIENT", "SETNAME", "me"), ("SELECT", 3)])
            subscriber.pipeline([("HELLO", "3"), ("CLIENT", "SETNAME", "sub")])
            subscriber.send("SUBSCRIBE", "a", "b")
            subscriber.send("PSUBSCRIBE", "p*")
            wait_for(lambda: any(line["psub"] == "1" for line in lines(client)))
            transaction.pipeline([("MULTI",), ("SET", "a", "b")])
            wanted = ["name", "db", "sub", "psub", "ssub", "multi", "cmd", "user", "resp", "flags"]
            shown.append(sorted([line[name] for name in wanted] for line in lines(client)))
    assert shown[0] == shown[1]


def test_the_list_counts_watched_keys(hearth):
    with hearth.client() as client:
        client.pipeline([("WATCH", "a", "b"), ("WATCH", "a", "c")])
        assert lines(client)[0]["watch"] == "3"
        client.call("UNWATCH")
        assert lines(client)[0]["watch"] == "0"


@pytest.mark.parametrize("kind, number", [("normal", 2), ("pubsub", 1), ("replica", 0), ("master", 0)])
def test_the_list_filters_by_type_and_id(each, kind, number):
    with each.client() as client, each.client() as other, each.client() as subscriber:
        other.call("PING")
        subscriber.call("SUBSCRIBE", "c")
        assert len(lines(client, "TYPE", kind)) == number
        identity = client.call("CLIENT", "ID")
        assert [line["id"] for line in lines(client, "ID", identity, 987654)] == [str(identity)]
        assert client_lines(client.call("CLIENT", "INFO"))[0]["id"] == str(identity)


def test_kill_by_each_filter(each):
    with each.client() as admin:
        own = admin.call("CLIENT", "ID")
        for make in (lambda i, n: ["ID", i], lambda i, n: ["ID", i, "SKIPME", "yes"], lambda i,
                     n: ["TYPE", "pubsub"],
                     lambda i, n: ["TYPE", "normal", "ID", i], lambda i, n: ["USER", "default"], lambda i,
                     n: ["LADDR", n, "ID", i]):
            victim = each.client()
            identity = victim.call("CLIENT", "ID")
            local = client_lines(victim.call("CLIENT", "INFO"))[0]["laddr"]
            filters = make(identity, local)
            if "pubsub" in filters:
                victim.call("SUBSCRIBE", "x")
            assert admin.call("CLIENT", "KILL", *filters) == 1, filters
            assert victim.is_closed(), filters
            victim.close()
        assert admin.call("CLIENT", "KILL", "ID", own) == 0
        assert admin.call("CLIENT", "KILL", "ID", 123456) == 0


def test_killing_oneself_answers_first(each):
    client = each.client()
    assert client.call("CLIENT", "KILL", "ID", client.call("CLIENT", "ID"), "SKIPME", "no") == 1
    assert client.is_closed()
    client.close()


def test_kill_by_address_over_tcp(start, role):
    server = start(role, tcp=True)
    with server.client(tcp=True) as admin, server.client(tcp=True) as victim:
        address = "%s:%d" % victim.socket.getsockname()
        assert [line for line in lines(admin) if line["addr"] == address]
        assert admin.call("CLIENT", "KILL", address) == OK
        assert victim.is_closed()
        assert isinstance(admin.call("CLIENT", "KILL", address), Error)


def test_pause_write_holds_writes_and_lets_reads_pass(each):
    with each.client() as admin, each.client() as writer, each.client() as reader:
        assert admin.call("CLIENT", "PAUSE", 60000, "WRITE") == OK
        writer.send("SET", "a", "1")
        assert reader.call("GET", "a").value == b"$-1"
        assert writer.nothing_to_read()
        assert admin.call("CLIENT", "UNPAUSE") == OK
        assert writer.read() == OK
        assert reader.call("GET", "a") == b"1"


READS = "redis.register_function{function_name='reads', flags={'no-writes'}, callback=function() return 7 end}"
WRITES = "redis.register_function{function_name='writes', callback=function() return 7 end}"


def test_pause_write_lets_scripts_pass_that_only_read(each):
    with each.client() as admin, each.client() as caller:
        admin.call("FUNCTION", "LOAD", f"#!lua name=lib\n{READS}\n{WRITES}")
        digest = admin.call("SCRIPT", "LOAD", "#!lua flags=no-writes\nreturn 7")
        undeclared = admin.call("SCRIPT", "LOAD", "return 7")
        assert admin.call("CLIENT", "PAUSE", 60000, "WRITE") == OK
        for command in (["EVAL", "#!lua flags=no-writes\nreturn 7", 0], ["EVALSHA", digest, 0], ["FCALL", "reads", 0],
                        ["EVAL_RO", "return 7", 0], ["EVALSHA_RO", undeclared, 0], ["FCALL_RO", "reads", 0]):
            assert caller.call(*command) == 7
            assert caller.pipeline([["MULTI"], command, ["GET", "a"], ["EXEC"]])[-1][0] == 7
        assert b"Write commands are not allowed" in caller.call(
            "EVAL", "#!lua flags=no-writes\nreturn redis.call('SET', 'a', '1')", 0).value
        waiting = []
        for command in (["EVAL", "#!lua\nreturn 7", 0], ["EVAL", "return 7", 0], ["EVALSHA", undeclared, 0],
                        ["EVALSHA", "f" * 40, 0], ["FCALL", "writes", 0], ["FCALL", "nothing", 0],
                        ["EVAL", "#!lua flags=nonsense\nreturn 7", 0]):
            waiting.append(each.client())
            waiting[-1].send(*command)
        transaction = each.client()
        for command in (["MULTI"], ["FCALL", "reads", 0], ["FCALL", "writes", 0], ["EXEC"]):
            transaction.send(*command)
        assert caller.call("FCALL", "reads", 0) == 7
        assert all(client.nothing_to_read() for client in waiting)
        assert admin.call("CLIENT", "UNPAUSE") == OK
        replies = [client.read() for client in waiting]
        assert [replies[i] for i in (0, 1, 2, 4)] == [7, 7, 7, 7]
        assert all(isinstance(replies[i], Error) for i in (3, 5, 6))
        # The oracle lets the queueing of a write wait, too.
        assert [transaction.read() for _ in range(4)][-1] == [7, 7]
        for client in (*waiting, transaction):
            client.close()


def test_pause_all_holds_everybody_and_ends_by_itself(each):
    with each.client() as admin, each.client() as other:
        started = time.monotonic()
        assert admin.call("CLIENT", "PAUSE", 300) == OK
        assert other.call("PING") == PONG
        assert time.monotonic() - started > 0.25


def test_reply_off_skip_and_on(each):
    with each.client() as client:
        client.send("CLIENT", "REPLY", "OFF")
        client.send("SET", "a", "1")
        client.send("NOSUCH")
        client.send("CLIENT", "REPLY", "ON")
        assert client.read() == OK
        assert client.call("GET", "a") == b"1"
        client.send("CLIENT", "REPLY", "SKIP")
        client.send("SET", "a", "2")
        assert client.call("GET", "a") == b"2"


def test_idle_clients_are_closed_after_the_timeout_but_not_subscribers(each):
    with each.client() as subscriber, each.client() as idle:
        subscriber.call("SUBSCRIBE", "c")
        assert idle.call("CONFIG", "SET", "timeout", 1) == OK
        assert idle.is_closed(timeout=6)
        subscriber.send("PING", "x")
        assert subscriber.read() == [b"pong", b"x"]


def test_no_evict_shows_in_the_flags(each):
    with each.client() as client:
        assert client.call("CLIENT", "NO-EVICT", "on") == OK
        assert "e" in lines(client)[0]["flags"]
        assert client.call("CLIENT", "NO-EVICT", "off") == OK
        assert "e" not in lines(client)[0]["flags"]


def test_identities_grow_and_are_never_used_twice(each):
    seen = []
    for _ in range(5):
        with each.client() as client:
            seen.append(client.call("CLIENT", "ID"))
    assert seen == sorted(set(seen))


def test_no_touch_and_setinfo_of_7_2(hearth):
    with hearth.client() as client:
        assert client.call("CLIENT", "NO-TOUCH", "on") == OK
        assert client.call("CLIENT", "SETINFO", "LIB-NAME", "mine") == OK
        assert client.call("CLIENT", "SETINFO", "lib-ver", "1.2") == OK
        line = lines(client)[0]
        assert (line["lib-name"], line["lib-ver"]) == ("mine", "1.2")
        assert isinstance(client.call("CLIENT", "SETINFO", "LIB-NAME", "a b"), Error)
        assert isinstance(client.call("CLIENT", "SETINFO", "nosuch", "x"), Error)


def test_clients_are_counted(each):
    with each.client() as client:
        others = [each.client() for _ in range(5)]
        for other in others:
            other.call("PING")
        assert info_fields(client.call("INFO", "clients"))["connected_clients"] == "6"
        for other in others:
            other.close()
        wait_for(lambda: info_fields(client.call("INFO", "clients"))["connected_clients"] == "1")
        assert "id=" in text_of(client.call("CLIENT", "LIST"))


def test_a_pipeline_whose_pieces_fill_a_read_and_a_batch_alike_goes_on(start):
    """512 requests, the most that are parsed at once, end within the last bytes of a read of 16 KB: what is left of
    the read is the beginning of a request whose rest is in the socket, and nothing announces that any more."""
    server = start("hearth")
    texts = [b"a" * 10] + [b"b" * 11] * 5000
    wanted = sum(len(encode_bulk(text)) for text in texts)
    # Whether the first read is a full one is a matter of luck.
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(server.address)
            client.sendall(b"".join(encode(["ECHO", text]) for text in texts))
            received = 0
            while received < wanted:
                received += len(client.recv(1 << 20))
        assert received == wanted


def encode_bulk(text):
    return b"$%d\r\n%s\r\n" % (len(text), text)
