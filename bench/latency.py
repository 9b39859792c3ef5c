"""What other clients feel while something heavy happens: a probe asks for one key every millisecond meanwhile."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Callable

import resp
import servers

STORM_KEYS = 1_000_000
ELEMENTS = 10_000_000
GROWTH_KEYS = 10_000_000
STORM_LEAD_MS = 3_000
STORM_LIMIT_SECONDS = 60
QUIET_SECONDS = 1.0
PROBE_KEY = "probe"
FOLDER = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    scenario: Callable  # (server, shrink) -> figures in milliseconds


class Probe:
    """The probing process; `with` runs it, `figures` are there afterwards."""

    def __init__(self, server):
        _, client_cores = servers.cores()
        command = [sys.executable, os.path.join(FOLDER, "probe.py"), str(server.port), PROBE_KEY]
        self.process = subprocess.Popen(
            servers.on_cores(client_cores, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.figures = None

    def __enter__(self):
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("the latency probe did not start")
        return self

    def __exit__(self, kind, *_):
        self.process.stdin.close()
        text = self.process.stdout.read()
        self.process.wait()
        if kind is None:
            self.figures = json.loads(text)


def storm(server, shrink):
    """All keys expire in the same second; the probe runs from just before it until the last one is gone."""
    count = STORM_KEYS // shrink
    with resp.Client(server.port) as client:
        client.call("SET", PROBE_KEY, "v" * 64)
        client.load(resp.set_keys(count, b"v" * 64))
        # Spread over one second, as keys of many clients with the same TTL are.
        at = int(time.time() * 1000) + STORM_LEAD_MS + count // 100
        form = b"*3\r\n$9\r\nPEXPIREAT\r\n$16\r\nkey:%012d\r\n$13\r\n%d\r\n"
        client.load(resp.chunked(form % (i, at + i * 1000 // count) for i in range(count)))
        if time.time() * 1000 > at:
            raise RuntimeError("loading took longer than the keys live; nothing was measured")
        time.sleep(max(0.0, at / 1000 - time.time() - 0.5))
        with Probe(server) as probe:
            deadline = time.monotonic() + STORM_LIMIT_SECONDS
            while client.call("DBSIZE") > 1 and time.monotonic() < deadline:
                time.sleep(0.1)
        left = client.call("DBSIZE") - 1
    return {**probe.figures, **({"left": left} if left else {})}


def hash_elements(count):
    return resp.grouped(
        ("HSET", "large"), count, 200, lambda i: b"$14\r\nfield:%08d\r\n$16\r\nvalue:%010d\r\n" % (i, i)
    )


def list_elements(count):
    return resp.grouped(("RPUSH", "large"), count, 400, lambda i: b"$16\r\nvalue:%010d\r\n" % i)


def removal(command, elements):
    def scenario(server, shrink):
        with resp.Client(server.port) as client:
            client.call("SET", PROBE_KEY, "v" * 64)
            client.load(elements(ELEMENTS // shrink))
            server.settle()
            with Probe(server) as probe:
                time.sleep(QUIET_SECONDS)
                started = time.perf_counter()
                client.call(command, "large")
                reply_ms = (time.perf_counter() - started) * 1000
                time.sleep(QUIET_SECONDS)
        return {**probe.figures, "reply": reply_ms}

    return scenario


def growth(server, shrink):
    """The table grows from nothing; one pipelining loader, held back by nothing but the server."""
    with resp.Client(server.port) as client:
        client.call("SET", PROBE_KEY, "v" * 64)
        with Probe(server) as probe:
            client.load(resp.set_keys(GROWTH_KEYS // shrink, b"v" * 16))
    return probe.figures


def rows():
    return [
        Row("latency-ttl-storm", "1M keys expire in one second", storm),
        Row("latency-del-hash", "DEL of a hash of 10M fields", removal("DEL", hash_elements)),
        Row("latency-unlink-hash", "UNLINK of a hash of 10M fields", removal("UNLINK", hash_elements)),
        Row("latency-del-list", "DEL of a list of 10M elements", removal("DEL", list_elements)),
        Row("latency-unlink-list", "UNLINK of a list of 10M elements", removal("UNLINK", list_elements)),
        Row("latency-growth", "growth to 10M keys under load", growth),
    ]


def figures_of(name, row, shrink):
    server_cores, _ = servers.cores()
    with servers.Server(name, server_cores) as server:
        return row.scenario(server, shrink)


def measure(wanted, shrink, say):
    """[(row, {"redis": figures, "hearth": figures} or the text of what went wrong)]."""
    results = []
    for row in wanted:
        try:
            found = {name: figures_of(name, row, shrink) for name in servers.NAMES}
        except (RuntimeError, OSError, resp.ServerError) as error:
            found = str(error)
        results.append((row, found))
        say(row, found)
    return results
