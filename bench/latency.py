"""What other clients feel while something heavy happens: a probe asks for one key every millisecond meanwhile.

And how long single commands take on a very large value: there the probe asks for these, one after the other.
"""

import time
from dataclasses import dataclass
from typing import Callable

import clients
import loads
import resp
import servers

STORM_KEYS = 1_000_000
ELEMENTS = 10_000_000
GROWTH_KEYS = 10_000_000
STORM_LEAD_MS = 3_000
STORM_LIMIT_SECONDS = 60
QUIET_SECONDS = 1.0
FREEING_SECONDS = 30.0
SINGLE_SECONDS = 10.0
PROBE_KEY = "probe"
LIMIT_MS = 5.0


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    scenario: Callable  # (server, shrink) -> {what was asked for beside the title, or "": figures in milliseconds}
    judged: str = "max"  # the figure that stays within LIMIT_MS


def probing(server):
    return clients.Probe(server, [{"words": ["GET", PROBE_KEY]}])


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
        with probing(server) as probe:
            deadline = time.monotonic() + STORM_LIMIT_SECONDS
            while client.call("DBSIZE") > 1 and time.monotonic() < deadline:
                time.sleep(0.1)
        left = client.call("DBSIZE") - 1
    return {"": {**probe.figures, **({"left": left} if left else {})}}


def removal(command, elements):
    """The probe runs from a second before the command until the server has nothing left to do."""

    def scenario(server, shrink):
        with resp.Client(server.port) as client:
            client.call("SET", PROBE_KEY, "v" * 64)
            client.load(elements("large", ELEMENTS // shrink))
            server.settle()
            with probing(server) as probe:
                time.sleep(QUIET_SECONDS)
                started = time.perf_counter()
                client.call(command, "large")
                reply_ms = (time.perf_counter() - started) * 1000
                wait_until_freed(server)
        return {"": {**probe.figures, "reply": reply_ms}}

    return scenario


def wait_until_freed(server):
    """Until the resident size has not changed for a while, at the limit at the latest."""
    limit = time.monotonic() + FREEING_SECONDS
    size, since = None, time.monotonic()
    while time.monotonic() < limit and time.monotonic() - since < QUIET_SECONDS:
        time.sleep(0.05)
        now = server.resident_bytes_quickly() >> 20
        if now != size:
            size, since = now, time.monotonic()


def growth(server, shrink):
    """The table grows from nothing; one pipelining loader, held back by nothing but the server."""
    with resp.Client(server.port) as client:
        client.call("SET", PROBE_KEY, "v" * 64)
        with probing(server) as probe:
            client.load(resp.set_keys(GROWTH_KEYS // shrink, b"v" * 16))
    return {"": probe.figures}


def single_commands(server, shrink):
    """Members and scores are drawn at random, so that ZREM takes what is there and ZADD mostly moves a member."""
    count = ELEMENTS // shrink
    member = "user:__rand_int__"
    commands = [["ZADD", "large", "__rand_int__", member], ["ZREM", "large", member], ["ZRANK", "large", member]]
    with resp.Client(server.port) as client:
        client.load(loads.sorted_set_members("large", count))
        server.settle()
        plan = [{"words": words, "range": count} for words in commands]
        with clients.Probe(server, plan, interval=0) as probe:
            time.sleep(SINGLE_SECONDS)
    return {words[0]: figures for words, figures in zip(commands, probe.each)}


def removals():
    containers = [("hash", "hash of 10M fields", loads.hash_fields), ("list", "list of 10M elements",
                  loads.list_elements), ("sorted-set", "sorted set of 10M members", loads.sorted_set_members)]
    return [
        Row(f"latency-{command.lower()}-{name}", f"{command} of a {title}", removal(command, elements))
        for name, title, elements in containers
        for command in ("DEL", "UNLINK")
    ]


def rows():
    return [
        Row("latency-ttl-storm", "1M keys expire in one second", storm, judged="p99"),
        *removals(),
        Row("latency-growth", "growth to 10M keys under load", growth),
        Row("latency-sorted-set", "on a sorted set of 10M members", single_commands),
    ]


def figures_of(name, row, shrink):
    server_cores, _ = servers.cores_of_service()
    with servers.Server(name, server_cores) as server:
        with server.answering_first():
            return row.scenario(server, shrink)


def measure(wanted, shrink, say):
    """[(row, {"redis": {part: figures}, "hearth": {part: figures}} or the text of what went wrong)]."""
    results = []
    for row in wanted:
        try:
            found = {name: figures_of(name, row, shrink) for name in servers.NAMES}
        except (RuntimeError, OSError, resp.ServerError) as error:
            found = str(error)
        results.append((row, found))
        say(row, found)
    return results
