"""What it costs a primary that ran ahead to join the replica that took its place; each server with its own kind.

Both have 1 GB in keys of 1 KB. The old primary writes 10,000 keys that its replica never gets, the new one 1,000 after it
was promoted. Then the old one becomes its replica: how long until it follows with everything, and how many bytes were
sent to it. Redis copies the whole dataset. Nothing is compressed: the values that both fill themselves with would nearly
vanish.
"""

import contextlib
import time
from dataclasses import dataclass

import resp
import servers

KEYS = 1_000_000
VALUE_BYTES = 1000
DIVERGED = 10_000
PROMOTED_WRITES = 1_000
LIMIT_SECONDS = 900
TIME_LIMIT_SECONDS = 2.0
BYTES_LIMIT = 50_000_000
OPTIONS = (*servers.SYNC_AT_ONCE, "--enable-debug-command", "yes",
           "--client-output-buffer-limit", "replica 0 0 0", "--rdbcompression", "no")


@dataclass(frozen=True)
class Row:
    name: str
    title: str


def rows():
    return [Row("rejoin", "a primary that ran ahead joins its former replica")]


def follows(replica, primary):
    """The replica has all that the primary, to which nobody writes, has."""
    try:
        mine, upstream = replica.info("replication"), primary.info("replication")
    except resp.ServerError:  # It loads.
        return False
    return (mine.get("master_link_status") == "up" and mine.get("master_replid") == upstream["master_replid"]
            and mine["slave_repl_offset"] == upstream["master_repl_offset"])


def write(client, first, count):
    value = "x" * VALUE_BYTES
    chunks = ((b"".join(resp.encode("SET", f"key:{i}", f"{i}{value}"[:VALUE_BYTES])
                        for i in range(at, min(at + 1000, first + count))), min(1000, first + count - at))
              for at in range(first, first + count, 1000))
    client.load(chunks)


def figures(name, keys, progress):
    cores, _ = servers.cores_of_service()
    with contextlib.ExitStack() as stack:
        old, new = (stack.enter_context(servers.Server(name, cores, *OPTIONS)) for _ in range(2))
        primary, promoted = (stack.enter_context(resp.Client(server.port)) for server in (old, new))
        progress(f"{name}: {keys:,} keys of {VALUE_BYTES} bytes, and a first full sync")
        primary.call("DEBUG", "POPULATE", str(keys), "key", str(VALUE_BYTES))
        promoted.call("REPLICAOF", "127.0.0.1", str(old.port))
        servers.wait_until(lambda: follows(promoted, primary), f"{name}: the first full sync", LIMIT_SECONDS)
        promoted.call("REPLICAOF", "NO", "ONE")
        write(primary, 0, DIVERGED)
        write(promoted, DIVERGED // 2, PROMOTED_WRITES)
        progress(f"{name}: the old primary joins the new one")
        sent = int(promoted.info("stats")["total_net_repl_output_bytes"])
        syncs = int(promoted.info("stats")["sync_full"])
        started = time.monotonic()
        primary.call("REPLICAOF", "127.0.0.1", str(new.port))
        servers.wait_until(lambda: follows(primary, promoted), f"{name}: the rejoin", LIMIT_SECONDS)
        seconds = time.monotonic() - started
        stats = promoted.info("stats")
        found = {"seconds": seconds, "bytes": int(stats["total_net_repl_output_bytes"]) - sent,
                 "syncs": int(stats["sync_full"]) - syncs}
        progress(f"{name}: comparing the data")
        if primary.call("DEBUG", "DIGEST") != promoted.call("DEBUG", "DIGEST"):
            raise RuntimeError(f"{name}: the data differ after the rejoin", LIMIT_SECONDS)
        return found


def measure(wanted, shrink, say):
    """[(row, {"redis": figures, "hearth": figures, "keys": number} or the text of what went wrong)]."""
    results = []
    for row in wanted:
        keys = KEYS // shrink
        try:
            found = {name: figures(name, keys, lambda text, row=row: say(row, text)) for name in servers.NAMES}
            results.append((row, {**found, "keys": keys}))
        except (RuntimeError, OSError, resp.ServerError) as error:
            results.append((row, str(error)))
            say(row, str(error))
    return results
