"""Throughput and server CPU per command, row by row, alternating between the two servers.

The load comes from redis-benchmark with 50 connections. Where it is the bottleneck, throughput says little about the
server; the server's CPU time per command still does, so that is what the targets are about.
"""

import contextlib
import csv
import hashlib
import io
import statistics
import subprocess
from dataclasses import dataclass, replace
from typing import Callable, Optional

import resp
import servers
import tls

KEYS = 1_000_000
VALUE = "v" * 64
CONNECTIONS = 50
LOAD_LIMIT_SECONDS = 900
IO_THREADS = 2


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    command: tuple
    pipeline: int
    requests: int
    target: Optional[float] = None  # Hearth's CPU per command over Redis's, at most
    prepare_once: Optional[Callable] = None
    prepare_round: Optional[Callable] = None
    io_threads: int = 1
    is_tls: bool = False


@dataclass
class Measured:
    """Medians over the rounds."""

    requests_per_second: float
    cpu_microseconds: float
    spread: float  # (largest - smallest) / median of the CPU per command


def fill_keys(client, keys, requests):
    client.load(resp.set_keys(keys, VALUE.encode()))


def fill_counters(client, keys, requests):
    client.load(resp.chunked(resp.encode("SET", "counter:%012d" % i, i) for i in range(keys)))


def fill_list_to_pop(client, keys, requests):
    element = b"$64\r\n%s\r\n" % VALUE.encode()
    client.call("DEL", "poplist")
    client.load(resp.grouped(("RPUSH", "poplist"), requests + 10_000, 200, lambda i: element))


def fill_range(client, keys, requests):
    client.call("DEL", "rangelist")
    client.call("RPUSH", "rangelist", *[VALUE] * 1000)


# Reads and writes in turn, on one key.
SCRIPT_OF_20 = ("for i = 1, 10 do redis.call('set', KEYS[1], ARGV[1]) redis.call('get', KEYS[1]) end return 1")
SCRIPT_OF_GET = "return redis.call('get',KEYS[1])"


def load_script(script):
    def step(client, keys, requests):
        fill_keys(client, keys, requests)
        client.call("SCRIPT", "LOAD", script)

    return step


def digest(script):
    return hashlib.sha1(script.encode()).hexdigest()


def delete(key):
    return lambda client, keys, requests: client.call("DEL", key)


def plain_rows():
    key = "key:__rand_int__"
    mset = ("MSET",) + (key, VALUE) * 10
    get = dict(title="GET", command=("GET", key), prepare_once=fill_keys)
    put = dict(title="SET", command=("SET", key, VALUE), prepare_once=fill_keys)
    return [
        Row("ping-p1", "PING", ("PING",), 1, 300_000, 1.0),
        Row("get-p1", **get, pipeline=1, requests=300_000, target=0.85),
        Row("get-p16", **get, pipeline=16, requests=2_000_000, target=0.45),
        Row("get-p64", **get, pipeline=64, requests=4_000_000, target=0.38),
        Row("set-p1", **put, pipeline=1, requests=300_000, target=0.85),
        Row("set-p16", **put, pipeline=16, requests=2_000_000, target=0.40),
        Row("set-p64", **put, pipeline=64, requests=3_000_000, target=0.25),
        Row("incr-p16", "INCR", ("INCR", "counter:__rand_int__"), 16, 2_000_000, 0.70, fill_counters),
        Row("mset-p16", "MSET of 10", mset, 16, 300_000, 0.70, fill_keys),
        Row("lpush-p16", "LPUSH", ("LPUSH", "pushlist", VALUE), 16, 1_500_000, 0.70, None, delete("pushlist")),
        Row("lpop-p16", "LPOP", ("LPOP", "poplist"), 16, 1_500_000, 0.70, None, fill_list_to_pop),
        Row("hset-p16", "HSET", ("HSET", "hash", "element:__rand_int__", VALUE), 16, 1_500_000, 0.70, None,
            delete("hash")),
        Row("lrange-p16", "LRANGE 100", ("LRANGE", "rangelist", "0", "99"), 16, 200_000, 0.70, fill_range),
        Row("eval-get-p16", "EVAL of a GET", ("EVAL", SCRIPT_OF_GET, "1", key), 16, 500_000, 0.80, fill_keys),
        Row("evalsha-get-p16", "EVALSHA of a GET", ("EVALSHA", digest(SCRIPT_OF_GET), "1", key), 16, 500_000, 0.80,
            load_script(SCRIPT_OF_GET)),
        Row("eval-20-p16", "EVAL of 20 commands", ("EVAL", SCRIPT_OF_20, "1", key, VALUE), 16, 100_000, 0.50,
            fill_keys),
    ]


