"""What the configuration asks of the process itself, and what it leaves in the log when something goes wrong."""

import pathlib
import signal

import pytest

from support.info import info_fields
from support.resp import ConnectionClosed, Error, OK
from support.server import wait_for

ALLOWED = ("--enable-debug-command", "local")


def command_line(server):
    return pathlib.Path(f"/proc/{server.pid}/cmdline").read_bytes().rstrip(b"\0").decode(errors="replace")


def memory_score(server):
    return int(pathlib.Path(f"/proc/{server.pid}/oom_score_adj").read_text())


def test_the_title_tells_the_address(start):
    hearth = start("hearth", tcp=True)
    assert command_line(hearth) == f"hearth-server 127.0.0.1:{hearth.port}"


def test_the_title_follows_its_template(start):
    hearth = start("hearth", "--proc-title-template", "{title} on {port}", tcp=True)
    assert command_line(hearth) == f"hearth-server on {hearth.port}"
    with hearth.client() as client:
        assert client.call("CONFIG", "SET", "proc-title-template", "now {listen-addr} {server-mode}") == OK
        assert command_line(hearth) == f"now 127.0.0.1:{hearth.port}"
        refused = client.call("CONFIG", "SET", "proc-title-template", "{nothing}")
        assert isinstance(refused, Error)
        assert b"template format is invalid or contains unknown variables" in refused.value
        assert client.call("CONFIG", "GET", "proc-title-template")[1] == b"now {listen-addr} {server-mode}"


def test_the_title_can_be_left_alone(start):
    hearth = start("hearth", "--set-proc-title", "no")
    assert "--set-proc-title" in command_line(hearth)


def test_the_score_for_the_systems_killer_follows_the_settings(each):
    before = memory_score(each)
    if before > 500:
        pytest.skip("this process begins with too high a score to add to it")
    with each.client() as client:
        assert client.call("CONFIG", "SET", "oom-score-adj", "relative", "oom-score-adj-values", "50 200 800") == OK
        assert memory_score(each) == before + 50
        assert client.call("CONFIG", "SET", "oom-score-adj-values", "60 200 800") == OK
        assert memory_score(each) == before + 60
        assert client.call("CONFIG", "SET", "oom-score-adj", "absolute", "oom-score-adj-values", "500 600 800") == OK
        assert memory_score(each) == 500
        assert client.call("CONFIG", "SET", "oom-score-adj", "no") == OK
        assert memory_score(each) == before


def test_the_watchdog_shows_where_the_server_hangs(start):
    hearth = start("hearth", *ALLOWED)
    with hearth.client(timeout=30) as client:
        assert client.call("CONFIG", "SET", "watchdog-period", 200) == OK

        # The alarm is set by the server's clock: the first hang may come before it.
        def barks():
            client.call("DEBUG", "SLEEP", "0.5")
            return "WATCHDOG TIMER EXPIRED" in hearth.log()

        wait_for(barks, 30, "the watchdog's report")
        assert "STACK TRACE" in hearth.log() and "hearth-server(+0x" in hearth.log()
        assert client.call("CONFIG", "SET", "watchdog-period", 0) == OK
        assert client.call("SET", "a", "1") == OK


@pytest.mark.parametrize("subcommand, told", [
    ("SEGFAULT", ["crashed by signal: 11", "STACK TRACE", "used_memory:"]),
    ("ASSERT", ["=== ASSERTION FAILED ===", "is not true", "crashed by signal: 6"]),
    ("PANIC", ["Guru Meditation", "crashed by signal: 6"])])
def test_a_crash_leaves_a_report(subcommand, told):
    from support.server import Server

    with Server("hearth", *ALLOWED) as hearth:
        with hearth.client() as client, pytest.raises(ConnectionClosed):
            client.call("DEBUG", subcommand)
        assert hearth.wait_for_exit() in (-signal.SIGSEGV, -signal.SIGABRT)
        log = hearth.log()
        assert [words for words in told if words not in log] == []


def test_a_crash_may_be_left_without_a_report(start):
    from support.server import Server

    with Server("hearth", *ALLOWED, "--crash-log-enabled", "no") as hearth:
        with hearth.client() as client, pytest.raises(ConnectionClosed):
            client.call("DEBUG", "SEGFAULT")
        assert hearth.wait_for_exit() == -signal.SIGSEGV
        assert "crashed by signal" not in hearth.log()


# The oracle looks at its clients only every thousand commands of an append-only file.
@pytest.mark.parametrize("role, appendonly", [("hearth", "no"), ("oracle", "no"), ("hearth", "yes")])
def test_loading_can_be_held_up_and_let_go(start, role, appendonly):
    keys = 2000
    server = start(role, "--appendonly", appendonly, "--appendfsync", "always", *ALLOWED)
    with server.client(timeout=30) as client:
        for i in range(0, keys, 500):
            client.pipeline([("SET", f"key:{k}", "v") for k in range(i, i + 500)])
        assert client.call("CONFIG", "SET", "key-load-delay", "5000", "loading-process-events-interval-bytes", 1024) == OK
        assert client.call("SAVE") == OK
        assert client.call("CONFIG", "SET", "save", "") == OK
    server.kill()
    server.command += ["--key-load-delay", "5000", "--loading-process-events-interval-bytes", "1024"]
    pathlib.Path(server.address).unlink(missing_ok=True)
    server.process = server._launch(None)

    def is_loading():
        try:
            with server.client(timeout=10) as client:
                reply = client.call("PING")
                if not isinstance(reply, Error):
                    return False
                assert reply.value.startswith(b"LOADING")
                fields = info_fields(client.call("INFO", "persistence"))
                assert fields["loading"] == "1" and int(fields["loading_total_bytes"]) > 0
                return client.call("CONFIG", "SET", "key-load-delay", 0) == OK
        except (OSError, ConnectionClosed):
            return False

    wait_for(is_loading, 20, "the loading")
    server.wait_until_ready()
    with server.client() as client:
        assert client.call("DBSIZE") == keys
