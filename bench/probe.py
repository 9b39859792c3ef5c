#!/usr/bin/env python3
"""Asks a server for something every millisecond and keeps the time of every reply: `probe.py '{"port":…, …}'`.

`commands` are asked in turn; each has `words`, in which __rand_int__ becomes twelve digits below `range`. With an
`interval` of 0 (in seconds) the next command follows upon the reply. A request that a slow reply held up counts from
when it was due, so that one long pause weighs as many samples as it lasted milliseconds.

Prints "ready", works until a line comes on its standard input, and says "stopped". The line after that has the pauses
of the machine meanwhile (witness.py). Then it prints a line of JSON: figures in milliseconds of all commands together
and of each, as measured and less the pauses that fell between a request's due time and its reply.
"""

import array
import bisect
import gc
import json
import os
import random
import select
import socket
import sys
import time

import resp

RANDOM = b"__rand_int__"
PRIORITY = 2  # above the server's
QUICK_SECONDS = 0.001
CALM_SAMPLES = 20
SHARES = {"p50": 0.5, "p99": 0.99, "p999": 0.999}


def prefer_this_process():
    """The probe shares its core with the loader; it must not wait for it. Needs rights, so it may stay undone."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        pass


def requests_of(command):
    """A function that gives the next request, encoded."""
    form = resp.encode(*command["words"]).replace(b"%", b"%%")
    count = form.count(RANDOM)
    form = form.replace(RANDOM, b"%012d")
    limit = command.get("range", 1)
    return lambda: form % tuple(random.randrange(limit) for _ in range(count))


def is_whole(reply):
    """Whether a reply of one line, or one bulk string, has arrived completely."""
    if not reply.endswith(b"\r\n"):
        return False
    if reply[:1] != b"$" or reply == b"$-1\r\n":
        return True
    head, rest = reply.split(b"\r\n", 1)
    return len(rest) == int(head[1:]) + 2


def receive(connection):
    reply = connection.recv(4096)
    while not is_whole(reply):
        more = connection.recv(4096)
        if not more:
            raise ConnectionError("the server closed the connection")
        reply += more
    if reply[:1] == b"-":
        raise resp.ServerError(reply[1:-2].decode(errors="replace"))


class Pauses:
    """Pauses of all cores, united."""

    def __init__(self, pauses):
        self.spans = []
        for start, end in sorted(pauses):
            if self.spans and start <= self.spans[-1][1]:
                self.spans[-1][1] = max(end, self.spans[-1][1])
            else:
                self.spans.append([start, end])
        self.ends = [end for _, end in self.spans]

    def within(self, start, end):
        """Seconds of pause between these times."""
        total = 0.0
        for first, last in self.spans[bisect.bisect_right(self.ends, start) :]:
            if first >= end:
                break
            total += min(end, last) - max(start, first)
        return total


def distribution(latencies):
    ordered = sorted(value * 1000 for value in latencies)
    found = {name: ordered[min(len(ordered) - 1, int(len(ordered) * share))] for name, share in SHARES.items()}
    return {"max": ordered[-1], **found}


def undisturbed(samples, pauses):
    """The latencies of those samples that no pause had to do with: neither while they waited, nor before them and the
    server and its clients are still catching up. They have caught up after CALM_SAMPLES quick replies in a row."""
    found = []
    to_come = 0
    last_done = samples[0][0]
    for due, done in samples:
        if pauses.within(min(due, last_done), done) > 0:
            to_come = CALM_SAMPLES
        elif to_come == 0:
            found.append(done - due)
        else:
            to_come = to_come - 1 if done - due < QUICK_SECONDS else CALM_SAMPLES
        last_done = done
    return found


def figures(samples, pauses):
    """Of (due, done) pairs."""
    if not samples:
        raise RuntimeError("there was no time for a single sample")
    cleared = distribution(done - due - pauses.within(due, done) for due, done in samples)
    kept = undisturbed(sorted(samples), pauses)
    found = {"samples": len(samples), **distribution(done - due for due, done in samples), "cleared": cleared}
    return {**found, "undisturbed": {**distribution(kept or [0.0]), "share": len(kept) / len(samples)}}


def sample(connection, poller, commands, interval):
    """[(due, done)] in seconds for each command."""
    turns = [(requests_of(command), array.array("d"), array.array("d")) for command in commands]
    for next_request, _, _ in turns:
        connection.sendall(next_request())
        receive(connection)
    print("ready", flush=True)
    due = time.perf_counter()
    while not poller.poll(0):
        for next_request, dues, dones in turns:
            request = next_request()
            now = time.perf_counter()
            if interval == 0:
                due = now
            elif now < due:
                time.sleep(due - now)
            connection.sendall(request)
            receive(connection)
            dues.append(due)
            dones.append(time.perf_counter())
            due += interval
    return [list(zip(dues, dones)) for _, dues, dones in turns]


def main():
    plan = json.loads(sys.argv[1])
    connection = socket.create_connection(("127.0.0.1", plan["port"]), 30)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN | select.POLLHUP)
    prefer_this_process()
    gc.disable()
    try:
        each = sample(connection, poller, plan["commands"], plan["interval"])
        print("stopped", flush=True)
        sys.stdin.readline()
        pauses = Pauses(json.loads(sys.stdin.readline()))
        everything = [pair for samples in each for pair in samples]
        found = {"all": figures(everything, pauses), "each": [figures(samples, pauses) for samples in each]}
    except (OSError, RuntimeError, resp.ServerError) as error:
        found = {"error": str(error)}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
