"""Every command of a Sentinel beside the same of the real one: the same shapes, fields and errors."""

import re

import pytest

from sentinel.deployment import NAME
from support.info import info_fields, info_sections
from support.resp import Error, Map, NULL_ARRAY


SECTIONS = ["Server", "Clients", "Stats", "CPU", "Sentinel"]

ERRORS = [
    ["SENTINEL", "MASTER", "nobody"], ["SENTINEL", "REPLICAS", "nobody"], ["SENTINEL", "SENTINELS", "nobody"],
    ["SENTINEL", "REMOVE", "nobody"], ["SENTINEL", "FAILOVER", "nobody"], ["SENTINEL", "CKQUORUM", "nobody"],
    ["SENTINEL", "SET", "nobody", "quorum", "1"],
    ["SENTINEL", "MONITOR", "x", "127.0.0.1", "abc", "2"], ["SENTINEL", "MONITOR", "x", "127.0.0.1", "1", "abc"],
    ["SENTINEL", "MONITOR", "x", "127.0.0.1", "1", "0"], ["SENTINEL", "MONITOR", NAME, "127.0.0.1", "1", "1"],
    ["SENTINEL", "MONITOR", "x", "no-such-host.invalid", "1", "1"],
    ["SENTINEL", "SET", NAME, "nonsense", "1"], ["SENTINEL", "SET", NAME, "quorum", "abc"],
    ["SENTINEL", "SET", NAME, "down-after-milliseconds", "-5"],
    ["SENTINEL", "SET", NAME, "notification-script", "/bin/true"],
    ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "abc", "1", "*"],
    ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "1", "abc", "*"],
    ["SENTINEL", "SIMULATE-FAILURE", "nonsense"], ["SENTINEL", "DEBUG", "nonsense", "1"],
    ["SENTINEL", "DEBUG", "ping-period", "abc"], ["SENTINEL", "CONFIG", "SET", "nonsense", "1"],
    ["PUBLISH", "news", "x"], ["GET", "x"], ["SET", "x", "1"], ["CONFIG", "GET", "*"], ["MULTI"], ["SELECT", "0"],
    ["REPLICAOF", "NO", "ONE"], ["SENTINEL", "MASTER"], ["SENTINEL", "MONITOR", "x"],
]

SHAPES = [
    ["PING"], ["ROLE"], ["SENTINEL", "MYID"], ["SENTINEL", "MASTERS"], ["SENTINEL", "MASTER", NAME],
    ["SENTINEL", "REPLICAS", NAME], ["SENTINEL", "SLAVES", NAME], ["SENTINEL", "SENTINELS", NAME],
    ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME], ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "nobody"],
    ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "1", "0", "*"], ["SENTINEL", "CKQUORUM", NAME],
    ["SENTINEL", "PENDING-SCRIPTS"], ["SENTINEL", "INFO-CACHE", NAME], ["SENTINEL", "FLUSHCONFIG"],
    ["SENTINEL", "SIMULATE-FAILURE", "help"], ["SENTINEL", "CONFIG", "GET", "announce-*"], ["SENTINEL", "DEBUG"],
    ["SENTINEL", "RESET", "nobody*"], ["SENTINEL", "SET", NAME, "quorum", "2", "parallel-syncs", "1"],
    ["SENTINEL", "CONFIG", "SET", "announce-port", "0"], ["PUBLISH", "__sentinel__:hello", "nonsense"],
    ["CLIENT", "GETNAME"], ["COMMAND", "COUNT"],
]


@pytest.fixture(scope="module")
def watching():
    """A Sentinel of each kind over one server and its replica, and a second Hearth one."""
    from sentinel.deployment import Deployment, Sentinel, Watched
    started = []

    def server(*arguments, **options):
        started.append(Watched(*arguments, **options))
        return started[-1]

    def sentinel(*arguments, **options):
        started.append(Sentinel(*arguments, **options))
        return started[-1]

    deployment = Deployment(server, sentinel, servers=("hearth", "hearth"), sentinels=("hearth", "redis"), quorum=2,
                            down_after_ms=5000)
    yield deployment.sentinels
    for one in reversed(started):
        one.kill()
        one.remove_folder()


def shape(reply):
    """A reply without what differs from server to server and from moment to moment."""
    if isinstance(reply, (list, tuple)):
        return [shape(one) for one in reply]
    if isinstance(reply, Map):
        return ("map", [(shape(key), shape(value)) for key, value in reply.value])
    if isinstance(reply, bytes):
        text = reply.decode(errors="replace")
        if text.startswith("# Server"):
            return "INFO"
        return re.sub(r"[0-9a-f]{40}|\d+", "N", text)
    if isinstance(reply, int) and not isinstance(reply, bool):
        return "number"
    return reply


@pytest.mark.parametrize("words", SHAPES, ids=" ".join)
def test_replies_have_the_shape_of_the_real_ones(watching, words):
    ours, theirs = (shape(one.call(*words)) for one in watching)
    if words == ["COMMAND", "COUNT"]:
        return
    assert ours == theirs


