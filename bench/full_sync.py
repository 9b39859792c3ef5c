"""What a full sync costs the primary under writes, and how soon the replica has everything; each server with its own kind.

The data are those of the snapshot. A writer sets 20,000 keys a second and a probe times one write each millisecond, before
the sync and during it, until the replica has caught up. In the other row the replica reads 20 MB a second at most, and
redis-benchmark writes as fast as the primary takes it, until the replica is online.
"""

import contextlib
import json
import time
from dataclasses import dataclass

import clients
import resp
import servers
import snapshot

POLL_SECONDS = 0.02
LIMIT_SECONDS = 900
THROTTLED_LIMIT_SECONDS = 300
THROTTLE = 20_000_000
THROTTLED_SHARE = 0.5  # of the data: it takes long enough
CAUGHT_UP_SECONDS = 0.1  # of what the primary writes
TIME_TARGET = 0.6  # Hearth over Redis, at most, as is the next one
MEMORY_TARGET = 0.15
DISK_ALLOWANCE = "32gb"
# No server is to start again because of a limit in the first row; the other one is about just that.
UNLIMITED = ("--client-output-buffer-limit", "replica 0 0 0")


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    is_throttled: bool = False


def rows():
    return [
        Row("full-sync", "full sync under writes"),
        Row("full-sync-throttled", "full sync of a replica that reads 20 MB/s", is_throttled=True),
    ]


def disk_allowance(name):
    return ("--repl-backlog-disk-size", DISK_ALLOWANCE) if name == "hearth" else ()


class Sync:
    """A replica of `server`, from REPLICAOF on."""

    def __init__(self, server, replica, port):
        self.watch = snapshot.MemoryWatch(server)
        self.primary = resp.Client(server.port)
        self.replica = resp.Client(replica.port)
        self.started = time.monotonic()
        self.replica.call("REPLICAOF", "127.0.0.1", str(port))

    @property
    def seconds(self):
        return time.monotonic() - self.started

    def wait(self, is_done, limit):
        """Whether it came true within `limit` seconds."""
        while not is_done():
            if self.seconds > limit:
                return False
            self.watch.sample()
            time.sleep(POLL_SECONDS)
        return True

    def is_online(self):
        """As the primary sees it."""
        return "state=online" in self.primary.info("replication").get("slave0", "")

    def is_in_step(self):
        """The replica follows, and is no further behind than what is written in a moment."""
        try:
            mine = self.replica.info("replication")
        except resp.ServerError:  # It loads.
            return False
        if mine.get("master_link_status") != "up":
            return False
        now, offset = time.monotonic(), int(self.primary.info("replication")["master_repl_offset"])
        before, self.last = getattr(self, "last", (now, offset)), (now, offset)
        rate = (offset - before[1]) / max(now - before[0], 1e-3)
        return offset - int(mine["slave_repl_offset"]) <= max(rate * CAUGHT_UP_SECONDS, 1024)

    def full_syncs(self):
        return int(self.primary.info("stats")["sync_full"])

    def close(self):
        self.primary.close()
        self.replica.close()


@contextlib.contextmanager
def relay(server):
    script = clients.Script(servers.cores_of_service()[1], "relay.py", json.dumps({"port": server.port, "bytes": THROTTLE}))
    try:
        yield int(script.line().split()[1])
    finally:
        script.line_after_closing()


def steady_figures(name, load, progress):
    cores, _ = servers.cores_of_service()
    with servers.Server(name, cores, *servers.SYNC_AT_ONCE, *UNLIMITED) as server, servers.Server(name, cores) as replica:
        progress(f"{name}: loading {load.gigabytes} GB")
        snapshot.fill(server, load)
        before, _ = snapshot.steady(server, load, lambda: time.sleep(snapshot.BEFORE_SECONDS))
        progress(f"{name}: full sync under steady writes")

        def until_in_step():
            sync = Sync(server, replica, server.port)
            if not sync.wait(sync.is_online, LIMIT_SECONDS):
                raise RuntimeError(f"{name}: the replica is not online after {LIMIT_SECONDS} s")
            online = sync.seconds
            if not sync.wait(sync.is_in_step, LIMIT_SECONDS):
                raise RuntimeError(f"{name}: the replica has not caught up after {LIMIT_SECONDS} s")
            found = {"online": online, "in_step": sync.seconds, "extra": sync.watch.extra_bytes, "syncs": sync.full_syncs()}
            sync.close()
            return found

        during, found = snapshot.steady(server, load, until_in_step)
    return {"before": before, "during": during, **found}


def throttled_figures(name, load, progress):
    cores, _ = servers.cores_of_service()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(servers.Server(name, cores, *servers.SYNC_AT_ONCE, *disk_allowance(name)))
        replica = stack.enter_context(servers.Server(name, cores))
        progress(f"{name}: loading {load.gigabytes} GB")
        snapshot.fill(server, load)
        port = stack.enter_context(relay(server))
        progress(f"{name}: full sync of a throttled replica under as many writes as it takes")
        with resp.Client(server.port) as client, snapshot.saturated(server, load):
            sync = Sync(server, replica, port)

            def until_online():
                return sync.wait(sync.is_online, THROTTLED_LIMIT_SECONDS)

            rate, is_online = snapshot.writes_per_second(client, until_online)
        found = {"online": sync.seconds, "is_online": is_online, "rate": rate, "extra": sync.watch.extra_bytes}
        has_caught_up = is_online and sync.wait(sync.is_in_step, 2 * LIMIT_SECONDS)
        found |= {"in_step": sync.seconds if has_caught_up else None, "syncs": sync.full_syncs()}
        sync.close()
    return found


def measure(wanted, gigabytes, say):
    """[(row, {"redis": figures, "hearth": figures, "load": Load} or the text of what went wrong)]."""
    results = []
    for row in wanted:
        load = snapshot.load_of(gigabytes * (THROTTLED_SHARE if row.is_throttled else 1))
        figures = throttled_figures if row.is_throttled else steady_figures
        try:
            found = {name: figures(name, load, lambda text: say(row, text)) for name in servers.NAMES}
            results.append((row, {**found, "load": load}))
        except (RuntimeError, OSError, resp.ServerError) as error:
            results.append((row, str(error)))
            say(row, str(error))
    return results
