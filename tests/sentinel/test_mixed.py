"""Sentinels of one kind over servers of the other, both kinds of Sentinel in one election, and a client library."""

import pytest
import redis

from sentinel.deployment import NAME, SWITCH_SECONDS
from support.server import wait_for

H, R = "hearth", "redis"
MIXES = {
    "redis-sentinel-over-hearth": dict(servers=(H, H, H), sentinels=(R, R, R)),
    "hearth-sentinel-over-redis": dict(servers=(R, R, R), sentinels=(H, H, H)),
    "two-of-each": dict(servers=(H, R, H), sentinels=(H, R, H, R), quorum=3),
}


@pytest.fixture(params=MIXES.values(), ids=MIXES.keys())
def mixed(request, deploy):
    return deploy(**request.param)


def test_a_killed_primary_is_replaced_by_exactly_one(mixed):
    events = [one.events() for one in mixed.sentinels]
    mixed.primary.kill()
    new = mixed.wait_until_switched()
    for other in mixed.replicas:
        if other is not new:
            wait_for(lambda one=other: one.follows(new), 15, f"{other} to follow {new}")
    for one in events:
        one.text("+switch-master")
    # One leader an epoch, and one failover that came to its end.
    assert sum(e.names().count("+promoted-slave") for e in events) == 1
    mixed.primary.restart()
    wait_for(lambda: mixed.primary.follows(new), 25, "the old primary to be demoted")


def test_a_sentinel_client_finds_its_way(mixed):
    client = mixed.client()
    primary = client.master_for(NAME)
    primary.set("before", "1")
    assert client.discover_master(NAME) == ("127.0.0.1", mixed.primary.port)
    assert sorted(client.discover_slaves(NAME)) == sorted(("127.0.0.1", one.port) for one in mixed.replicas)
    mixed.primary.kill()

    def write():
        try:
            return primary.set("after", "2")
        except redis.exceptions.RedisError:
            return False

    wait_for(write, SWITCH_SECONDS, "a write to the new primary", pause=0.05)
    assert client.discover_master(NAME)[1] in {one.port for one in mixed.replicas}
    assert primary.get("after") == b"2"
