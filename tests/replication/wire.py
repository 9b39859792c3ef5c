"""A raw connection to a primary: what is typed in, and every byte that comes back, with what changes from run to run
replaced by words."""

import itertools
import re

from support.resp import ConnectionClosed, Decoder, ReplyTimeout
from support.server import wait_for

HEX_MARK = re.compile(rb"[0-9a-f]{40}")
CLOCK = re.compile(rb"\b[0-9]{13}\b")
RDB_START = re.compile(rb"^\n*(\$(\d+)|\$EOF:([0-9a-f]{40}))\r\n", re.DOTALL)


class Wire:
    """Bytes both ways. `received` holds what has come and is not yet taken."""

    def __init__(self, node, timeout=15.0):
        self.client = node.client(timeout, tcp=True)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def type(self, text):
        """An inline command or several."""
        self.client.send_raw(text if isinstance(text, bytes) else text.encode() + b"\r\n")

    def send(self, *arguments):
        self.client.send(*arguments)

    def line(self):
        """The next line without its end; bare newlines, which keep a link alive, are skipped."""
        while True:
            self._until(lambda: b"\n" in self.received)
            line, self.received = self.received.split(b"\n", 1)
            if line not in (b"", b"\r"):
                return line.rstrip(b"\r")

    def ask(self, *arguments):
        """One command and the line that answers it."""
        self.send(*arguments)
        return self.line()

    def take(self, size):
        self._until(lambda: len(self.received) >= size)
        data, self.received = self.received[:size], self.received[size:]
        return data

    def snapshot(self):
        """The RDB that follows, and how it was framed: (b"length" or b"mark", bytes)."""
        self._until(lambda: RDB_START.match(self.received))
        start = RDB_START.match(self.received)
        self.received = self.received[start.end():]
        if start[2]:
            return b"length", self.take(int(start[2]))
        self._until(lambda: start[3] in self.received)
        data, self.received = self.received.split(start[3], 1)
        return b"mark", data

    def stream(self, end):
        """All up to and including the bytes `end`."""
        self._until(lambda: end in self.received)
        size = self.received.index(end) + len(end)
        return self.take(size)

    def is_silent(self, seconds=0.2):
        """True if nothing comes within a short time, bare newlines apart."""
        try:
            self.received += self.client.read_raw(65536, seconds)
        except ReplyTimeout:
            pass
        return self.received.strip(b"\n") == b""

    def is_closed(self, seconds=10.0):
        """True if the other side ends the connection; what comes before goes to `received`."""

        def ended():
            try:
                self.received += self.client.read_raw(65536, seconds)
                return False
            except ConnectionClosed:
                return True

        return wait_for(ended, seconds, "the end of the connection")

    def _until(self, condition):
        while not condition():
            self.received += self.client.read_raw(65536)


def commands(stream):
    """The commands of a stream, one text each, without ids and times."""
    decoder = Decoder()
    decoder.feed(stream)
    return [masked(b" ".join(command)) for command in iter(decoder.next, None)]


def first_difference(one, other, place="result"):
    """Where two nested results first differ, and how; or None."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        for i, (left, right) in enumerate(itertools.zip_longest(one, other, fillvalue="nothing")):
            found = first_difference(left, right, f"{place}[{i}]")
            if found:
                return found
        return None
    return None if one == other else f"{place}: {one!r}, but the other {other!r}"


def assert_alike(results):
    """Both servers have given the same."""
    found = first_difference(*results)
    assert found is None, found


def masked(data):
    """Without ids and times."""
    return CLOCK.sub(b"<ms>", HEX_MARK.sub(b"<id>", data))
