"""Raw byte exchanges: what a server answers to given bytes, up to the end of the connection."""

import socket

from support.resp import Client, ConnectionClosed, ReplyTimeout


def exchange(address, data, timeout=10.0):
    """Sends `data`, closes the sending direction and returns all bytes until the server closes."""
    client = Client(address, timeout)
    received = b""
    try:
        try:
            client.send_raw(data)
            client.socket.shutdown(socket.SHUT_WR)
        except (ConnectionClosed, OSError):
            pass  # The server may close before it took everything; its answer is still there to read.
        while True:
            received += client.read_raw(1 << 20)
    except ConnectionClosed:
        return received
    except ReplyTimeout:
        raise AssertionError(f"no end within {timeout} s; so far {received[:200]!r}") from None
    finally:
        client.close()


def assert_responsive(server, seconds=5.0):
    """A new connection gets its PING answered."""
    with server.client(timeout=seconds) as client:
        client.call("PING")
        assert client.call("ECHO", "alive") == b"alive"