def rows():
    """All rows, again with I/O threads, where no target but the comparison itself is set, and some over TLS."""
    plain = plain_rows()
    threaded = [
        Row("io2-" + row.name, row.title, row.command, row.pipeline, row.requests, None, row.prepare_once,
            row.prepare_round, IO_THREADS)
        for row in plain
    ]
    secret = [
        replace(row, name="tls-" + row.name, target=1.0, is_tls=True)
        for row in plain
        if row.name in ("get-p1", "get-p16", "set-p1", "set-p16")
    ]
    return plain + threaded + secret


def run_load(server, row, client_cores, keys, requests):
    """(requests per second, server CPU microseconds per request) of one round."""
    way = ["-p", str(server.tls_port), *server.certificates.for_client()] if row.is_tls else ["-p", str(server.port)]
    command = ["redis-benchmark", "-h", "127.0.0.1", *way, "-c", str(CONNECTIONS), "--csv"]
    command += ["-n", str(requests), "-P", str(row.pipeline), "-r", str(keys), *row.command]
    before = server.cpu_seconds()
    result = subprocess.run(
        servers.on_cores(client_cores, command), capture_output=True, text=True, timeout=LOAD_LIMIT_SECONDS
    )
    used = server.cpu_seconds() - before
    lines = list(csv.reader(io.StringIO(result.stdout)))
    if result.returncode != 0 or len(lines) < 2 or lines[0][1] != "rps":
        raise RuntimeError(f"redis-benchmark failed on {row.name}: {(result.stderr or result.stdout).strip()[-300:]}")
    return float(lines[-1][1]), used / requests * 1e6


def prepare(server, step, keys, requests):
    if step is not None:
        with resp.Client(server.port) as client:
            step(client, keys, requests)
        server.settle()


def refuses(server, row):
    """The error that the server gives to the row's command, or None."""
    with resp.Client(server.port) as client:
        try:
            client.call(*(word.replace("__rand_int__", "%012d" % 0) for word in row.command))
            return None
        except resp.ServerError as error:
            return str(error)


@contextlib.contextmanager
def alone(server, pair):
    """The other server stands still meanwhile, whatever its threads are up to."""
    others = [other for other in pair if other is not server]
    for other in others:
        other.pause()
    try:
        yield
    finally:
        for other in others:
            other.resume()


def measure_row(pair, row, client_cores, rounds, keys, requests, prepared):
    samples = {server.name: [] for server in pair}
    for number in range(rounds):
        # Who goes first changes with every round, so that drift of the machine meets both alike.
        for server in pair if number % 2 == 0 else reversed(pair):
            with alone(server, pair):
                if (server.name, row.prepare_once) not in prepared:
                    prepare(server, row.prepare_once, keys, requests)
                    prepared.add((server.name, row.prepare_once))
                prepare(server, row.prepare_round, keys, requests)
                error = refuses(server, row) if number == 0 else None
                if error is not None:
                    raise RuntimeError(f"{server.name} refuses it: {error}")
                samples[server.name].append(run_load(server, row, client_cores, keys, requests))
    return {name: summary(values) for name, values in samples.items()}


def summary(values):
    cpu = [value[1] for value in values]
    middle = statistics.median(cpu)
    return Measured(statistics.median(value[0] for value in values), middle, (max(cpu) - min(cpu)) / max(middle, 1e-9))


def measure(wanted, rounds, shrink, say):
    """[(row, {"redis": Measured, "hearth": Measured} or the text of what went wrong)]."""
    results = []
    keys = KEYS // shrink
    for io_threads, is_tls in ((1, False), (IO_THREADS, False), (1, True)):
        group = [row for row in wanted if (row.io_threads, row.is_tls) == (io_threads, is_tls)]
        if not group:
            continue
        server_cores, client_cores = servers.cores() if io_threads == 1 else servers.cores_for_io_threads(io_threads)
        arguments = ("--io-threads", str(io_threads)) if io_threads > 1 else ()
        with contextlib.ExitStack() as stack:
            shown = stack.enter_context(tls.certificates()) if is_tls else None
            redis = stack.enter_context(servers.Server("redis", server_cores, *arguments, certificates=shown))
            with servers.Server("hearth", server_cores, *arguments, certificates=shown) as hearth:
                prepared = set()
                for row in group:
                    results.append((row, measure_or_explain((redis, hearth), row, client_cores, rounds, keys,
                                                            row.requests // shrink, prepared)))
                    say(row, results[-1][1])
    return results


def measure_or_explain(pair, row, client_cores, rounds, keys, requests, prepared):
    try:
        return measure_row(pair, row, client_cores, rounds, keys, requests, prepared)
    except (RuntimeError, OSError, resp.ServerError, subprocess.TimeoutExpired) as error:
        return str(error)
