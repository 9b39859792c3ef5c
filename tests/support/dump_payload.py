"""Builds and takes apart the payloads of DUMP and RESTORE: a type byte, the RDB value, two bytes of RDB
version and a CRC-64 (Jones polynomial, reflected, zero start), both little endian."""

_POLYNOMIAL = 0x95AC9329AC4BC9B5  # 0xad93d23594c935a9 with its bits reversed
FOOTER = 10


def _make_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _make_table()


def crc64(data):
    crc = 0
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def seal(body, version=10):
    """`body` (type byte and value) with a footer."""
    data = body + version.to_bytes(2, "little")
    return data + crc64(data).to_bytes(8, "little")


def body_of(payload):
    return payload[:-FOOTER]


def version_of(payload):
    return int.from_bytes(payload[-FOOTER:-8], "little")


def is_sound(payload):
    return crc64(payload[:-8]) == int.from_bytes(payload[-8:], "little")


def rdb_string(data):
    """A length-prefixed string without compression."""
    if len(data) < 64:
        return bytes([len(data)]) + data
    return bytes([0x40 | (len(data) >> 8), len(data) & 0xFF]) + data
