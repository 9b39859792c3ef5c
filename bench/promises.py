"""What a promise costs: SET by 50 clients of a primary with two replicas, without a promise and with `replication-acks 1`.

All servers and the clients share all cores. Rounds of either kind follow each other in turn, so that drift of the machine
meets both alike. Redis has no such promise; its figure is that without one.
"""

import contextlib
import csv
import io
import statistics
import subprocess
from dataclasses import dataclass

import resp
import servers

REPLICAS = 2
CONNECTIONS = 50
REQUESTS = 150_000
LIMIT_SECONDS = 120
SHARE_TARGET = 0.70


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    pipeline: int


def rows():
    return [
        Row("promises-p1", "SET, 50 clients", 1),
        Row("promises-p16", "SET, 50 clients, pipeline 16", 16),
    ]


def takes_writes(client):
    try:
        return client.call("SET", "ready", "yes") == b"OK"
    except resp.ServerError:
        return False


def requests_per_second(server, row, requests):
    command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-c", str(CONNECTIONS), "--csv"]
    command += ["-n", str(requests), "-P", str(row.pipeline), "-r", "1000000", "SET", "key:__rand_int__", "v" * 64]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    lines = list(csv.reader(io.StringIO(done.stdout)))
    if done.returncode != 0 or len(lines) < 2 or lines[0][1] != "rps":
        raise RuntimeError(f"redis-benchmark failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return float(lines[-1][1])


def figures(name, row, rounds, requests, progress):
    """{number of acknowledgements: requests per second}"""
    cores, _ = servers.cores_of_service()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(servers.Server(name, cores, *servers.SYNC_AT_ONCE))
        for _ in range(REPLICAS):
            stack.enter_context(servers.Server(name, cores, "--replicaof", f"127.0.0.1 {server.port}"))
        client = stack.enter_context(resp.Client(server.port))
        servers.wait_until(
            lambda: sum("state=online" in value for value in client.info("replication").values()) == REPLICAS,
            f"{name}: {REPLICAS} replicas online", LIMIT_SECONDS)
        found = {acks: [] for acks in ([0, 1] if name == "hearth" else [0])}
        for number in range(rounds):
            for acks in found if number % 2 == 0 else reversed(found):
                progress(f"{name}: round {number + 1}, acknowledgements: {acks}")
                if name == "hearth":
                    client.call("CONFIG", "SET", "replication-acks", str(acks))
                servers.wait_until(lambda: takes_writes(client), f"{name}: a write that is taken", LIMIT_SECONDS)
                found[acks].append(requests_per_second(server, row, requests))
        return {acks: statistics.median(rates) for acks, rates in found.items()}


def measure(wanted, rounds, shrink, say):
    """[(row, {"redis": figures, "hearth": figures} or the text of what went wrong)]."""
    results = []
    for row in wanted:
        requests = REQUESTS * min(row.pipeline, 8) // shrink
        try:
            found = {name: figures(name, row, rounds, requests, lambda text, row=row: say(row, text))
                     for name in servers.NAMES}
            results.append((row, found))
        except (RuntimeError, OSError, resp.ServerError, subprocess.TimeoutExpired) as error:
            results.append((row, str(error)))
            say(row, str(error))
    return results
