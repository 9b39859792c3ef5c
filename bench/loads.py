"""The data that rows load: elements of the containers in the order in which they are added, and values of keys.

Whatever is random here is the same in every run and for both servers.
"""

import base64
import random

import resp

SCATTER = 2654435761  # Odd and near 2^32 over the golden ratio: multiples of it fill 32 bits evenly, each number once.
POOL_BYTES = 1 << 20
SMALLEST_VALUE = 64
LARGEST_VALUE = 1024
MEAN_VALUE = (SMALLEST_VALUE + LARGEST_VALUE) // 2
# A box of about 1,100 km by 700 km.
WEST, SOUTH, DEGREES = 5.0, 45.0, 10.0


def scattered(i):
    return i * SCATTER & 0xFFFFFFFF


def hash_fields(key, count, form=b"$14\r\nfield:%08d\r\n$16\r\nvalue:%010d\r\n"):
    return resp.grouped(("HSET", key), count, 100, lambda i: form % (i, i))


def list_elements(key, count):
    return resp.grouped(("RPUSH", key), count, 400, lambda i: b"$16\r\nvalue:%010d\r\n" % i)


def set_members(key, count):
    return resp.grouped(("SADD", key), count, 200, lambda i: b"$17\r\nuser:%012d\r\n" % i)


def sorted_set_members(key, count):
    """Members in their order, with scores of 32 bits in none."""
    return resp.grouped(
        ("ZADD", key), count, 200, lambda i: b"$10\r\n%010d\r\n$17\r\nuser:%012d\r\n" % (scattered(i), i)
    )


def ranked_members(key, count):
    """The score of a member is its number, so that ranks and scores of queries can be told beforehand."""
    return resp.grouped(("ZADD", key), count, 200, lambda i: b"$10\r\n%010d\r\n$17\r\nuser:%012d\r\n" % (i, i))


def stream_entries(key, count):
    """Entries of two fields, as a sensor sends them, some milliseconds apart; IDs are `1` and twelve digits."""
    name = key.encode()
    form = b"*7\r\n$4\r\nXADD\r\n$%d\r\n%s\r\n" % (len(name), name)
    form += b"$13\r\n1%012d\r\n$6\r\nsensor\r\n$4\r\n%04d\r\n$11\r\ntemperature\r\n$6\r\n%06.2f\r\n"
    return resp.chunked(form % (i * 3, scattered(i) % 1000, scattered(i) % 10000 / 100) for i in range(count))


def numbered_entries(key, count, value):
    """Entries of one field; their IDs are 1, 2, 3 and so on."""
    name = key.encode()
    form = b"*5\r\n$4\r\nXADD\r\n$%d\r\n%s\r\n" % (len(name), name)
    form += b"$12\r\n%012d\r\n$5\r\nfield\r\n" + b"$%d\r\n%s\r\n" % (len(value), value)
    return resp.chunked(form % (i + 1) for i in range(count))


def places(key, count):
    generator = random.Random(count)

    def place(i):
        longitude = WEST + generator.random() * DEGREES
        latitude = SOUTH + generator.random() * DEGREES
        return b"$9\r\n%09.6f\r\n$9\r\n%09.6f\r\n$17\r\nuser:%012d\r\n" % (longitude, latitude, i)

    return resp.grouped(("GEOADD", key), count, 100, place)


class Values:
    """Values of 64 to 1024 bytes by number: half of them base64 of noise, half of them text that repeats itself."""

    def __init__(self):
        self.noise = base64.b64encode(random.Random(POOL_BYTES).randbytes(POOL_BYTES * 3 // 4))
        lines = (b'{"id":%d,"name":"user-%d","state":"active","tags":["a","b"]},' % (i, i) for i in range(20_000))
        self.text = b"".join(lines)[:POOL_BYTES]

    def __call__(self, i):
        number = scattered(i)
        size = SMALLEST_VALUE + (number >> 8) % (LARGEST_VALUE - SMALLEST_VALUE + 1)
        first = (number >> 4) % (POOL_BYTES - LARGEST_VALUE)
        return (self.noise if i & 1 else self.text)[first : first + size]


def set_command(number, value):
    """SET of the numbered key, encoded."""
    return b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$%d\r\n%s\r\n" % (number, len(value), value)
