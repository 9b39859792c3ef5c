#!/usr/bin/env python3
"""Asks a server for one key every millisecond and keeps the time of every reply: `probe.py PORT KEY`.

Prints "ready", works until its standard input is closed, then prints a line of JSON. A request that a slow reply held
up counts from when it was due, so that one long pause weighs as many samples as it lasted milliseconds.
"""

import array
import gc
import json
import os
import select
import socket
import sys
import time

import resp

INTERVAL = 0.001


def prefer_this_process():
    """The probe shares its core with the loader; it must not wait for it. Needs rights, so it may stay undone."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main():
    port, key = int(sys.argv[1]), sys.argv[2]
    request = resp.encode("GET", key)
    connection = socket.create_connection(("127.0.0.1", port), 30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN | select.POLLHUP)
    prefer_this_process()
    gc.disable()
    connection.sendall(request)
    reply = connection.recv(4096)
    latencies = array.array("d")
    print("ready", flush=True)
    due = time.perf_counter()
    while not poller.poll(0):
        now = time.perf_counter()
        if now < due:
            time.sleep(due - now)
        connection.sendall(request)
        received = len(connection.recv(4096))
        while received < len(reply):
            received += len(connection.recv(4096))
        latencies.append(time.perf_counter() - due)
        due += INTERVAL
    ordered = sorted(value * 1000 for value in latencies)
    names = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
    figures = {name: percentile(ordered, share) for name, share in names.items()}
    print(json.dumps({"samples": len(ordered), "max": ordered[-1], **figures}), flush=True)


if __name__ == "__main__":
    main()
