"""Functions and the effects of scripts reach replicas, of either kind, by full sync and by the stream."""

from replication.nodes import assert_same_data, wait_in_sync, wait_online
from support.resp import OK
from support.server import wait_for

LIBRARY = ("#!lua name={0}\nredis.register_function('{0}_put', function(k, a) return redis.call('SET', k[1], a[1]) end)\n"
           "redis.register_function{{function_name='{0}_get', callback=function(k) return redis.call('GET', k[1]) end,"
           " flags={{'no-writes'}}}}")


def libraries(node):
    return sorted(entry[1] for entry in node.call("FUNCTION", "LIST"))


def test_functions_and_effects_reach_the_replica(node, pair):
    primary_kind, replica_kind = pair
    primary, replica = node(primary_kind), node(replica_kind)
    assert replica.call("FUNCTION", "LOAD", LIBRARY.format("stale")) == b"stale"
    assert primary.call("FUNCTION", "LOAD", LIBRARY.format("first")) == b"first"
    assert primary.call("FCALL", "first_put", 1, "a", "1") == OK
    replica.replicate(primary)
    wait_online(primary)
    wait_in_sync(primary, replica)
    assert libraries(replica) == [b"first"]
    assert replica.call("FCALL_RO", "first_get", 1, "a") == b"1"
    # From here on by the stream.
    primary.call("FUNCTION", "LOAD", LIBRARY.format("second"))
    payload = primary.call("FUNCTION", "DUMP")
    primary.call("FUNCTION", "DELETE", "first")
    primary.call("FCALL", "second_put", 1, "b", "2")
    primary.call("EVAL", "for i = 1, 20 do redis.call('RPUSH', KEYS[1], i) end redis.call('SPOP', KEYS[2])", 2, "l", "s")
    primary.call("SADD", "s", "a", "b", "c")
    primary.call("EVAL", "return redis.call('SPOP', KEYS[1])", 1, "s")
    wait_for(lambda: libraries(replica) == [b"second"], what="the functions of the primary")
    wait_in_sync(primary, replica)
    assert_same_data(primary, replica)
    primary.call("FUNCTION", "RESTORE", payload, "FLUSH")
    wait_for(lambda: libraries(replica) == [b"first", b"second"], what="the functions that came back")
    primary.call("FUNCTION", "FLUSH")
    wait_for(lambda: libraries(replica) == [], what="no functions")
    error = str(replica.call("EVAL", "return redis.call('SET', 'x', '1')", 0))
    assert "READONLY" in error
