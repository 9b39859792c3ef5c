"""What a BGSAVE costs under writes, and how long its file takes to load; each server alone, one after the other.

The data are values of 64 to 1024 bytes, and one sorted set and one hash of 2M elements. A writer sets 20,000 keys a
second, and a probe times one write each millisecond: of a key, of the sorted set and of the hash in turn. So it goes
before the save, and during it. Then redis-benchmark writes as fast as the server takes it, before and during another
save. Last, the server is ended and started again on the file.
"""

import contextlib
import subprocess
import time
from dataclasses import dataclass

import clients
import loads
import resp
import servers

GIGABYTES = 2.0
ELEMENTS_PER_GIGABYTE = 1_000_000
MOST_ELEMENTS = 2_000_000
WRITES_PER_SECOND = 20_000
BEFORE_SECONDS = 10.0
SATURATING_SECONDS = 5.0
# Values change their sizes at first, and the allocator gives pages back some ten seconds later.
WARM_SECONDS = 12.0
SAVE_LIMIT_SECONDS = 900
CONNECTIONS = 50
PIPELINE = 16
ENDLESS = 1_000_000_000
POLL_SECONDS = 0.02
MEMORY_TARGET = 0.15  # Hearth over Redis, at most, as are the next two
DURATION_TARGET = 1.0
LOAD_TARGET = 0.6
KEPT_TARGET = 0.8  # of the writes without a save, at least
SORTED_SET, HASH = "sorted", "hash"


@dataclass(frozen=True)
class Row:
    name: str
    title: str


@dataclass(frozen=True)
class Load:
    gigabytes: float
    keys: int
    elements: int


@dataclass
class Save:
    """One BGSAVE as seen from outside."""

    seconds: float
    extra_bytes: int  # the most that server and children held above what the server held when it began


def rows():
    return [Row("snapshot", "BGSAVE under writes")]


def load_of(gigabytes):
    elements = min(MOST_ELEMENTS, int(ELEMENTS_PER_GIGABYTE * gigabytes))
    return Load(gigabytes, int(gigabytes * 1e9 / loads.MEAN_VALUE), elements)


def fill(server, load):
    values = loads.Values()
    with resp.Client(server.port) as client:
        client.load(resp.chunked(loads.set_command(i, values(i)) for i in range(load.keys)))
        client.load(loads.sorted_set_members(SORTED_SET, load.elements))
        fields = b"$17\r\nitem:%012d\r\n$16\r\nvalue:%010d\r\n"
        client.load(loads.hash_fields(HASH, load.elements, fields))
    server.settle()


def timed_writes(server, load):
    value = "w" * loads.MEAN_VALUE
    number = "__rand_int__"
    return clients.Probe(server, [
        {"words": ["SET", f"key:{number}", value], "range": load.keys},
        {"words": ["ZADD", SORTED_SET, number, f"user:{number}"], "range": load.elements},
        {"words": ["HSET", HASH, f"item:{number}", "w" * 16], "range": load.elements},
    ])


def steady(server, load, happening):
    """Figures of the writes while `happening` runs under the steady writer, and what it returns."""
    with clients.Writer(server, load.keys, WRITES_PER_SECOND) as writer:
        with server.answering_first(), timed_writes(server, load) as probe:
            result = happening()
    return {**probe.figures, "rate": writer.rate, "behind": writer.behind_ms}, result


class MemoryWatch:
    """Samples what the server and its children hold; a costly sample (of a large child) makes the next one wait."""

    def __init__(self, server):
        self.server = server
        self.start = server.resident_bytes_quickly()
        self.most = self.start
        self.due = 0.0

    def sample(self):
        began = time.monotonic()
        if began < self.due:
            return
        self.most = max(self.most, self.server.resident_bytes_quickly() + self.server.children_bytes())
        ended = time.monotonic()
        self.due = ended + 10 * (ended - began)

    @property
    def extra_bytes(self):
        return self.most - self.start


def save(server, client):
    watch = MemoryWatch(server)
    started = time.monotonic()
    client.call("BGSAVE")
    while True:
        watch.sample()
        fields = client.info("persistence")
        if fields["rdb_bgsave_in_progress"] == "0":
            break
        if time.monotonic() - started > SAVE_LIMIT_SECONDS:
            raise RuntimeError(f"{server.name} has not saved within {SAVE_LIMIT_SECONDS} seconds")
        time.sleep(POLL_SECONDS)
    seconds = time.monotonic() - started
    if fields["rdb_last_bgsave_status"] != "ok":
        raise RuntimeError(f"{server.name} could not save:\n{server.log()[-500:]}")
    return Save(seconds, watch.extra_bytes)


@contextlib.contextmanager
def saturated(server, load):
    """redis-benchmark writes without end meanwhile."""
    _, client_cores = servers.cores_of_service()
    command = ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-c", str(CONNECTIONS), "-q"]
    command += ["-n", str(ENDLESS), "-P", str(PIPELINE), "-r", str(load.keys)]
    command += ["SET", "key:__rand_int__", "w" * loads.MEAN_VALUE]
    process = subprocess.Popen(
        servers.on_cores(client_cores, command),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(WARM_SECONDS)
        yield
        if process.poll() is not None:
            raise RuntimeError("redis-benchmark ended during the measurement")
    finally:
        process.terminate()
        process.wait()


def writes_per_second(client, happening):
    """What the server processed while `happening` ran, and what that returned."""
    first = int(client.info("stats")["total_commands_processed"])
    started = time.monotonic()
    result = happening()
    last = int(client.info("stats")["total_commands_processed"])
    return (last - first) / (time.monotonic() - started), result


def reload(server, client):
    """Seconds of a start on the last file; fails if a key is missing."""
    expected = client.call("DBSIZE")
    seconds = server.restart()
    with resp.Client(server.port) as again:
        found = again.call("DBSIZE")
    if found != expected:
        raise RuntimeError(f"{server.name} came back with {found} keys of {expected}")
    return seconds


def figures_of(name, load, progress):
    server_cores, _ = servers.cores_of_service()
    with servers.Server(name, server_cores) as server:
        progress(f"{name}: loading {load.gigabytes} GB")
        fill(server, load)
        with resp.Client(server.port) as client:
            progress(f"{name}: steady writes, then with a save")
            resident = server.resident_bytes_quickly()
            before, _ = steady(server, load, lambda: time.sleep(BEFORE_SECONDS))
            during, first = steady(server, load, lambda: save(server, client))
            server.settle()
            progress(f"{name}: as many writes as it takes, then with a save")
            with saturated(server, load):
                rate_before, _ = writes_per_second(client, lambda: time.sleep(SATURATING_SECONDS))
                rate_during, second = writes_per_second(client, lambda: save(server, client))
            server.settle()
            progress(f"{name}: starting on the file")
            load_seconds = reload(server, client)
    return {
        "resident": resident, "before": before, "during": during, "seconds": first.seconds,
        "extra": first.extra_bytes, "saturated_before": rate_before, "saturated_during": rate_during,
        "saturated_seconds": second.seconds, "saturated_extra": second.extra_bytes, "load_seconds": load_seconds,
    }


def measure(wanted, gigabytes, say):
    """[(row, {"redis": figures, "hearth": figures, "load": Load} or the text of what went wrong)]."""
    results = []
    load = load_of(gigabytes)
    for row in wanted:
        try:
            found = {name: figures_of(name, load, lambda text: say(row, text)) for name in servers.NAMES}
            results.append((row, {**found, "load": load}))
        except (RuntimeError, OSError, resp.ServerError) as error:
            results.append((row, str(error)))
            say(row, str(error))
    return results
