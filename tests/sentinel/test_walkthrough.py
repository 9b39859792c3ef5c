"""The walk-through of the manuals: one primary, two replicas, three Sentinels; the primary ends, and comes back."""

from sentinel.deployment import NAME
from support.info import info_fields
from support.resp import ConnectionClosed
from support.server import wait_for

ORDER = ["+sdown", "+odown", "+new-epoch", "+try-failover", "+vote-for-leader", "+elected-leader",
         "+failover-state-select-slave", "+selected-slave", "+failover-state-send-slaveof-noone",
         "+failover-state-wait-promotion", "+promoted-slave", "+failover-state-reconf-slaves", "+slave-reconf-sent",
         "+slave-reconf-inprog", "+slave-reconf-done", "+failover-end", "+switch-master", "+slave", "+sdown"]


def end_by_command(server):
    try:
        server.call("SHUTDOWN", "NOSAVE")
    except (ConnectionClosed, OSError):
        pass
    server.wait_for_exit()


def assert_in_order(names, wanted):
    rest = iter(names)
    for name in wanted:
        assert name in rest, f"{name} is not at its place in {names}"


def test_a_primary_that_ends_is_replaced_and_comes_back_as_a_replica(deploy):
    deployment = deploy()
    old = deployment.primary
    events = [one.events() for one in deployment.sentinels]
    end_by_command(old)
    new = deployment.wait_until_switched()
    other = next(one for one in deployment.replicas if one is not new)
    wait_for(lambda: other.follows(new), 10, f"{other} to follow {new}")

    leader = wait_for(lambda: next((e for e in events if "+elected-leader" in e.names()), None), 5, "a leader")
    wait_for(lambda: any(name == "+sdown" and text.startswith("slave") for name, text in list(leader.seen)), 10,
             "the old primary to be down as a replica")
    assert_in_order(leader.names(), ORDER)
    assert sum("+elected-leader" in e.names() for e in events) == 1
    check_layout(leader, old, new, other)
    for one in events:
        one.text("+switch-master")

    for one in deployment.sentinels:
        lines = one.lines()
        assert f"sentinel monitor {NAME} 127.0.0.1 {new.port} 2" in lines
        assert f"sentinel known-replica {NAME} 127.0.0.1 {other.port}" in lines
        assert f"sentinel known-replica {NAME} 127.0.0.1 {old.port}" in lines
        assert sum(line.startswith(f"sentinel known-sentinel {NAME} ") for line in lines) == 2
        assert one.config_path.read_text().startswith("# written by a test\n")

    old.restart()
    wait_for(lambda: old.follows(new), 10, f"{old} to follow {new}")
    wait_for(lambda: any("+convert-to-slave" in e.names() for e in events), 10, "+convert-to-slave")
    assert new.replication()["connected_slaves"] == "2"
    for one in deployment.sentinels:
        wait_for(lambda s=one: all(r["flags"] == "slave" for r in s.replicas()), 10, "all to be well")
        fields = info_fields(one.call("INFO", "sentinel"))
        assert fields["master0"] == f"name={NAME},status=ok,address=127.0.0.1:{new.port},slaves=2,sentinels=3"


def check_layout(leader, old, new, other):
    """The texts, as tools for Redis read them."""
    primary = f"master {NAME} 127.0.0.1 {old.port}"
    at = f"@ {NAME} 127.0.0.1 {old.port}"
    chosen = f"slave 127.0.0.1:{new.port} 127.0.0.1 {new.port} {at}"
    assert leader.text("+sdown") == primary
    assert leader.text("+odown").startswith(f"{primary} #quorum ")
    assert leader.text("+new-epoch") == "1"
    for name in ("+try-failover", "+elected-leader", "+failover-state-select-slave", "+failover-state-reconf-slaves",
                 "+failover-end"):
        assert leader.text(name) == primary
    run_id, epoch = leader.text("+vote-for-leader").split()
    assert len(run_id) == 40 and epoch == "1"
    for name in ("+selected-slave", "+failover-state-send-slaveof-noone", "+failover-state-wait-promotion",
                 "+promoted-slave"):
        assert leader.text(name) == chosen
    assert leader.text("+slave-reconf-done") == f"slave 127.0.0.1:{other.port} 127.0.0.1 {other.port} {at}"
    assert leader.text("+switch-master") == f"{NAME} 127.0.0.1 {old.port} 127.0.0.1 {new.port}"
    after = f"@ {NAME} 127.0.0.1 {new.port}"
    slaves = {text for name, text in list(leader.seen) if name == "+slave"}
    assert slaves == {f"slave 127.0.0.1:{one.port} 127.0.0.1 {one.port} {after}" for one in (old, other)}


def test_the_history_tells_the_failover_with_its_times(deploy):
    deployment = deploy()
    assert deployment.sentinels[0].call("SENTINEL", "HISTORY", NAME) == []
    asked = deployment.sentinels[0]
    assert asked.call("SENTINEL", "FAILOVER", NAME).value == b"OK"
    new = deployment.wait_until_switched()
    wait_for(lambda: not any("failover" in flag for flag in asked.primary()["flags"].split(",")), 10, "its end")
    entry, = asked.call("SENTINEL", "HISTORY", NAME)
    fields = dict(zip(entry[::2], entry[1::2]))
    assert fields[b"from"] == f"127.0.0.1:{deployment.primary.port}".encode()
    assert fields[b"to"] == f"127.0.0.1:{new.port}".encode()
    events = [dict(zip(one[::2], one[1::2])) for one in fields[b"events"]]
    assert_in_order([one[b"event"].decode() for one in events], ["+try-failover", "+promoted-slave"])
    assert [one[b"after-ms"] for one in events] == sorted(one[b"after-ms"] for one in events)


def test_a_forced_failover_keeps_every_acknowledged_write(deploy):
    deployment = deploy()
    for i in range(200):
        deployment.primary.call("SET", f"key:{i}", i)
    wait_for(lambda: all(one.call("DBSIZE") == 200 for one in deployment.replicas), 10, "the replicas to have all")
    assert deployment.sentinels[1].call("SENTINEL", "FAILOVER", NAME).value == b"OK"
    new = deployment.wait_until_switched()
    assert new.call("DBSIZE") == 200
    assert new.call("SET", "another", "x").value == b"OK"
    wait_for(lambda: deployment.primary.follows(new), 10, "the old primary to follow the new one")
