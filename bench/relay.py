#!/usr/bin/env python3
"""Passes connections on to a server, and no more than so much of its answers: `relay.py '{"port":…, "bytes":…}'`.

Prints "ready" with its port, and ends when its standard input is closed. `bytes` are those of a second.
"""

import json
import select
import socket
import sys
import threading
import time

PIECE = 64 * 1024


def pass_on(source, target, bytes_per_second):
    """Until either end closes; None for the rate is no limit."""
    began, passed = time.monotonic(), 0
    try:
        while data := source.recv(PIECE):
            target.sendall(data)
            passed += len(data)
            if bytes_per_second:
                ahead = passed / bytes_per_second - (time.monotonic() - began)
                if ahead > 0:
                    time.sleep(ahead)
                elif ahead < -1:  # It was the source that paused; that is not made up for.
                    began, passed = time.monotonic(), 0
    except OSError:
        pass
    for one in (source, target):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main():
    plan = json.loads(sys.argv[1])
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"ready {listener.getsockname()[1]}", flush=True)
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", plan["port"]))
        for source, target, rate in ((client, server, None), (server, client, plan["bytes"])):
            threading.Thread(target=pass_on, args=(source, target, rate), daemon=True).start()


if __name__ == "__main__":
    main()
