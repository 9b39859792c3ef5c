"""A server that runs a long command is not taken for dead where that is wanted; one that is stopped is."""

import signal
import threading
import time

import pytest

from sentinel.deployment import NAME
from support.info import info_fields
from support.resp import Client, ConnectionClosed, Error
from support.server import wait_for

DOWN_AFTER_MS = 500
BUSY = f"sentinel busy-is-alive-max-ms {NAME} 30000\n"


def probes_of(server):
    return int(info_fields(server.call("INFO", "clients"))["probing_clients"])


def sleep_on(server, seconds):
    """Keeps the engine busy; the thread ends with the command, the connection may end before."""
    def run():
        try:
            with server.client(timeout=60) as client:
                client.call("DEBUG", "SLEEP", seconds)
        except (ConnectionClosed, OSError):
            pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_a_busy_primary_stays_and_a_stopped_one_is_replaced(deploy):
    deployment = deploy(sentinels=("hearth",) * 3, down_after_ms=DOWN_AFTER_MS, more=BUSY,
                        arguments=("--enable-debug-command", "yes"))
    for server in deployment.servers:
        wait_for(lambda one=server: probes_of(one) == 3, 15, f"the probes of {server}")
    events = [one.events() for one in deployment.sentinels]
    sleeping = sleep_on(deployment.primary, "2.5")
    for one in events:
        one.text("+busy")
    assert deployment.sentinels[0].primary()["busy-is-alive-max-ms"] == "30000"
    sleeping.join(30)
    for one in events:
        one.text("-busy")
        assert "+sdown" not in one.names() and "+odown" not in one.names()
    assert {one.primary_port() for one in deployment.sentinels} == {deployment.primary.port}
    lines = deployment.sentinels[0].call("SENTINEL", "EXPLAIN", NAME)
    assert any(line.startswith(b"health probes: the primary answered") for line in lines)
    deployment.primary.signal(signal.SIGSTOP)
    new = deployment.wait_until_switched()
    assert new is not deployment.primary


def test_without_the_setting_silence_counts_and_it_can_be_set_and_taken_back(deploy):
    deployment = deploy(servers=("hearth", "hearth"), sentinels=("hearth",), quorum=2, down_after_ms=DOWN_AFTER_MS,
                        arguments=("--enable-debug-command", "yes"))
    one = deployment.sentinels[0]
    assert "busy-is-alive-max-ms" not in one.primary()
    assert probes_of(deployment.primary) == 0
    events = one.events()
    sleep_on(deployment.primary, "2").join(30)
    assert "+sdown" in events.names() and "+busy" not in events.names()
    assert one.call("SENTINEL", "SET", NAME, "busy-is-alive-max-ms", "9000").value == b"OK"
    wait_for(lambda: probes_of(deployment.primary) == 1, 10, "the probe")
    assert f"sentinel busy-is-alive-max-ms {NAME} 9000" in one.lines()
    assert one.call("SENTINEL", "SET", NAME, "busy-is-alive-max-ms", "0").value == b"OK"
    wait_for(lambda: probes_of(deployment.primary) == 0, 10, "the probe to have gone")
    assert isinstance(one.call("SENTINEL", "SET", NAME, "busy-is-alive-max-ms", "-1"), Error)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_probe_is_answered_while_the_engine_is_busy(server, threads):
    watched = server("hearth", "--enable-debug-command", "yes", "--io-threads", threads)
    with Client(watched.tcp) as probe:
        assert probe.call("CLIENT", "PROBE").value == b"OK"
        assert probe.call("PING") in range(0, 1000)
        assert b"cmd=client|probe" in watched.call("CLIENT", "LIST")
        sleeping = sleep_on(watched, "1.5")
        wait_for(lambda: probe.call("PING") > 300, 10, "a busy answer")
        assert sleeping.is_alive()
        sleeping.join(30)
        wait_for(lambda: probe.call("PING") < 300, 10, "an idle answer")
        watched.call("CONFIG", "SET", "io-threads", 2)
        assert isinstance(probe.call("ping"), int)
        assert watched.call("CLIENT", "KILL", "TYPE", "normal") >= 1
        with pytest.raises(ConnectionClosed):
            while True:
                probe.call("PING")
    wait_for(lambda: probes_of(watched) == 0, 10, "the probe to have gone")


HOSTILE = [b"*2\r\n$4\r\nPING\r\n$1\r\nx\r\n", b"*1\r\n$4\r\nINFO\r\n", b"GET x\r\n", b"*1\r\n$1000000\r\n", b"*1000\r\n",
           b"\xff" * 100 + b"\r\n", b"*1\r\nx\r\n", b"A" * 200_000]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_probe_ends_the_connection_and_nothing_else(server, text):
    watched = server()
    with Client(watched.tcp) as probe, Client(watched.tcp) as other:
        assert probe.call("CLIENT", "PROBE").value == b"OK"
        assert other.call("CLIENT", "PROBE").value == b"OK"
        try:
            probe.send_raw(text)
            with pytest.raises(ConnectionClosed):
                probe.read()
        except ConnectionClosed:
            pass
        assert isinstance(other.call("PING"), int)
    assert watched.call("GET", "x") is not None


def test_answers_that_nobody_reads_end_the_connection(server):
    watched = server()
    with Client(watched.tcp, timeout=20) as probe:
        assert probe.call("CLIENT", "PROBE").value == b"OK"
        deadline = time.monotonic() + 30
        with pytest.raises(ConnectionClosed):
            while time.monotonic() < deadline:
                probe.send_raw(b"PING\r\n" * 10_000)
    assert watched.call("PING").value == b"PONG"


def test_rights_hold_for_probes(server):
    watched = server()
    watched.call("ACL", "SETUSER", "watcher", "on", ">word", "+@all", "-client|probe")
    with Client(watched.tcp) as client:
        client.call("AUTH", "watcher", "word")
        assert client.call("CLIENT", "PROBE").value.startswith(b"NOPERM")
        assert client.call("PING").value == b"PONG"
    assert watched.call_once("MULTI").value == b"OK"
