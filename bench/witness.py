#!/usr/bin/env python3
"""Watches one core for pauses that are the machine's own: `witness.py CORE`, until its standard input is closed.

It goes before everything else on that core and only sleeps, a millisecond at a time. When it wakes up late, the core
was not there to be had by anybody: a hypervisor gave it to somebody else, or the kernel held it. Prints "ready", and at
the end a line of JSON with the beginning and end of each pause, by the clock of time.perf_counter, which all processes
share. Without the right to go before everything else it says so instead, since its pauses would mean nothing.
"""

import gc
import json
import os
import select
import sys
import time

INTERVAL = 0.001
SHORTEST_PAUSE = 0.001
PRIORITY = 3  # above the probe's and the server's


def watch(poller):
    pauses = []
    while not poller.poll(0):
        due = time.perf_counter() + INTERVAL
        time.sleep(INTERVAL)
        now = time.perf_counter()
        if now - due > SHORTEST_PAUSE:
            pauses.append((due, now))
    return pauses


def main():
    os.sched_setaffinity(0, {int(sys.argv[1])})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        print("no right", flush=True)
        return
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN | select.POLLHUP)
    gc.disable()
    print("ready", flush=True)
    print(json.dumps(watch(poller)), flush=True)


if __name__ == "__main__":
    main()
