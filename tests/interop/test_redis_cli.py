"""The real redis-cli works with Hearth as it works with Redis."""

import json
import os
import pty
import re
import select
import subprocess
import time

import pytest

from differential.supported import is_supported
from support.resp import encode

RUN_SECONDS = 30


def cli(server, *arguments, stdin=None, seconds=RUN_SECONDS):
    """The output of one redis-cli run that has to end by itself with code 0."""
    done = subprocess.run(["redis-cli", "-s", server.address, *map(str, arguments)], input=stdin,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds)
    assert done.returncode == 0, done.stdout
    return done.stdout.decode(errors="replace")


def cli_until(server, condition, *arguments, seconds=10.0):
    """Runs redis-cli in a mode that never ends until its output fulfils the condition; ends it by its pid.
    Its output is a terminal, since it would otherwise be held back."""
    reader, writer = pty.openpty()
    process = subprocess.Popen(["redis-cli", "-s", server.address, *map(str, arguments)], stdout=writer,
                               stderr=writer)
    os.close(writer)
    output = b""
    deadline = time.monotonic() + seconds
    try:
        while not condition(output.decode(errors="replace")):
            assert time.monotonic() < deadline, f"not seen in {output!r}"
            if select.select([reader], [], [], 0.2)[0]:
                data = os.read(reader, 65536)
                assert data, f"redis-cli ended after {output!r}"
                output += data
    finally:
        process.terminate()
        process.wait(RUN_SECONDS)
        os.close(reader)
    return output.decode(errors="replace")


class Terminal:
    """redis-cli in a terminal of its own, so that it is interactive."""

    def __init__(self, server):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "dumb"
            os.execvp("redis-cli", ["redis-cli", "-s", server.address])
        self.output = ""

    def expect(self, pattern, seconds=10.0):
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.output)):
            assert time.monotonic() < deadline, f"{pattern!r} not seen in {self.output!r}"
            if select.select([self.descriptor], [], [], 0.2)[0]:
                self.output += os.read(self.descriptor, 65536).decode(errors="replace")
        self.output = self.output[match.end() :]
        return match

    def type(self, line):
        os.write(self.descriptor, line.encode() + b"\n")

    def close(self):
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)


@pytest.fixture
def terminal(each):
    opened = Terminal(each)
    yield opened
    opened.close()


def test_an_interactive_session(terminal):
    terminal.expect("> ")
    for line, answer in [("set greeting \"hello world\"", "OK"), ("get greeting", '"hello world"'),
                         ("incr n", r"\(integer\) 1"),
                         ("get none", r"\(nil\)"), ("rpush l a b", r"\(integer\) 2"),
                         ("lrange l 0 -1", r'1\) "a"\r?\n2\) "b"'),
                         ("nosuch", r"\(error\) ERR unknown command 'nosuch'"), ("select 3", "OK")]:
        terminal.type(line)
        terminal.expect(answer)
    terminal.expect(r"\[3\]> ")
    terminal.type("multi")
    terminal.expect(r"OK(.|\r|\n)*\(TX\)> ")
    terminal.type("set a 1")
    terminal.expect(r"QUEUED(.|\r|\n)*\(TX\)> ")
    terminal.type("exec")
    terminal.expect(r"1\) OK")
    terminal.type("hello 3")
    terminal.expect(r"\"proto\" => \(integer\) 3")
    terminal.type("help get")
    terminal.expect("summary:")
    terminal.type("quit")


def fill(server):
    with server.client() as client:
        client.pipeline([("SET", f"user:{i}", "x" * i) for i in range(300)] + [("RPUSH", "list", *range(50)),
            ("HSET", "hash", "f", "v")])


def test_scan_lists_every_key(each):
    fill(each)
    assert len(set(cli(each, "--scan").split())) == 302
    assert len(set(cli(each, "--scan", "--pattern", "user:1*").split())) == 111


@pytest.mark.parametrize("mode, pattern", [("--bigkeys", r"Biggest\s+string found.*user:299"),
                                           ("--memkeys", r"Biggest\s+string found.*user:2\d\d")])
