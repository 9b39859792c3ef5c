"""What a real server dumps becomes the same keys here."""

import random

import pytest
import redis

from support import dump_payload
from support.rdb_values import FILLS, contents


def connect(server):
    return redis.Redis(unix_socket_path=server.address, socket_timeout=10)


@pytest.mark.parametrize("fill", FILLS)
def test_every_dump_is_restored(start, seed, fill):
    random.seed(seed)
    source, target = connect(start("oracle")), connect(start("hearth"))
    fill(source)
    for directive in ("list-max-listpack-size", "list-compress-depth"):
        target.config_set(directive, source.config_get(directive)[directive])
    keys = sorted(source.keys())
    assert len(keys) >= 2
    for key in keys:
        assert target.restore(key, 0, source.dump(key)) == b"OK"
        assert contents(target, key) == contents(source, key), key
        # Lists that fit one node, and sets that fit a listpack, have encodings of their own since 7.2.
        if target.object("encoding", key) != b"listpack":
            assert target.object("encoding", key) == source.object("encoding", key), key


def test_hostile_payloads_do_no_harm(start, seed):
    """Bytes are changed behind the checksum's back: the answer is an error or a key that can be read."""
    random.seed(seed)
    source, target = connect(start("oracle")), connect(start("hearth"))
    for fill in FILLS[2:]:
        fill(source)
    source.config_set("list-max-listpack-size", 5)
    source.rpush("list:five", *range(30))
    bodies = [dump_payload.body_of(source.dump(key)) for key in source.keys()]
    bodies = [body for body in bodies if len(body) < 5000]
    assert len(bodies) > 5
    taken = 0
    for _ in range(3000):
        body = bytearray(random.choice(bodies))
        for _ in range(random.choice([1, 1, 2, 5])):
            body[random.randrange(len(body))] = random.choice([0, 1, 0x7f, 0x80, 0xff, random.randrange(256)])
        try:
            target.restore("k", 0, dump_payload.seal(bytes(body)), replace=True)
        except redis.ResponseError as error:
            assert str(error) == "Bad data format"
            continue
        taken += 1
        contents(target, "k")
    assert taken > 0
    assert target.ping()
