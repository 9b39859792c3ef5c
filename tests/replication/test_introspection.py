"""ROLE, INFO, CLIENT LIST and the replies of commands in every state of both roles: the same form from both servers."""

import os
import re

import pytest

from replication.nodes import ONLY_REAL, wait_in_sync, wait_online
from replication.wire import Wire, assert_alike
from support.info import client_lines
from support.resp import Error, Simple
from support.server import free_port, wait_for

BOTH = ["redis", "redis"] if ONLY_REAL else ["hearth", "redis"]
# What Hearth says beyond the fields of the real server.
OUR_FIELDS = {"last_sync", "master_link_refused_reason"}
# Values that are part of the form. Of all others only the kind matters: number, id or text.
WORDS = {"role", "master_link_status", "master_sync_in_progress", "slave_priority", "slave_read_only",
         "replica_announced", "connected_slaves", "master_failover_state", "repl_backlog_active",
         "min_slaves_good_slaves"}


def kind_of(text):
    if re.fullmatch(r"[0-9a-f]{40}", text):
        return "no id" if set(text) == {"0"} else "id"
    if re.fullmatch(r"-?\d+", text):
        return "zero" if int(text) == 0 else "-1" if text == "-1" else "number"
    return "fraction" if re.fullmatch(r"-?\d+\.\d+", text) else "text"


def form_of_info(node):
    """[(field, word or kind of value)] in the order of the reply."""
    form = []
    for field, value in node.info().items():
        if field in OUR_FIELDS:
            continue
        if re.fullmatch(r"slave\d+", field):
            pairs = [pair.split("=") for pair in value.split(",")]
            value = [(name, text if name in ("ip", "state") else "number") for name, text in pairs]
        elif field not in WORDS:
            value = kind_of(value)
        form.append((field, value))
    return form


def form_of_role(node):
    """ROLE with the kinds of numbers and ports."""

    def form(reply):
        if isinstance(reply, list):
            return [form(element) for element in reply]
        if isinstance(reply, int):
            return reply if reply <= 0 else "number"
        return b"<number>" if reply.isdigit() else reply

    return form(node.call("ROLE"))


def forms(node):
    return form_of_info(node), form_of_role(node)


# -- States, each a function of (node, kind, proxy) that returns the node to look at and, maybe, when to look.


def acknowledged(primary):
    """A write that a replica has, and the primary knows it."""
    with primary.client() as client:
        client.call("SET", "a", "1")
        assert client.call("WAIT", 1, 10000) == 1


def alone(node, kind, _proxy):
    return node(kind), None


def with_a_replica(node, kind, _proxy):
    primary = node(kind)
    wait_in_sync(primary, node(kind, "--replica-announce-ip", "10.9.8.7", "--replica-announce-port", "1234",
                               primary=primary))
    wait_online(primary)
    acknowledged(primary)
    return primary, None


def with_good_replicas(node, kind, _proxy):
    primary = node(kind, "--min-replicas-to-write", "1")
    wait_in_sync(primary, node(kind, primary=primary))
    wait_for(lambda: primary.info()["min_slaves_good_slaves"] == "1", 10, "a good replica")
    acknowledged(primary)
    return primary, None


def after_the_last_replica(node, kind, _proxy):
    primary = node(kind)
    replica = node(kind, primary=primary)
    wait_in_sync(primary, replica)
    primary.call("SET", "a", "1")
    replica.kill()
    wait_for(lambda: primary.info()["connected_slaves"] == "0", 10, "no replica")
    return primary, None


def linked(node, kind, _proxy):
    primary = node(kind)
    replica = node(kind, "--replica-priority", "7", primary=primary)
    wait_in_sync(primary, replica)
    acknowledged(primary)
    return replica, None


def in_the_middle(node, kind, _proxy):
    """Primary's link above, a replica below."""
    primary = node(kind)
    middle = node(kind, "--replica-read-only", "no", "--replica-announced", "no", primary=primary)
    wait_in_sync(primary, middle)
    last = node(kind, primary=middle)
    wait_in_sync(primary, last)
    wait_online(middle)
    acknowledged(primary)
    wait_for(lambda: middle.online()[0]["offset"] != "0", 10, "an acknowledgement")
    return middle, None


def without_its_primary(node, kind, _proxy):
    """The link was up and is down."""
    primary = node(kind)
    replica = node(kind, primary=primary)
    wait_in_sync(primary, replica)
    acknowledged(primary)
    primary.kill()
    wait_for(lambda: not replica.link_is_up(), 10, "the link down")
    return replica, lambda: replica.call("ROLE")[3] == b"connect"


def never_linked(node, kind, _proxy):
    replica = node(kind)
    replica.replicate(free_port())
    return replica, lambda: replica.call("ROLE")[3] == b"connect"