def test_searches_for_large_keys(each, mode, pattern):
    fill(each)
    output = cli(each, mode)
    assert re.search(pattern, output)
    assert "Sampled 302 keys" in output
    assert re.search(r"1 lists with 50 items|1 lists with \d+ bytes", output)


def test_stat_shows_lines(each):
    fill(each)
    output = cli_until(each, lambda text: len(re.findall(r"^302 ", text, re.M)) >= 2, "--stat", "-i", "0.1")
    assert "keys" in output and "requests" in output


def test_latency_gives_samples(each):
    output = cli_until(each, lambda text: re.search(r"\d+ \d+ [\d.]+ \d+", text) or "min:" in text,
                       "--latency", "-i", "0.2")
    assert output


def test_pipe_loads_everything(each):
    data = b"".join(encode(["SET", f"k{i}", b"\x00binary\r\n%d" % i])
                    for i in range(20000)) + encode(["NOSUCH"]) + encode(["RPUSH", "k1", "x"])
    process = subprocess.run(["redis-cli", "-s", each.address, "--pipe"], input=data, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT,
                             timeout=RUN_SECONDS)
    assert b"errors: 2, replies: 20002" in process.stdout
    with each.client() as client:
        assert client.call("DBSIZE") == 20000


def test_a_value_comes_from_stdin(each):
    assert cli(each, "-x", "set", "k", stdin=b"from stdin") == "OK\n"
    assert cli(each, "get", "k") == "from stdin\n"
    assert cli(each, "-X", "tag", "set", "other", "tag", stdin=b"tagged") == "OK\n"
    assert cli(each, "get", "other") == "tagged\n"


def test_commands_come_from_stdin(each):
    assert cli(each, stdin=b"set a 1\nincr a\nget a\n") == "OK\n2\n2\n"
    assert cli(each, "-r", "3", "incr", "a") == "3\n4\n5\n"


def test_json_output_uses_resp3(each):
    fill(each)
    assert json.loads(cli(each, "--json", "hgetall", "hash")) == {"f": "v"}
    assert json.loads(cli(each, "--json", "lrange", "list", 0, 1)) == ["0", "1"]
    assert cli(each, "-3", "--no-raw", "hgetall", "hash") == '1# "f" => "v"\n'
    assert json.loads(cli(each, "--json", "config", "get", "timeout")) == {"timeout": "0"}


def test_csv_and_formatted_output(each):
    fill(each)
    assert cli(each, "--csv", "lrange", "list", 0, 2) == '"0","1","2"\n'
    assert cli(each, "--no-raw", "lrange", "list", 0, 1) == '1) "0"\n2) "1"\n'
    assert cli(each, "--no-raw", "get", "none") == "(nil)\n"


def test_errors_give_an_exit_code_when_asked(each):
    done = subprocess.run(["redis-cli", "-s", each.address, "-e", "nosuch"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=RUN_SECONDS)
    assert done.returncode == 1 and b"unknown command" in done.stdout


def test_password_user_and_database_options(start, role):
    server = start(role, "--requirepass", "secret")
    assert "OK" in cli(server, "-a", "secret", "--no-auth-warning", "-n", "5", "set", "k", "v")
    assert "v" in cli(server, "--user", "default", "--pass", "secret", "--no-auth-warning", "-n", "5", "get",
                      "k")
    assert "NOAUTH" in cli(server, "get", "k")


def test_subscriptions_print_messages(each):
    def publish_and_see(text):
        if "subscribe" in text:
            with each.client() as client:
                client.call("PUBLISH", "news", "hello there")
        return "hello there" in text

    assert "news" in cli_until(each, publish_and_see, "subscribe", "news")


@pytest.mark.skipif(not is_supported((b"MONITOR",)), reason="the spec marks MONITOR as missing")
def test_monitor_prints_commands(each):
    def send_and_see(text):
        if "OK" in text:
            with each.client() as client:
                client.call("SET", "watched", "1")
        return re.search(r'\d+\.\d{6} \[0 unix:.*\] "SET" "watched" "1"', text)

    cli_until(each, send_and_see, "monitor")


def test_info_is_printed_as_text(each):
    assert "redis_version:7." in cli(each, "info", "server")
