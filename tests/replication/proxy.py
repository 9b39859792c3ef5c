"""A TCP proxy on loopback between a replica and its primary that misbehaves as it is told.

    with Proxy(primary.port) as proxy:
        replica.replicate(proxy)
        proxy.cut()                        every link ends now, with a reset
        proxy.refuse() / proxy.allow()     new links end at once / live
        proxy.stall() / proxy.resume()     nothing passes / everything passes
        proxy.limit(to_primary=30)         each new link passes so many bytes in this direction, then it is cut,
        proxy.limit(30, keep=True)         or stays open, and nothing more passes
        proxy.throttle(100_000)            bytes a second towards the replica (None: no limit)
        proxy.links[-1].to_replica         what has passed, up to RECORDED bytes of either direction

One thread per proxy moves the bytes; the methods are for the test's thread.
"""

import selectors
import socket
import struct
import threading
import time

CHUNK = 65536
RECORDED = 1 << 20
TURN_SECONDS = 0.02


class Link:
    """One connection of a replica with the connection to the primary that belongs to it."""

    def __init__(self, replica, primary, limits, keep):
        self.sockets = {"to_primary": (replica, primary), "to_replica": (primary, replica)}  # (from, to)
        self.limits = limits  # bytes that still may pass in a direction, None for all
        self.waiting = {"to_primary": b"", "to_replica": b""}
        self.to_primary = b""
        self.to_replica = b""
        self.passed = {"to_primary": 0, "to_replica": 0}
        self.is_open = True
        self.was_limited = False  # a limit was reached
        self.is_kept = keep  # a limit does not cut it

    def close(self, reset=True):
        """Ends both connections; without a reset, what was sent still arrives."""
        self.is_open = False
        for connection in self.sockets["to_primary"]:
            if reset:
                try:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                except OSError:
                    pass  # It may have been reset already.
            connection.close()


class Proxy:
    def __init__(self, target_port):
        self.target = ("127.0.0.1", target_port)
        self.links = []  # all there ever were, in order of their coming
        self.attempts = 0  # connections that were asked for, refused ones included
        self._limits = {"to_primary": None, "to_replica": None}
        self._keep = False
        self._is_refusing = False
        self._is_stalled = False
        self._rate = None
        self._allowance = 0.0
        self._is_closing = False
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.settimeout(1.0)
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name=f"proxy to {target_port}", daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- For the test.

    def cut(self):
        with self._lock:
            for link in self.links:
                if link.is_open:
                    link.close()

    def refuse(self):
        self._is_refusing = True

    def allow(self):
        self._is_refusing = False

    def stall(self):
        with self._lock:  # Not a byte passes after this.
            self._is_stalled = True

    def resume(self):
        self._is_stalled = False

    def limit(self, to_primary=None, to_replica=None, keep=False):
        with self._lock:
            self._limits = {"to_primary": to_primary, "to_replica": to_replica}
            self._keep = keep

    def limited(self):
        """How many links have come to their limit."""
        with self._lock:
            return sum(link.was_limited for link in self.links)

    def throttle(self, bytes_per_second):
        self._rate = bytes_per_second

    def open_links(self):
        with self._lock:
            return [link for link in self.links if link.is_open]

    def close(self):
        self._is_closing = True
        self._thread.join(10.0)
        self.cut()
        self._listener.close()

    # -- The thread.

    def _run(self):
        last = time.monotonic()
        while not self._is_closing:
            now = time.monotonic()
            if self._rate is not None:
                self._allowance = min(self._allowance + (now - last) * self._rate, self._rate / 5 + 1)
            last = now
            readable, writable = self._wait()
            with self._lock:
                if self._listener in readable:
                    self._accept()
                for link in self.links:
                    for direction in ("to_primary", "to_replica"):
                        if link.is_open and not link.was_limited and not self._is_stalled:
                            self._move(link, direction, readable, writable)

    def _wait(self):
        with selectors.DefaultSelector() as selector, self._lock:
            selector.register(self._listener, selectors.EVENT_READ)
            wanted = {}
            for link in self.links:
                if not link.is_open or self._is_stalled or link.is_kept and link.was_limited:
                    continue
                for direction, (source, sink) in link.sockets.items():
                    if link.waiting[direction]:
                        wanted[sink] = wanted.get(sink, 0) | selectors.EVENT_WRITE
                    elif self._room(direction):
                        wanted[source] = wanted.get(source, 0) | selectors.EVENT_READ
            for connection, events in wanted.items():
                selector.register(connection, events)
            self._lock.release()  # cut() must not wait for bytes to come.
            try:
                ready = selector.select(TURN_SECONDS)
            finally:
                self._lock.acquire()
        readable = {key.fileobj for key, events in ready if events & selectors.EVENT_READ}
        writable = {key.fileobj for key, events in ready if events & selectors.EVENT_WRITE}
        return readable, writable

    def _room(self, direction):
        """How many bytes may be taken now."""
        if direction == "to_primary" or self._rate is None:
            return CHUNK
        return min(CHUNK, int(self._allowance))

    def _accept(self):
        replica, _ = self._listener.accept()
        self.attempts += 1
        primary = None
        if not self._is_refusing:
            try:
                primary = socket.create_connection(self.target, 1.0)
            except OSError:
                pass  # Nobody listens there at the moment: the replica is refused too.
        if primary is None:
            replica.close()
            return
        for connection in (replica, primary):
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.links.append(Link(replica, primary, dict(self._limits), self._keep))

    def _move(self, link, direction, readable, writable):
        source, sink = link.sockets[direction]
        try:
            if source in readable and not link.waiting[direction] and self._room(direction) > 0:
                data = source.recv(self._room(direction))
                if not data:
                    return link.close(reset=False)
                self._take(link, direction, data)
            if link.waiting[direction] and (sink in writable or source in readable):
                sent = sink.send(link.waiting[direction])
                link.waiting[direction] = link.waiting[direction][sent:]
        except BlockingIOError:
            return None
        except OSError:
            return link.close()
        if link.limits[direction] == 0 and not link.waiting[direction]:
            link.was_limited = True
            if not link.is_kept:
                link.close(reset=False)
        return None

    def _take(self, link, direction, data):
        left = link.limits[direction]
        if left is not None:
            data = data[:left]
            link.limits[direction] = left - len(data)
        if direction == "to_replica" and self._rate is not None:
            self._allowance -= len(data)
        link.waiting[direction] = data
        link.passed[direction] += len(data)
        recorded = getattr(link, direction)
        setattr(link, direction, recorded + data[:RECORDED - len(recorded)])
