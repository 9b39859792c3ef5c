"""How far a replica is behind a primary that takes writes as fast as it can; each server with its own kind.

Primary and replica have a core each, and what writes (flood.py) costs little. Both are asked for their offsets all the
time. A replica is behind by the time that has passed since the primary was where the replica is now. It keeps up if
that does not grow: the slope says how many milliseconds it loses in each second, and would be 1000 for one that stands
still. How much CPU time a command costs on either side says how much room there is.
"""

import bisect
import contextlib
import json
import statistics
import threading
import time
from dataclasses import dataclass

import clients
import resp
import servers

SECONDS = 15.0
SETTLE_SECONDS = 1.0  # after the beginning, that do not count for the slope
PERIOD_SECONDS = 0.02
LIMIT_SECONDS = 300
SLOPE_LIMIT = 20.0  # ms a second
COST_LIMIT = 1.0  # of applying a command, over the primary's


@dataclass(frozen=True)
class Row:
    name: str
    title: str
    kind: str


def rows():
    return [
        Row("replica-lag-set", "SET", "set"),
        Row("replica-lag-mixed", "six types", "mixed"),
    ]


class Offsets(threading.Thread):
    """What a server says of its offset, again and again: `samples` has (time, offset), both ascending."""

    def __init__(self, server, field):
        super().__init__(daemon=True)
        self.client = resp.Client(server.port)
        self.field = field
        self.samples = []
        self.has_ended = threading.Event()

    def run(self):
        with contextlib.suppress(OSError, resp.ServerError, ValueError):
            while not self.has_ended.wait(PERIOD_SECONDS):
                offset = int(self.client.info("replication")[self.field])
                self.samples.append((time.monotonic(), offset))

    def end(self):
        self.has_ended.set()
        self.join()
        self.client.close()


def between(pairs, x):
    """The second coordinate at `x` on the line through ascending pairs; None outside."""
    index = bisect.bisect_left(pairs, (x,))
    if index < len(pairs) and pairs[index][0] == x:
        return pairs[index][1]
    if index == 0 or index == len(pairs):
        return None
    (x0, y0), (x1, y1) = pairs[index - 1], pairs[index]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def lags(primary, replica, first, last):
    """[(seconds since `first`, milliseconds behind, bytes behind)] between two times."""
    offset_at = primary
    time_of = [(offset, at) for i, (at, offset) in enumerate(primary) if i == 0 or offset != primary[i - 1][1]]
    found = []
    for at, offset in replica:
        then, now = between(time_of, offset), between(offset_at, at)
        if first <= at <= last and then is not None and now is not None:
            found.append((at - first, max(0.0, at - then) * 1000, max(0, int(now) - offset)))
    return found


def slope(points):
    """Of the least squares' line."""
    points = [(x, y) for x, y, _ in points if x >= SETTLE_SECONDS]
    return statistics.linear_regression(*zip(*points)).slope


def is_in_step(primary, replica):
    try:
        mine = replica.info("replication")
    except resp.ServerError:  # It loads.
        return False
    return (mine.get("master_link_status") == "up"
            and mine["slave_repl_offset"] == primary.info("replication")["master_repl_offset"])


def wait_in_step(primary, replica, what):
    servers.wait_until(lambda: is_in_step(primary, replica), f"{what}: the replica in step", LIMIT_SECONDS)


def figures(name, row, seconds, progress):
    server_cores, replica_cores = servers.cores()
    every_core, _ = servers.cores_of_service()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(servers.Server(name, server_cores, *servers.SYNC_AT_ONCE))
        follower = stack.enter_context(
            servers.Server(name, replica_cores[:1], "--replicaof", f"127.0.0.1 {server.port}"))
        primary, replica = (stack.enter_context(resp.Client(one.port)) for one in (server, follower))
        wait_in_step(primary, replica, name)
        flood = clients.Script(every_core, "flood.py", json.dumps({"port": server.port, "kind": row.kind}))
        stack.callback(lambda: flood.process.poll() is None and flood.line_after_closing())
        if not flood.starts():
            raise RuntimeError("flood.py did not start")
        watches = Offsets(server, "master_repl_offset"), Offsets(follower, "slave_repl_offset")
        for watch in watches:
            watch.start()
        progress(f"{name}: writes at full rate for {seconds:g} s")
        before = [one.cpu_seconds() for one in (server, follower)]
        started = time.monotonic()
        flood.say("go")
        time.sleep(seconds)
        ended = time.monotonic()
        written = flood.answer()
        wait_in_step(primary, replica, name)
        caught_up = time.monotonic() - ended
        used = [one.cpu_seconds() - was for one, was in zip((server, follower), before)]
        for watch in watches:
            watch.end()
        found = lags(*(watch.samples for watch in watches), started, ended)
        if len(found) < 10:
            raise RuntimeError(f"{name}: {len(found)} samples of the lag are too few")
        return {"rate": written["commands"] / written["seconds"],
                "cost": [cpu / written["commands"] * 1e6 for cpu in used],
                "median": statistics.median(ms for _, ms, _ in found), "worst": max(ms for _, ms, _ in found),
                "bytes": max(size for *_, size in found), "slope": slope(found), "in_step": caught_up,
                "syncs": int(primary.info("stats")["sync_full"])}


def measure(wanted, shrink, say):
    """[(row, {"redis": figures, "hearth": figures} or the text of what went wrong)]."""
    results = []
    for row in wanted:
        seconds = max(SECONDS / shrink, 2 * SETTLE_SECONDS)
        try:
            found = {name: figures(name, row, seconds, lambda text, row=row: say(row, text)) for name in servers.NAMES}
            results.append((row, found))
        except (RuntimeError, OSError, resp.ServerError) as error:
            results.append((row, str(error)))
            say(row, str(error))
    return results
