"""Clients that ask for too much, too slowly or never read: memory stays bounded and others are served."""

import resource
import socket

import pytest

from support.info import client_lines, info_fields
from support.raw import assert_responsive, exchange
from support.resp import ConnectionClosed, Error, OK, ReplyTimeout, encode
from support.server import wait_for

MB = 1 << 20


def growth(server, before):
    return server.resident_bytes() - before


def test_a_declared_bulk_that_never_comes_costs_no_memory(each):
    before = each.resident_bytes()
    clients = [each.client() for _ in range(8)]
    for client in clients:
        client.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n" + b"x" * 1000)
    assert_responsive(each)
    assert growth(each, before) < 64 * MB
    for client in clients:
        client.close()


def test_a_declared_array_that_never_comes_costs_little_memory(each):
    before = each.resident_bytes()
    clients = [each.client() for _ in range(20)]
    for client in clients:
        client.send_raw(b"*1000000\r\n$3\r\nDEL\r\n$1\r\na\r\n")
    assert_responsive(each)
    assert growth(each, before) < 400 * MB
    for client in clients:
        client.close()


def test_a_command_of_a_million_arguments_is_carried_out(each):
    with each.client(timeout=60) as client:
        assert client.call(*(["RPUSH", "l"] + [b"x"] * 999998)) == 999998
        assert client.call("LLEN", "l") == 999998
        assert client.call(*(["DEL"] + [b"nokey"] * 999999)) == 0


def test_half_commands_held_open_hold_up_nobody(each):
    clients = [each.client() for _ in range(200)]
    for number, client in enumerate(clients):
        client.send_raw(b"*2\r\n$4\r\nECHO\r\n$10\r\nhalf"[: 1 + number % 27])
    assert_responsive(each)
    clients[26].send_raw(b"")
    with each.client() as witness:
        assert len(client_lines(witness.call("CLIENT", "LIST"))) == 201
    for client in clients:
        client.close()


@pytest.mark.parametrize("data", [b"*11\r\n$4\r\nPING\r\n", b"*1\r\n$16385\r\n", b"*10\r\n",
                                  b"*2\r\n$4\r\nAUTH\r\n$16384\r\n", b"GET a\r\n",
                                  encode(["AUTH", "wrong"]), encode(["HELLO", "3"]),
                                  encode(["HELLO", "2", "AUTH", "default", "wrong"]),
                                  encode(["QUIT"]), encode(["RESET"]) + encode(["GET", "a"]),
                                  encode(["NOSUCH"]), encode(["GET"]),
                                  encode(["MULTI"]), encode(["PING"]), encode(["ECHO", "x"]),
                                  encode(["AUTH", "secret"]) + encode(["PING"])])
def test_before_authentication_limits_and_errors_are_the_oracles(start, data):
    hearth, oracle = (exchange(start(role, "--requirepass", "secret").address, data)
                      for role in ("hearth", "oracle"))
    # 7.2 names the protocol argument in its advice to use HELLO's AUTH, 7.0 left it out.
    assert hearth == oracle.replace(b"otherwise the HELLO AUTH", b"otherwise the HELLO <proto> AUTH")


def raise_file_limit(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_ten_thousand_idle_connections(start, role):
    limit = raise_file_limit(20000)
    wanted = min(10000, limit - 500)
    server = start(role, "--maxclients", 10500)
    before = server.resident_bytes()
    sockets = []
    try:
        for _ in range(wanted):
            one = socket.socket(socket.AF_UNIX)
            one.connect(server.address)
            one.settimeout(10)
            sockets.append(one)
        with server.client(timeout=20) as client:
            wait_for(lambda: int(info_fields(client.call("INFO",
                                                         "clients"))["connected_clients"]) > wanted - 1, 20)
            assert client.call("ECHO", "x") == b"x"
        assert growth(server, before) < wanted * 40000
        for one in sockets[:: wanted // 50]:
            one.sendall(b"PING\r\n")
            assert one.recv(100) == b"+PONG\r\n"
    finally:
        for one in sockets:
            one.close()
    with server.client(timeout=20) as client:
        wait_for(lambda: int(info_fields(client.call("INFO", "clients"))["connected_clients"]) == 1, 20,
                 "all are forgotten")


def test_a_client_that_never_reads_is_cut_off_at_its_limit(each):
    with each.client() as admin:
        assert admin.call("CONFIG", "SET", "client-output-buffer-limit", "normal 4mb 0 0") == OK
        admin.call("SET", "big", b"x" * 500000)
        before = each.resident_bytes()
        glutton = each.client(timeout=5)
        identity = glutton.call("CLIENT", "ID")
        try:
            glutton.send_raw(encode(["GET", "big"]) * 200)
        except (ConnectionClosed, ReplyTimeout):
            pass
        wait_for(lambda: b"id=%d " % identity not in admin.call("CLIENT", "LIST"),
                 what="the client is cut off")
        assert growth(each, before) < 150 * MB
        assert glutton.is_closed()
        assert int(info_fields(admin.call("INFO", "clients"))["connected_clients"]) == 1


def test_a_subscriber_that_never_reads_is_cut_off_and_others_get_everything(each):
    with each.client() as admin, each.client() as good:
        assert admin.call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 2mb 1mb 60") == OK
        good.call("SUBSCRIBE", "c")
        slow = each.client()
        slow.call("SUBSCRIBE", "c")
        message, received = b"m" * 100000, None
        for number in range(100):
            received = admin.call("PUBLISH", "c", message)
            assert good.read() == [b"message", b"c", message], number
        assert received == 1
        assert slow.is_closed()
        slow.close()


def test_a_slow_reader_without_a_limit_gets_everything(each):
    with each.client() as client:
        client.call("SET", "big", b"y" * 300000)
        client.send_raw(encode(["GET", "big"]) * 60)
        assert_responsive(each)
        for _ in range(60):
            assert len(client.read()) == 300000


def test_a_query_buffer_over_its_limit_closes_the_connection(each):
    with each.client() as admin:
        assert admin.call("CONFIG", "SET", "client-query-buffer-limit", "1mb") == OK
        greedy = each.client(timeout=5)
        try:
            greedy.send_raw(b"*2\r\n$4\r\nECHO\r\n$5000000\r\n" + b"z" * 5000000 + b"\r\n")
        except ConnectionClosed:
            pass
        assert greedy.is_closed()
        assert_responsive(each)


def test_values_over_the_bulk_limit_are_refused_and_the_connection_closed(both):
    answers = []
    for server in both:
        with server.client() as client:
            assert client.call("CONFIG", "SET", "proto-max-bulk-len", "1mb") == OK
            assert isinstance(client.call("SETRANGE", "k", 2 * MB, "x"), Error)
        answers.append(exchange(server.address, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048577\r\n"))
    assert answers[0] == answers[1]


def test_deep_transactions_stay_responsive(each):
    with each.client() as client:
        client.call("MULTI")
        client.send_raw(encode(["SET", "k", "v" * 100]) * 20000)
        for _ in range(20000):
            client.read()
        assert_responsive(each)
        assert len(client.call("EXEC", timeout=20)) == 20000
