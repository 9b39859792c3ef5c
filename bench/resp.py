"""A small blocking RESP2 client and a bulk loader, enough to prepare and question the servers under measurement."""

import socket

CONNECT_SECONDS = 30
REPLY_SECONDS = 600
# Replies to one chunk fit the socket buffers, so that the loader may write a whole chunk before it reads.
COMMANDS_PER_CHUNK = 2000


class ServerError(Exception):
    """The server answered with an error."""


def encode(*arguments):
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        data = argument if isinstance(argument, bytes) else str(argument).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS)
        self.socket.settimeout(REPLY_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb", 1 << 16)

    def call(self, *arguments):
        self.socket.sendall(encode(*arguments))
        return self.read()

    def read(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise ServerError(rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.reader.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.read() for _ in range(int(rest))]
        return rest

    def info(self, section):
        """The fields of that section of INFO, as text."""
        text = self.call("INFO", section).decode()
        return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)

    def load(self, chunks):
        """Sends (bytes, number of commands) pairs whose replies are lines or strings; fails on the first error."""
        for data, count in chunks:
            self.socket.sendall(data)
            for _ in range(count):
                line = self.reader.readline()
                if line[:1] == b"-":
                    raise ServerError(line[1:-2].decode(errors="replace"))
                if not line:
                    raise ConnectionError("the server closed the connection")
                if line[:1] == b"$" and line != b"$-1\r\n":
                    self.reader.read(int(line[1:]) + 2)

    def close(self):
        self.reader.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def chunked(commands):
    """Joins an iterable of encoded commands into chunks for Client.load."""
    part = []
    for command in commands:
        part.append(command)
        if len(part) == COMMANDS_PER_CHUNK:
            yield b"".join(part), len(part)
            part = []
    if part:
        yield b"".join(part), len(part)


def set_keys(count, value, first=0):
    """SET key:<12 digits> (16 bytes, as redis-benchmark names them) to `value`, bytes or a function of the number."""
    if callable(value):
        return chunked(encode("SET", "key:%012d" % i, value(i)) for i in range(first, first + count))
    form = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n" + b"$%d\r\n%s\r\n" % (len(value), value)
    return chunked(form % i for i in range(first, first + count))


def grouped(words, count, per_command, element):
    """Commands that begin with `words` and carry `per_command` elements each; element(i) gives encoded arguments."""
    arguments_each = element(0).count(b"$")
    start = b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)

    def commands():
        for first in range(0, count, per_command):
            last = min(first + per_command, count)
            header = b"*%d\r\n" % (len(words) + arguments_each * (last - first))
            yield header + start + b"".join(element(i) for i in range(first, last))

    # A grouped command is large; few of them already fill the socket buffers.
    for command in commands():
        yield command, 1