def shaking_hands(node, kind, proxy):
    """The primary takes the connection and says nothing. The real server waits for a second reply without doing
    anything else, so it is looked at before the first."""
    between = proxy(node(kind))
    between.limit(to_replica=0, keep=True)
    replica = node(kind)
    replica.replicate(between)
    return replica, lambda: replica.call("ROLE")[3] == b"handshake"


def in_the_transfer(node, kind, proxy, diskless):
    """The link stands still in the middle of the file."""
    primary = node(kind, "--repl-diskless-sync", diskless)
    with primary.client() as client:
        client.pipeline([["SET", f"k{i}", os.urandom(5000)] for i in range(200)])
    between = proxy(primary)
    between.limit(to_replica=600_000, keep=True)
    replica = node(kind)
    replica.replicate(between)
    return replica, lambda: replica.info().get("master_sync_read_bytes", "0") != "0"


def in_a_transfer_of_known_size(node, kind, proxy):
    return in_the_transfer(node, kind, proxy, "no")


def in_a_transfer_to_a_mark(node, kind, proxy):
    return in_the_transfer(node, kind, proxy, "yes")


def promoted(node, kind, _proxy):
    primary = node(kind)
    replica = node(kind, primary=primary)
    wait_in_sync(primary, replica)
    acknowledged(primary)
    replica.promote()
    return replica, None


def never_written(node, kind, _proxy):
    """Promoted before it had anything."""
    replica = node(kind)
    replica.replicate(free_port())
    replica.promote()
    return replica, None


STATES = [alone, with_a_replica, with_good_replicas, after_the_last_replica, linked, in_the_middle, without_its_primary,
          never_linked, shaking_hands, in_a_transfer_of_known_size, in_a_transfer_to_a_mark, promoted, never_written]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_info_and_role_have_the_form_of_the_real_server(node, proxy, state):
    results = []
    for kind in BOTH:
        one, condition = state(node, kind, proxy)
        if condition is not None:
            wait_for(condition, 10, f"the state {state.__name__} of {one}: {one.info()}, {one.call('ROLE')}")
        results.append(forms(one))
    assert_alike(results)


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_replica_is_listed_while_its_copy_is_on_the_way(node, proxy, diskless):
    """wait_bgsave or send_bulk, according to how far it is, and online when it has said so."""
    results = []
    for kind in BOTH:
        primary = node(kind, "--repl-diskless-sync", diskless)
        with primary.client() as client:
            client.pipeline([["SET", f"k{i}", "v" * 10000] for i in range(2000)])
        between = proxy(primary)
        replica = node(kind)
        between.throttle(2_000_000)
        replica.replicate(between)
        seen = []

        def look():
            state = [one["state"] for one in primary.replicas()]
            if state not in seen:
                seen.append(state)
            return ["send_bulk"] in seen or ["wait_bgsave"] in seen

        wait_for(look, 20, "a copy on the way", pause=0.001)
        assert primary.call("ROLE")[2] == []  # Not one of those that are online.
        between.throttle(None)
        wait_online(primary)
        results.append(len(primary.call("ROLE")[2]))
    assert results == [1, 1]


def test_clients_have_the_flags_of_their_role(node):
    results = []
    for kind in BOTH:
        primary = node(kind)
        replica = node(kind, primary=primary)
        wait_in_sync(primary, replica)
        wait_online(primary)
        found = []
        for one, flag, kind_name in ((primary, "S", "replica"), (replica, "M", "master")):
            lines = [line for line in client_lines(one.call("CLIENT", "LIST")) if flag in line["flags"]]
            typed = client_lines(one.call("CLIENT", "LIST", "TYPE", kind_name))
            found.append(([line["flags"] for line in lines], [line["cmd"] for line in lines],
                          [line["flags"] for line in typed], one.info("clients")["connected_clients"]))
        results.append(found)
    assert_alike(results)


# -- Commands.


def replies(node, commands):
    """[(command, reply)]; of a port, only that it is one."""
    with node.client() as client:
        return [(re.sub(r"\b\d{5}\b", "<port>", " ".join(map(str, command))), client.call(*command))
                for command in commands]


def test_replicaof_answers(node):
    results = []
    for kind in BOTH:
        one, primary = node(kind), node(kind)
        commands = [["REPLICAOF"], ["REPLICAOF", "a"], ["REPLICAOF", "127.0.0.1", "port"],
                    ["REPLICAOF", "127.0.0.1", "65536"], ["REPLICAOF", "127.0.0.1", "-1"],
                    ["REPLICAOF", "NO", "ONE"], ["SLAVEOF", "no", "one"],
                    ["REPLICAOF", "127.0.0.1", primary.port], ["REPLICAOF", "127.0.0.1", primary.port],
                    ["SLAVEOF", "NO", "ONE"], ["ROLE", "x"]]
        results.append(replies(one, commands))
    assert_alike(results)


