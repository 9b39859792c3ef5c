"""CONFIG GET, SET, REWRITE and RESETSTAT against the oracle."""

import pytest

from support.info import info_fields
from support.resp import Error, OK

SAME_DEFAULTS = [
    "databases", "timeout", "hz", "maxmemory", "maxmemory-policy", "maxmemory-samples",
                 "hash-max-listpack-entries",
    "hash-max-listpack-value", "list-max-listpack-size", "list-compress-depth", "set-max-intset-entries",
                 "zset-max-listpack-entries",
    "zset-max-listpack-value", "stream-node-max-bytes", "stream-node-max-entries", "hll-sparse-max-bytes",
                 "slowlog-log-slower-than",
    "slowlog-max-len", "notify-keyspace-events", "proto-max-bulk-len", "client-query-buffer-limit",
                 "client-output-buffer-limit",
    "appendfsync", "tcp-keepalive", "lfu-log-factor", "lfu-decay-time", "maxclients",
                 "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire", "lazyfree-lazy-user-del", "activerehashing", "dynamic-hz",
                 "latency-monitor-threshold", "acllog-max-len",
    "busy-reply-threshold", "lua-time-limit", "min-replicas-to-write", "repl-backlog-size", "repl-timeout",
                 "rdbcompression",
    "rdbchecksum", "dbfilename", "appendfilename", "protected-mode", "maxmemory-eviction-tenacity",
                 "active-expire-effort",
]
WRONG = [
    ("nosuch", "1"), ("maxmemory-policy", "nosuch"), ("hz", "a"), ("hash-max-listpack-entries", "-1"),
         ("timeout", "x"),
    ("appendonly", "maybe"), ("list-compress-depth", "-1"), ("timeout",), ("timeout", "0", "timeout", "0"),
         ("databases", "4"),
    ("lfu-log-factor", "-1"), ("maxmemory", "1x"), ("save", "a b"), ("save", "900"),
         ("client-output-buffer-limit", "normal 0 0"),
    ("client-output-buffer-limit", "nosuch 0 0 0"), ("client-output-buffer-limit", "normal 1 2 x"),
         ("notify-keyspace-events", "q"),
    ("timeout", "5", "nosuch", "1"), ("timeout", "5", "hz", "z"), ("maxmemory-samples", "0"),
         ("loglevel", "loud"),
    ("hash-max-listpack-entries", "99999999999999999999"), ("slowlog-max-len", "-1"),
         ("dir", "/nosuch/folder"), ("dbfilename", "a/b"),
    ("maxclients", "0"), ("port", "x"), ("port", "70000"), ("unixsocket", "/tmp/x"), ("daemonize", "yes"),
         ("proto-max-bulk-len", "10"),
    ("repl-backlog-size", "0"), ("activerehashing", ""), ("hz", ""), ("hz", "1.5"), ("tcp-keepalive", "-1"),
    ("appendfsync", "sometimes"), ("oom-score-adj-values", "1 2"),
         ("latency-tracking-info-percentiles", "101"),
]
GOOD = [
    ("timeout", "100"), ("TIMEOUT", "0"), ("maxmemory", "100mb"), ("maxmemory", "1gb"), ("maxmemory", "5k"),
        ("maxmemory", "12345"), ("maxmemory", ""),
    ("hz", "500"), ("hz", "100000"), ("hz", "0"), ("hash-max-ziplist-entries", "77"),
        ("hash-max-listpack-value", "1kb"),
    ("list-max-ziplist-size", "-3"), ("notify-keyspace-events", "KEA"), ("notify-keyspace-events", "AKE"),
        ("notify-keyspace-events", ""),
    ("notify-keyspace-events", "Kg$lshzxetdm"), ("notify-keyspace-events", "Ex"), ("save", "900 1 300 10"),
        ("save", ""),
    ("client-output-buffer-limit", "normal 1mb 512kb 7"), ("client-output-buffer-limit",
                                                           "pubsub 0 0 0 replica 1gb 0 0"),
    ("maxmemory-policy", "ALLKEYS-LFU"), ("appendfsync", "NO"), ("timeout", "3", "hz", "20"),
        ("slowlog-log-slower-than", "-1"),
    ("lfu-log-factor", "0"), ("latency-monitor-threshold", "5"), ("activerehashing", "NO"),
        ("requirepass", ""),
    ("maxmemory-clients", "5%"), ("maxmemory-clients", "1gb"),
        ("latency-tracking-info-percentiles", "50 99 100"),
]


def on_both(both, *commands):
    replies = []
    for server in both:
        with server.client() as client:
            replies.append(client.pipeline(commands))
    return replies


