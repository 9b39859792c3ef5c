"""Start-up, shutdown and configuration sources, as an operator and a service manager see them."""

import os
import signal
import socket
import stat
import subprocess

import pytest

from support.resp import Client, ConnectionClosed, Error, OK, PONG
from support.server import binary_of, wait_for

RUN_SECONDS = 20


def run_briefly(role, *arguments, stdin="", folder=None):
    """(exit code, all output) of a server that is expected to end by itself."""
    done = subprocess.run([binary_of(role), *map(str, arguments)], input=stdin.encode(),
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=RUN_SECONDS, cwd=folder)
    return done.returncode, done.stdout.decode(errors="replace")


def test_the_log_says_when_connections_are_accepted(start, role):
    server = start(role, tcp=True)
    log = server.log()
    assert "ready to accept connections" in log.lower()
    assert str(server.pid) in log


@pytest.mark.parametrize("tcp", [True, False])
def test_it_listens_where_it_was_told(start, role, tcp):
    server = start(role, tcp=tcp)
    with server.client() as client:
        assert client.call("PING") == PONG
    if tcp:
        with server.client(tcp=True) as client:
            assert client.call("PING") == PONG


def test_a_port_in_use_ends_the_start(role, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, output = run_briefly(role, "--port", port, "--bind", "127.0.0.1", folder=tmp_path)
    assert code == 1
    assert f"Failed listening on port {port}" in output


def test_a_folder_that_is_missing_ends_the_start(role, tmp_path):
    code, output = run_briefly(role, "--port", 0, "--dir", tmp_path / "missing")
    assert code == 1
    assert "No such file or directory" in output


def test_a_socket_that_cannot_be_made_ends_the_start(role, tmp_path):
    code, _ = run_briefly(role, "--port", 0, "--unixsocket", tmp_path / "missing" / "s", folder=tmp_path)
    assert code == 1


def test_a_config_file_that_is_missing_ends_the_start(role, tmp_path):
    code, output = run_briefly(role, tmp_path / "missing.conf")
    assert code == 1
    assert "can't open config file" in output and "No such file or directory" in output


BAD_ARGUMENTS = [
    ["--nosuch", "1"], ["--port", "abc"], ["--port", "70000"], ["--maxclients"], ["--hz", "abc"],
                 ["--save", "1"],
    ["--maxmemory-policy", "foo"], ["--maxmemory", "12q"], ["--appendonly", "maybe"], ["--databases", "0"],
    ["--client-output-buffer-limit", "normal"], ["--rename-command", "nosuchcommand", "x"],
                 ["--rename-command", "GET"],
    ["--loglevel", "loud"], ["--timeout", "-1"], ["--unixsocketperm", "1000"], ["--tcp-backlog", "x"],
    ["--notify-keyspace-events", "Q"], ["--list-max-listpack-size", "x"],
]


def fatal_lines(output):
    """The lines of the fatal error without the product's name and version and without the place: Hearth names
    the file, and the option where the oracle counts lines of a file that it makes up. 7.2 added a log level."""
    lines = [line.replace(", nothing", "") for line in output.splitlines() if line.strip()]
    return [line for line in lines if not line.startswith(("***", "Reading the "))]


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS, ids=" ".join)
def test_a_bad_argument_ends_the_start_as_it_does_for_the_oracle(tmp_path, arguments):
    results = {r: run_briefly(r, "--port", 0, *arguments, folder=tmp_path) for r in ("oracle", "hearth")}
    assert results["hearth"][0] == results["oracle"][0] == 1
    assert "FATAL CONFIG FILE ERROR" in results["hearth"][1]
    assert fatal_lines(results["hearth"][1]) == fatal_lines(results["oracle"][1])


def test_an_error_in_the_config_file_names_its_line(tmp_path):
    path = tmp_path / "bad.conf"
    path.write_text("# a comment\nport 0\n\n   timeout   soon\nhz 10\n")
    results = {r: run_briefly(r, path, folder=tmp_path) for r in ("oracle", "hearth")}
    assert results["hearth"][0] == results["oracle"][0] == 1
    assert "at line 4" in results["hearth"][1]
    assert fatal_lines(results["hearth"][1]) == fatal_lines(results["oracle"][1])


@pytest.mark.parametrize("flag", ["--version", "-v", "--help", "-h"])
def test_version_and_help_end_at_once(flag):
    codes = {r: run_briefly(r, flag)[0] for r in ("oracle", "hearth")}
    assert codes["hearth"] == codes["oracle"]
    assert run_briefly("hearth", flag)[1].strip()


def get(client, name):
    reply = client.call("CONFIG", "GET", name)
    return reply[1].decode()


def test_sources_of_settings_override_each_other_in_order(start, role):
    server = start(role, "--hz", "33", "--maxmemory-policy", "allkeys-lru",
                   config="hz 11\ntimeout 77\nmaxmemory 3mb\n")
    with server.client() as client:
        assert get(client, "hz") == "33"
        assert get(client, "timeout") == "77"
        assert get(client, "maxmemory") == str(3 << 20)
        assert get(client, "maxmemory-policy") == "allkeys-lru"


def test_settings_come_from_stdin(start, role):
    server = start(role, stdin="timeout 55\nhz 22\n")
    with server.client() as client:
        assert (get(client, "timeout"), get(client, "hz")) == ("55", "22")