@pytest.mark.parametrize("kind", BOTH[:1])
@pytest.mark.parametrize("command", [["REPLICAOF", "127.0.0.1", "1"], ["GET", "a"]], ids=" ".join)
def test_a_replica_that_makes_us_reply_is_let_go(node, kind, command):
    """Replies would get between the commands of the stream."""
    primary = node(kind, "--repl-ping-replica-period", "3600")
    with Wire(primary) as wire:
        wire.type("SYNC")
        wire.snapshot()
        wire.send(*command)
        assert wire.is_closed() and wire.received == b""
    assert primary.info()["role"] == "master"


FAILOVERS = [["FAILOVER"], ["FAILOVER", "ABORT"], ["FAILOVER", "TO", "127.0.0.1", "1"], ["FAILOVER", "TO", "127.0.0.1"],
             ["FAILOVER", "TO", "127.0.0.1", "port"], ["FAILOVER", "TIMEOUT", "0"], ["FAILOVER", "TIMEOUT", "-1"],
             ["FAILOVER", "TIMEOUT", "x"], ["FAILOVER", "FORCE"], ["FAILOVER", "TO", "127.0.0.1", "1", "FORCE"],
             ["FAILOVER", "TO", "127.0.0.1", "1", "FORCE", "TIMEOUT", "10"], ["FAILOVER", "nonsense"],
             ["FAILOVER", "ABORT", "TIMEOUT", "10"]]


def test_failover_answers_of_a_primary_without_replicas(node):
    assert_alike([replies(node(kind), FAILOVERS) for kind in BOTH])


def test_failover_answers_of_a_primary_with_one_replica(node):
    wrong = [command for command in FAILOVERS if len(command) > 1]
    results = []
    for kind in BOTH:
        primary = node(kind)
        wait_in_sync(primary, node(kind, primary=primary))
        wait_online(primary)
        results.append(replies(primary, wrong))
        assert primary.info()["role"] == "master"
    assert_alike(results)


def test_failover_answers_of_a_replica(node):
    results = []
    for kind in BOTH:
        replica = node(kind)
        replica.replicate(free_port())
        results.append(replies(replica, FAILOVERS))
    assert_alike(results)


def test_a_replica_refuses_writes(node):
    commands = [["SET", "a", "2"], ["GET", "a"], ["DEL", "a"], ["MULTI"], ["GET", "a"], ["SET", "a", "3"],
                ["GET", "a"], ["EXEC"], ["FLUSHALL"], ["PUBLISH", "c", "m"], ["PFCOUNT", "a b"], ["SPOP", "none"],
                ["BLPOP", "none", "1"], ["SORT", "none", "STORE", "x"], ["SORT", "none"], ["GETEX", "a"], ["PING"],
                ["SELECT", "1"], ["CONFIG", "SET", "replica-read-only", "no"], ["SET", "own", "1"], ["GET", "own"]]
    results = []
    for kind in BOTH:
        primary = node(kind)
        primary.call("SET", "a", "1")
        replica = node(kind, primary=primary)
        wait_in_sync(primary, replica)
        results.append(replies(replica, commands))
        refused = results[-1][0][1]
        assert isinstance(refused, Error) and refused.value.startswith(b"READONLY")
        assert primary.call("EXISTS", "own") == 0
    assert_alike(results)


def test_a_replica_without_a_link_may_refuse_reads(node):
    commands = [["GET", "a"], ["PING"], ["SET", "a", "1"], ["INFO", "nonsense"], ["SELECT", "1"], ["MULTI"],
                ["GET", "a"], ["EXEC"], ["CONFIG", "GET", "appendonly"], ["ROLE"], ["KEYS", "*"],
                ["COMMAND", "COUNT", "x"], ["PUBLISH", "c", "m"], ["CLIENT", "GETNAME"], ["DBSIZE"], ["WATCH", "a"],
                ["UNWATCH"], ["TIME", "x"], ["AUTH", "x"], ["REPLCONF", "x"],
                ["LASTSAVE", "x"], ["SCAN", "0"], ["DEBUG", "OBJECT", "a"], ["WAIT", "0", "0"]]
    results = []
    port = free_port()
    for kind in BOTH:
        replica = node(kind, "--replica-serve-stale-data", "no")
        replica.replicate(port)
        wait_for(lambda: replica.call("ROLE")[3] == b"connect", 10, "a link that does not come about")
        results.append([(command, type(reply) if isinstance(reply, list) else reply)
                        for command, reply in replies(replica, commands)])
        assert replica.call("CONFIG", "SET", "replica-serve-stale-data", "yes") == Simple(b"OK")
        assert not isinstance(replica.call("GET", "a"), Error)
    assert_alike(results)