@pytest.mark.parametrize("name", SAME_DEFAULTS)
def test_the_default_is_the_oracles(both_for_module, name):
    hearth, oracle = on_both(both_for_module, ("CONFIG", "GET", name))
    assert hearth == oracle
    assert len(hearth[0]) == 2


@pytest.fixture(scope="module")
def both_for_module():
    from support.server import Server

    with Server("hearth") as hearth, Server("oracle") as oracle:
        yield hearth, oracle


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_setting_is_refused_with_the_oracles_words(both_for_module, arguments):
    hearth, oracle = on_both(both_for_module, ("CONFIG", "SET", *arguments), ("CONFIG", "GET", "timeout"))
    # 7.2 added a log level.
    assert hearth[0] == oracle[0] or hearth[0].value.replace(b", nothing", b"") == oracle[0].value
    assert hearth[1:] == oracle[1:]
    assert isinstance(hearth[0], Error)


@pytest.mark.parametrize("arguments", GOOD, ids=" ".join)
def test_a_good_setting_is_taken_and_shown_as_the_oracle_shows_it(both, arguments):
    names = [name.lower() for name in arguments[::2]]
    hearth, oracle = on_both(both, ("CONFIG", "SET", *arguments),
                             *(("CONFIG", "GET", name) for name in names))
    assert hearth == oracle
    assert hearth[0] == OK


@pytest.mark.parametrize("patterns", [("nosuch",), ("hash-max-*", "timeout"), ("TIMEOUT",),
                                      ("*max-ziplist*",), ("timeout", "time*"),
                                      ("",), ("set-max-intset-entrie?",)])
def test_patterns_find_the_same_names(both_for_module, patterns):
    hearth, oracle = on_both(both_for_module, ("CONFIG", "GET", *patterns))
    assert sorted(zip(hearth[0][::2], hearth[0][1::2])) == sorted(zip(oracle[0][::2], oracle[0][1::2]))


def test_every_setting_of_the_oracle_is_known(both_for_module):
    hearth, oracle = on_both(both_for_module, ("CONFIG", "GET", "*"))
    # 7.2 hides the setting, which is for the oracle's own tests.
    assert set(oracle[0][::2]) - set(hearth[0][::2]) <= {b"aof-disable-auto-gc"}


def test_a_refused_set_of_several_changes_nothing(each):
    with each.client() as client:
        assert isinstance(client.call("CONFIG", "SET", "timeout", "9", "maxmemory-policy", "nosuch"), Error)
        assert client.call("CONFIG", "GET", "timeout") == [b"timeout", b"0"]


def test_rewrite_without_a_file_is_refused(both_for_module):
    hearth, oracle = on_both(both_for_module, ("CONFIG", "REWRITE"))
    assert hearth == oracle
    assert isinstance(hearth[0], Error)


def test_rewrite_keeps_comments_and_survives_a_restart(start, role):
    server = start(role, config="# my own comment\ntimeout 10\n\nhz 15\n")
    with server.client() as client:
        for name, value in [("timeout", "99"), ("maxmemory", "50mb"), ("save", "600 5"),
                            ("notify-keyspace-events", "KEA"),
                            ("client-output-buffer-limit", "pubsub 5mb 1mb 9")]:
            assert client.call("CONFIG", "SET", name, value) == OK
        assert client.call("CONFIG", "REWRITE") == OK
        assert client.call("CONFIG", "REWRITE") == OK
    text = (server.folder / "server.conf").read_text()
    assert text.startswith("# my own comment\ntimeout 99\n\nhz 15\n")
    assert text.count("maxmemory ") == 1
    server.stop(keep_folder=True)
    (server.folder / "again.conf").write_text(text)
    again = start(role, config=text)
    with again.client() as client:
        assert client.call("CONFIG", "GET", "timeout")[1] == b"99"
        assert client.call("CONFIG", "GET", "maxmemory")[1] == b"%d" % (50 << 20)
        assert b"pubsub 5242880 1048576 9" in client.call("CONFIG", "GET", "client-output-buffer-limit")[1]
        assert set(client.call("CONFIG", "GET", "notify-keyspace-events")[1]) == set(b"AKE")


def test_resetstat_resets_the_counters(each):
    with each.client() as client:
        client.pipeline([("SET", "a", "1"), ("GET", "a"), ("GET", "b"), ("NOSUCH",)])
        before = info_fields(client.call("INFO", "stats"))
        assert int(before["keyspace_hits"]) == 1 and int(before["keyspace_misses"]) == 1
        assert client.call("CONFIG", "RESETSTAT") == OK
        after = info_fields(client.call("INFO", "stats"))
        assert (after["keyspace_hits"], after["keyspace_misses"], after["total_error_replies"]) == ("0", "0",
            "0")
        assert "cmdstat_set" not in info_fields(client.call("INFO", "commandstats"))