@pytest.mark.parametrize("words", ERRORS, ids=" ".join)
def test_errors_are_those_of_the_real_ones(watching, words):
    ours, theirs = (one.call(*words) for one in watching)
    assert isinstance(ours, Error), ours
    assert ours == theirs


def test_maps_are_maps_in_resp3(watching):
    replies = []
    for one in watching:
        with one.client(tcp=True) as client:
            client.call("HELLO", "3")
            replies.append([shape(client.call("SENTINEL", *words)) for words in
                            (["MASTERS"], ["MASTER", NAME], ["REPLICAS", NAME], ["SENTINELS", NAME], ["DEBUG"],
                             ["CONFIG", "GET", "announce-*"], ["PENDING-SCRIPTS"])])
    assert replies[0] == replies[1]


def test_the_fields_of_info_are_there(watching):
    ours, theirs = (info_sections(one.call("INFO")) for one in watching)
    assert list(ours) == SECTIONS == list(theirs)
    assert ours["Sentinel"] == theirs["Sentinel"]
    assert set(theirs["Clients"]) <= set(ours["Clients"])
    for one in watching:
        fields = info_fields(one.call("INFO", "everything"))
        assert fields["redis_mode"] == "sentinel"
        assert fields["tcp_port"] == str(one.port)


def test_only_a_sentinels_commands_exist(watching):
    # The real one lists subcommands here, too.
    ours, theirs = ({name.decode() for name in one.call("COMMAND", "LIST") if b"|" not in name} for one in watching)
    assert ours == theirs


def test_a_data_server_has_no_sentinel_command(start):
    reply = start("hearth").client().call("SENTINEL", "MASTERS")
    assert isinstance(reply, Error) and reply.value.startswith(b"ERR unknown command")


def test_the_names_of_valkey_work(watching):
    ours, _ = watching
    assert shape(ours.call("SENTINEL", "PRIMARIES")) == shape(ours.call("SENTINEL", "MASTERS"))
    assert shape(ours.call("SENTINEL", "PRIMARY", NAME)) == shape(ours.call("SENTINEL", "MASTER", NAME))
    assert (ours.call("SENTINEL", "GET-PRIMARY-ADDR-BY-NAME", NAME)
            == ours.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME))
    assert (ours.call("SENTINEL", "IS-PRIMARY-DOWN-BY-ADDR", "127.0.0.1", "1", "0", "*")
            == ours.call("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "1", "0", "*"))


def test_help_names_every_subcommand(watching):
    lines = [line.value.decode() for line in watching[0].call("SENTINEL", "HELP")]
    text = "\n".join(lines)
    for name in ("MONITOR", "CKQUORUM", "EXPLAIN", "HISTORY", "PENDING-SCRIPTS", "SIMULATE-FAILURE"):
        assert f"{name}" in text


def test_explain_says_whether_a_failover_could_succeed(watching):
    lines = [line.decode() for line in watching[0].call("SENTINEL", "EXPLAIN", NAME)]
    assert lines
    assert any("127.0.0.1" in line for line in lines)


def test_set_is_told_to_subscribers_and_kept(watching):
    ours, _ = watching
    events = ours.events()
    assert ours.call("SENTINEL", "SET", NAME, "failover-timeout", "20000").value == b"OK"
    assert events.text("+set").endswith("failover-timeout 20000")
    assert f"sentinel failover-timeout {NAME} 20000" in ours.lines()
    assert ours.primary()["failover-timeout"] == "20000"
    events.close()


def test_a_primary_can_be_added_and_removed(watching):
    ours, _ = watching
    events = ours.events()
    assert ours.call("SENTINEL", "MONITOR", "another", "127.0.0.1", "1", "1").value == b"OK"
    assert events.text("+monitor") == "master another 127.0.0.1 1 quorum 1"
    assert "sentinel monitor another 127.0.0.1 1 1" in ours.lines()
    assert ours.call("ROLE") == [b"sentinel", [b"another", NAME.encode()]]
    assert ours.call("SENTINEL", "REMOVE", "another").value == b"OK"
    assert events.text("-monitor") == "master another 127.0.0.1 1"
    assert not any("another" in line for line in ours.lines())
    assert ours.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "another") == NULL_ARRAY
    events.close()


def test_the_level_of_the_log_can_be_changed(watching):
    ours, _ = watching
    assert ours.call("SENTINEL", "CONFIG", "SET", "loglevel", "verbose").value == b"OK"
    assert ours.call("SENTINEL", "CONFIG", "GET", "loglevel") == [b"loglevel", b"verbose"]
    assert "loglevel verbose" in ours.config_path.read_text()
    reply = ours.call("SENTINEL", "CONFIG", "SET", "loglevel", "loud")
    assert reply == Error(b"ERR Invalid value 'loud' to SENTINEL CONFIG SET 'loglevel'")