def test_quotes_comments_includes_and_repeated_settings_in_the_file(start, role, tmp_path):
    included = tmp_path / "more.conf"
    included.write_text("timeout 9\n")
    config = ["# comment", "", 'requirepass "a \\"b\\" \\x41"', "save 900 1", "save 300 10",
              f"include {included}", "DATABASES 5", "client-output-buffer-limit pubsub 1mb 512kb 10", ""]
    server = start(role, "--save", "700", "3", config="\n".join(config))
    with server.client() as client:
        assert client.call("AUTH", 'a "b" A') == OK
        assert get(client, "timeout") == "9"
        assert get(client, "databases") == "5"
        assert "pubsub 1048576 524288 10" in get(client, "client-output-buffer-limit")


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 0)])
def test_signals_end_the_server_in_order(start, role, number, code):
    server = start(role)
    server.signal(number)
    assert server.wait_for_exit() == code
    assert not os.path.exists(server.address)


@pytest.mark.parametrize("arguments", [(), ("NOSAVE",), ("NOW",), ("NOSAVE", "NOW", "FORCE")])
def test_shutdown_ends_the_server(start, role, arguments):
    server = start(role)
    with server.client() as client:
        with pytest.raises(ConnectionClosed):
            client.call("SHUTDOWN", *arguments)
    assert server.wait_for_exit() == 0


def test_shutdown_errors_are_the_oracles(both):
    commands = [("SHUTDOWN", "NOSUCH"), ("SHUTDOWN", "SAVE", "NOSAVE"), ("SHUTDOWN", "ABORT"),
                ("SHUTDOWN", "ABORT", "NOW"), ("SHUTDOWN", "ABORT", "ABORT")]
    replies = []
    for server in both:
        with server.client() as client:
            replies.append([client.call(*c) for c in commands])
    assert replies[0] == replies[1]
    assert all(isinstance(reply, Error) for reply in replies[0])


@pytest.mark.parametrize("permissions", ["700", "600", "777"])
def test_the_unix_socket_has_the_permissions_asked_for(start, role, permissions):
    server = start(role, "--unixsocketperm", permissions)
    assert stat.S_IMODE(os.stat(server.address).st_mode) == int(permissions, 8)


def test_a_socket_file_left_behind_is_replaced(start, role):
    first = start(role)
    first.kill()
    assert os.path.exists(first.address)
    second = start(role, folder=first.folder)
    with second.client() as client:
        assert client.call("PING") == PONG
    second.stop()


def test_a_pid_file_is_written_and_removed(start, role, tmp_path):
    path = tmp_path / "server.pid"
    server = start(role, "--pidfile", path)
    assert int(path.read_text()) == server.pid
    server.signal(signal.SIGTERM)
    server.wait_for_exit()
    assert not path.exists()


def test_the_log_goes_to_the_file_asked_for(start, role, tmp_path):
    path = tmp_path / "own.log"
    start(role, "--logfile", path)
    wait_for(lambda: path.exists() and "ready to accept connections" in path.read_text().lower())


def test_protected_mode_admits_loopback(start, role):
    server = start(role, "--protected-mode", "yes", tcp=True)
    with server.client(tcp=True) as client:
        assert client.call("PING") == PONG


def test_connections_over_maxclients_are_refused(both):
    replies = []
    for server in both:
        with server.client() as first:
            assert first.call("CONFIG", "SET", "maxclients", 3) == OK
            others = [server.client() for _ in range(2)]
            assert [client.call("PING") for client in others] == [PONG, PONG]
            extra = Client(server.address)
            replies.append(extra.read())
            assert extra.is_closed()
            others[0].close()
            with server.client() as again:
                wait_for(lambda: first.call("CLIENT", "LIST").count(b"\n") <= 3)
            others[1].close()
            again.close()
    assert replies[0] == replies[1]
    assert isinstance(replies[0], Error)


def test_the_password_of_requirepass_is_asked_for(both):
    replies = []
    for server in both:
        with server.client() as client:
            assert client.call("CONFIG", "SET", "requirepass", "secret") == OK
        with server.client() as client:
            replies.append([client.call(*c) for c in [
                ("PING",), ("GET", "a"), ("AUTH", "wrong"), ("AUTH", "default", "wrong"),
                                                      ("AUTH", "nobody", "secret"),
                ("HELLO", "2"), ("HELLO", "2", "AUTH", "default", "wrong"), ("AUTH", "secret"), ("PING",),
                                                      ("RESET",), ("PING",),
                ("AUTH", "default", "secret"), ("GET", "a")]])
        with server.client() as client:
            assert isinstance(client.call("HELLO", "3", "AUTH", "default", "secret").value, list)
            assert client.call("PING") == PONG
    # 7.2 names the protocol in its hint.
    mine = [Error(r.value.replace(b"HELLO <proto>", b"HELLO")) if isinstance(r, Error) else r for r in replies[0]]
    assert mine == replies[1]
    assert replies[0][-2] == OK


def test_renamed_and_removed_commands(start):
    replies = []
    for role_name in ("hearth", "oracle"):
        server = start(role_name, "--rename-command", "GET", "FETCH", "--rename-command", "FLUSHALL", "")
        with server.client() as client:
            replies.append([client.call(*c) for c in [("SET", "a", "1"), ("FETCH", "a"), ("GET", "a"),
                                                      ("FLUSHALL",), ("fetch",)]])
    assert replies[0] == replies[1]
    assert replies[0][1] == b"1" and isinstance(replies[0][2], Error)
