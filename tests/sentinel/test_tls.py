"""Sentinels and servers that talk to one another over TLS alone, and fail over."""

from sentinel.deployment import NAME
from support.resp import ConnectionClosed
from support.server import free_port, wait_for
from support.tls import options


def begin_server(server, kind, primary=None):
    """`secret` is its port for TLS, which is how the others know it."""
    port = free_port()
    words = ["--tls-port", port, "--tls-replication", "yes", *options()]
    if primary is not None:
        words += ["--replicaof", f"127.0.0.1 {primary.secret}"]
    one = server(kind, *words)
    one.secret = port
    return one


def begin_sentinel(sentinel, kind, primary):
    port = free_port()
    lines = [f"tls-port {port}", "tls-replication yes",
             f"sentinel monitor {NAME} 127.0.0.1 {primary.secret} 2",
             f"sentinel down-after-milliseconds {NAME} 500", f"sentinel failover-timeout {NAME} 5000"]
    words = [str(word) for word in options()]
    lines += [f"{name.removeprefix('--')} {value}" for name, value in zip(words[::2], words[1::2])]
    one = sentinel(kind, "\n".join(lines) + "\n")
    one.secret = port
    return one


def test_a_primary_is_replaced_over_tls_by_sentinels_of_both_kinds(server, sentinel):
    primary = begin_server(server, "hearth")
    replica = begin_server(server, "hearth", primary)
    wait_for(lambda: replica.replication()["master_link_status"] == "up", 15, "the replica to follow")
    sentinels = [begin_sentinel(sentinel, kind, primary) for kind in ("hearth", "hearth", "redis")]
    for one in sentinels:
        wait_for(lambda s=one: [r["port"] for r in s.replicas()] == [str(replica.secret)]
                 and all(r["flags"] == "slave" for r in s.replicas())
                 and {o["port"] for o in s.sentinels()} == {str(o.secret) for o in sentinels if o is not s}
                 and all(o["flags"] == "sentinel" for o in s.sentinels()), 20, f"{one} to know all")
    try:
        primary.call("SHUTDOWN", "NOSAVE")
    except (ConnectionClosed, OSError):
        pass
    primary.wait_for_exit()
    for one in sentinels:
        wait_for(lambda s=one: s.primary_port() == replica.secret, 60, f"{one} to name the new primary")
    assert replica.replication()["role"] == "master"
