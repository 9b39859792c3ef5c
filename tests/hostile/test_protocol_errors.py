"""Bytes that are not good RESP get byte for byte the answer that a real Redis gives, and harm nobody else."""

import random

import pytest

from support.raw import assert_responsive, exchange
from support.resp import encode

PING = b"*1\r\n$4\r\nPING\r\n"
CASES = {
    "inline ping": b"PING\r\n", "inline without carriage return": b"PING\n",
         "inline arguments": b"ECHO  'a b'\t \"c\\x41\\n\"\r\n",
    "inline one quoted argument": b"ECHO \"c\\x41\\n\\t\\\"\"\r\n",
         "inline single quotes": b"ECHO 'it\\'s'\r\n",
    "unbalanced quotes": b"SET \"a b\r\nPING\r\n", "quote followed by text": b"ECHO \"a\"b\r\n",
         "unbalanced single": b"ECHO 'a\r\n",
    "empty lines": b"\r\n\r\n\nPING\r\n", "blanks only": b"   \r\nPING\r\n",
         "zero bytes": b"\x00\x00\x00\r\nPING\r\n",
    "empty array": b"*0\r\n" + PING, "null array": b"*-1\r\n" + PING, "negative array": b"*-10\r\n" + PING,
    "array length no number": b"*abc\r\n" + PING, "array length empty": b"*\r\n" + PING,
         "array too long": b"*1048577000\r\n",
    "array over int": b"*2147483648\r\n" + PING, "array far too long": b"*99999999999999999999\r\n",
         "array with plus": b"*+1\r\n$4\r\nPING\r\n",
    "no dollar": b"*1\r\n:4\r\nPING\r\n", "letter for dollar": b"*1\r\nPING\r\n",
         "zero for dollar": b"*1\r\n\x00\r\n",
    "bulk length no number": b"*1\r\n$x\r\n", "bulk length empty": b"*1\r\n$\r\n",
         "bulk negative": b"*1\r\n$-1\r\n" + PING,
    "bulk too long": b"*1\r\n$536870913\r\n", "bulk far too long": b"*1\r\n$99999999999999999999\r\n",
         "bulk with blank": b"*1\r\n$ 4\r\nPING\r\n",
    "bulk with leading zero": b"*1\r\n$04\r\nPING\r\n", "bulk without end": b"*1\r\n$4\r\nPINGxx" + PING,
    "empty command": b"*1\r\n$0\r\n\r\n" + PING, "unknown command": b"*2\r\n$3\r\nFOO\r\n$1\r\na\r\n" + PING,
    "http get": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
         "http post": b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + PING,
    "host line": b"host: x\r\n" + PING, "resp reply as request": b"+OK\r\n$-1\r\n" + PING,
         "tls hello": b"\x16\x03\x01\x02\x00\x01\x00\r\n",
    "cut in the array line": b"*1", "cut in the bulk line": b"*1\r\n$4", "cut in the bulk": b"*1\r\n$4\r\nPI",
         "nothing": b"",
    "quit stops the pipeline": PING + b"*1\r\n$4\r\nQUIT\r\n" + PING, "inline too long": b"a" * 70000,
    "array line too long": b"*" + b"1" * 70000, "bulk line too long": b"*1\r\n$" + b"1" * 70000,
         "long line with end": b"ECHO " + b"a" * 70000 + b"\r\n",
    "wrong arity": encode(["GET"]) + encode(["GET", "a", "b"]),
         "unknown with many arguments": encode(["nosuch"] + ["y" * 30] * 20),
    "unknown with line ends": encode(["no\r\nsuch", "a\nb"]),
         "long unknown command": encode(["z" * 500, "x" * 500]),
    "unknown subcommand": encode(["CONFIG", "NO\r\nSUCH"]) + encode(["CLIENT", "w" * 300]),
    "protocol error after commands": PING + encode(["SET", "a", "b"]) + b"*x\r\n" + PING,
}


@pytest.mark.parametrize("name", CASES)
def test_the_answer_is_the_oracles(both, name):
    hearth, oracle = (exchange(server.address, CASES[name]) for server in both)
    assert hearth == oracle
    assert_responsive(both[0])


PIPELINE = (encode(["SET", "k", "v\r\n"]) + b"GET k\r\n" + encode(["RPUSH", "l", "",
                                                                   "a" * 30]) + encode(["LRANGE", "l", "0",
                                                                       "-1"])
            + b"*0\r\n" + encode(["NOSUCH"]) + b"\r\n" + encode(["DEL", "k", "l"]))


def test_a_pipeline_cut_at_every_byte_gives_the_same_replies(hearth):
    whole = exchange(hearth.address, PIPELINE)
    assert whole.count(b"\r\n") > 8
    for cut in range(1, len(PIPELINE)):
        with hearth.client() as client:
            client.send_raw(PIPELINE[:cut])
            client.send_raw(PIPELINE[cut:])
            received = b""
            while len(received) < len(whole):
                received += client.read_raw(len(whole) - len(received))
            assert received == whole, f"cut after {cut} bytes"


def test_a_pipeline_sent_byte_by_byte_gives_the_same_replies(hearth):
    whole = exchange(hearth.address, PIPELINE)
    with hearth.client() as client:
        for position in range(len(PIPELINE)):
            client.send_raw(PIPELINE[position : position + 1])
        received = b""
        while len(received) < len(whole):
            received += client.read_raw(len(whole) - len(received))
    assert received == whole


def test_a_connection_closed_at_every_byte_harms_nobody(hearth):
    with hearth.client() as witness:
        for cut in range(len(PIPELINE)):
            client = hearth.client()
            client.send_raw(PIPELINE[:cut])
            client.close()
            assert witness.call("ECHO", cut) == b"%d" % cut


def garbage(generator):
    """Either noise or a good pipeline with a few bytes changed."""
    if generator.random() < 0.4:
        return generator.randbytes(generator.randint(1, 3000))
    data = bytearray(PIPELINE * generator.randint(1, 5))
    for _ in range(generator.randint(1, 6)):
        at = generator.randrange(len(data))
        action = generator.randrange(3)
        if action == 0:
            data[at] = generator.randrange(256)
        elif action == 1:
            del data[at : at + generator.randint(1, 10)]
        else:
            data[at:at] = generator.choice([b"\r\n", b"*", b"$", b"-1", b"99999999999", b"\x00", b"*3\r\n"])
        data = data or bytearray(b"*")
    return bytes(data)


def test_garbage_gets_the_oracles_answer(both, seed):
    generator = random.Random(seed)
    for number in range(400):
        data = garbage(generator)
        answers = []
        for server in both:
            with server.client() as client:
                client.call("FLUSHALL")
            answers.append(exchange(server.address, data))
        assert answers[0] == answers[1], f"HEARTH_SEED={seed}, number {number}: {data!r}"
    assert_responsive(both[0])
