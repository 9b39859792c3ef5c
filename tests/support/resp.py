"""A small RESP2/RESP3 client written by hand, so that no library hides what the server really sent.

Every reply type has its own Python form, so `==` compares the type as well as the bytes:

    bulk string   bytes          simple string  Simple      error        Error
    integer       int            array          list        null bulk    NULL_BULK ($-1)
    null array    NULL_ARRAY     null (RESP3)   NULL        boolean      Boolean
    double        Double (text)  big number     BigNumber   verbatim     Verbatim
    set           Set            map            Map         push         Push

A Client belongs to one test and one thread.
"""

import socket
import time


class ProtocolViolation(Exception):
    """The server sent bytes that are not RESP."""


class ReplyTimeout(Exception):
    """No whole reply arrived before the deadline; the bytes so far stay in the buffer."""


class ConnectionClosed(Exception):
    """The server closed the connection."""


class _Tagged:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return type(self) is type(other) and self.value == other.value

    def __hash__(self):
        return hash((type(self).__name__, repr(self.value)))

    def __repr__(self):
        return f"{type(self).__name__}({self.value!r})"


class Simple(_Tagged):
    """+OK"""


class Error(_Tagged):
    """-ERR text (or !len in RESP3)"""


class Null(_Tagged):
    """One of the three nulls; value is its wire form."""


class Boolean(_Tagged):
    pass


class Double(_Tagged):
    """Keeps the text, since 3 and 3.0 are different replies."""


class BigNumber(_Tagged):
    pass


class Verbatim(_Tagged):
    """value is (format, text)"""


class Set(_Tagged):
    pass


class Map(_Tagged):
    """value is a list of (key, value) pairs in the order of arrival"""

    def as_dict(self):
        return dict(self.value)


class Push(_Tagged):
    pass


OK = Simple(b"OK")
PONG = Simple(b"PONG")
QUEUED = Simple(b"QUEUED")
NULL_BULK = Null(b"$-1")
NULL_ARRAY = Null(b"*-1")
NULL = Null(b"_")


def to_bytes(argument):
    if isinstance(argument, bytes):
        return argument
    if isinstance(argument, str):
        return argument.encode()
    if isinstance(argument, bool):
        raise TypeError("a boolean is no argument of a command")
    return repr(argument).encode() if isinstance(argument, float) else str(argument).encode()


def encode(arguments):
    """One command as an array of bulk strings."""
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        data = to_bytes(argument)
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class _Incomplete(Exception):
    pass


class Decoder:
    """Decodes whole replies out of a growing buffer."""

    def __init__(self):
        self.buffer = b""
        self.position = 0

    def feed(self, data):
        self.buffer = self.buffer[self.position :] + data
        self.position = 0

    def next(self):
        """The next reply, or None when the buffer holds no whole one."""
        start = self.position
        try:
            return self._value()
        except _Incomplete:
            self.position = start
            return None

    def _line(self):
        end = self.buffer.find(b"\r\n", self.position)
        if end < 0:
            raise _Incomplete
        line = self.buffer[self.position : end]
        self.position = end + 2
        return line

    def _blob(self, length):
        end = self.position + length
        if len(self.buffer) < end + 2:
            raise _Incomplete
        if self.buffer[end : end + 2] != b"\r\n":
            raise ProtocolViolation(f"bulk of {length} bytes does not end in CRLF")
        data = self.buffer[self.position : end]
        self.position = end + 2
        return data

    def _value(self):
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"$":
            return NULL_BULK if rest == b"-1" else self._blob(int(rest))
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return Simple(rest)
        if kind == b"*":
            return NULL_ARRAY if rest == b"-1" else [self._value() for _ in range(int(rest))]
        if kind == b"-":
            return Error(rest)
        return self._resp3(kind, rest)

    def _resp3(self, kind, rest):
        if kind == b"_":
            return NULL
        if kind == b"%":
            return Map([(self._value(), self._value()) for _ in range(int(rest))])
        if kind == b"~":
            return Set([self._value() for _ in range(int(rest))])
        if kind == b">":
            return Push([self._value() for _ in range(int(rest))])
        if kind == b",":
            return Double(rest)
        if kind == b"#" and rest in (b"t", b"f"):
            return Boolean(rest == b"t")
        if kind == b"(":
            return BigNumber(rest)
        if kind == b"=":
            blob = self._blob(int(rest))
            return Verbatim((blob[:3], blob[4:]))
        if kind == b"!":
            return Error(self._blob(int(rest)))
        raise ProtocolViolation(f"a reply starts with {kind + rest[:80]!r}")


class Client:
    """One connection. `address` is a unix socket path or a (host, port) pair; timeouts are in seconds."""

    def __init__(self, address, timeout=10.0):
        self.address = address
        self.timeout = timeout
        self.decoder = Decoder()
        self.pushes = []
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET:
            self.socket.settimeout(timeout)  # A unix socket with a timeout would not wait for a full backlog.
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.settimeout(self.timeout)
        try:
            self.socket.sendall(data)
        except socket.timeout as error:
            raise ReplyTimeout(f"the server took no more bytes within {self.timeout} s") from error
        except OSError as error:
            raise ConnectionClosed(str(error)) from error

    def send(self, *arguments):
        self.send_raw(encode(arguments))

    def read(self, timeout=None):
        """The next reply of any type, pushes included."""
        reply = self.decoder.next()
        if reply is not None:
            return reply
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while reply is None:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise ReplyTimeout("no reply before the deadline")
            self.socket.settimeout(remaining)
            try:
                data = self.socket.recv(262144)
            except socket.timeout as error:
                raise ReplyTimeout("no reply before the deadline") from error
            except OSError as error:
                raise ConnectionClosed(str(error)) from error
            if not data:
                raise ConnectionClosed("the server closed the connection")
            self.decoder.feed(data)
            reply = self.decoder.next()
        return reply

    def read_reply(self, timeout=None):
        """The next reply that answers a command; pushes on the way go to `pushes`."""
        while True:
            reply = self.read(timeout)
            if not isinstance(reply, Push):
                return reply
            self.pushes.append(reply)

    def call(self, *arguments, timeout=None):
        self.send(*arguments)
        return self.read_reply(timeout)

    def pipeline(self, commands, timeout=None):
        """Sends all commands in one write and returns their replies."""
        self.send_raw(b"".join(encode(command) for command in commands))
        return [self.read_reply(timeout) for _ in commands]

    def is_closed(self, timeout=5.0):
        """True when the server closes the connection before the deadline; replies on the way are dropped."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.read(max(0.01, deadline - time.monotonic()))
        except ConnectionClosed:
            return True
        except ReplyTimeout:
            return False

    def nothing_to_read(self, timeout=0.05):
        """True when no reply arrives within the (short) time."""
        try:
            self.decoder.feed(self.read_raw(1, timeout))
            return False
        except ReplyTimeout:
            return True

    def read_raw(self, size, timeout=None):
        """Up to `size` raw bytes as they come; only for tests that look at bytes."""
        self.socket.settimeout(self.timeout if timeout is None else timeout)
        try:
            data = self.socket.recv(size)
        except socket.timeout as error:
            raise ReplyTimeout("no bytes before the deadline") from error
        except OSError as error:
            raise ConnectionClosed(str(error)) from error
        if not data:
            raise ConnectionClosed("the server closed the connection")
        return data
