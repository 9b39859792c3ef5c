"""What shows the inside of a server has Redis's form: LATENCY, SLOWLOG, MEMORY, DEBUG and errorstats on Hearth and on
the oracle, with figures made alike.
"""

import os
import re

import pytest

from support.info import info_fields, text_of
from support.resp import Error, Map, OK, Simple
from support.server import wait_for

ALLOWED = ("--enable-debug-command", "local")


@pytest.fixture
def both(start):
    return [start("hearth", *ALLOWED), start("oracle", *ALLOWED)]


@pytest.fixture
def each(start, role):
    return start(role, *ALLOWED)


def on_both(both, act):
    """What `act(client)` gives on Hearth and on the oracle."""
    results = []
    for server in both:
        with server.client(timeout=30) as client:
            results.append(act(client))
    return results


def form(reply):
    """A reply with every number and text replaced by its type, lists of one form by one element."""
    if isinstance(reply, Error):
        return ("error", reply.value.split(b" ")[0])
    if isinstance(reply, list):
        forms = [form(part) for part in reply]
        return ["each", forms[0]] if forms and all(one == forms[0] for one in forms) else forms
    if isinstance(reply, bytes) and re.fullmatch(rb"-?[\d.]+(e-?\d+)?|-?nan|inf", reply):
        return "number as text"
    return type(reply).__name__


# ---- LATENCY


def make_slow(client):
    assert client.call("CONFIG", "SET", "latency-monitor-threshold", 1) == OK
    assert client.call("DEBUG", "SLEEP", "0.005") == OK
    assert client.call("LATENCY", "LATEST")[0][0] == b"command"


@pytest.mark.parametrize("command", [
    ("LATENCY", "LATEST"), ("LATENCY", "HISTORY", "command"), ("LATENCY", "HISTORY", "nothing"),
    ("LATENCY", "GRAPH", "nothing"), ("LATENCY", "RESET", "nothing"), ("LATENCY", "RESET", "command", "nothing"),
    ("LATENCY", "RESET"), ("LATENCY",), ("LATENCY", "GRAPH"), ("LATENCY", "HISTORY", "a", "b"), ("LATENCY", "NOSUCH"),
    ("LATENCY", "DOCTOR", "x"), ("LATENCY", "LATEST", "x")], ids=" ".join)
def test_latency_answers_in_the_oracles_form(both, command):
    def act(client):
        make_slow(client)
        return client.call(*command)

    hearth, oracle = on_both(both, act)
    if isinstance(oracle, Error):
        assert hearth == oracle
    else:
        assert form(hearth) == form(oracle)
        if command[1] == "RESET":
            assert hearth == oracle


def test_latency_counts_what_took_long(each):
    with each.client() as client:
        make_slow(client)
        (event, at, latest, most), = client.call("LATENCY", "LATEST")
        assert event == b"command" and latest >= 5 and most >= latest
        assert client.call("LATENCY", "HISTORY", "command") == [[at, latest]]
        assert client.call("LATENCY", "RESET", "command") == 1
        assert client.call("LATENCY", "LATEST") == []
        assert client.call("CONFIG", "SET", "latency-monitor-threshold", 0) == OK
        assert client.call("DEBUG", "SLEEP", "0.005") == OK
        assert client.call("LATENCY", "LATEST") == []


def test_the_graph_has_the_oracles_lines(both):
    def act(client):
        make_slow(client)
        return text_of(client.call("LATENCY", "GRAPH", "command"))

    graphs = [re.sub(r"\d+", "N", graph).split("\n") for graph in on_both(both, act)]
    assert graphs[0][:2] == graphs[1][:2] == ["command - high N ms, low N ms (all time high N ms)", "-" * 80]
    assert len(graphs[0]) == len(graphs[1])


def test_the_doctor_speaks(each):
    with each.client() as client:
        assert "latency-monitor-threshold" in text_of(client.call("LATENCY", "DOCTOR"))
        make_slow(client)
        assert re.search(r"1\. command: 1 latency spikes \(average \d+ms, mean deviation \d+ms, period [\d.]+ sec\)",
                         text_of(client.call("LATENCY", "DOCTOR")))


def as_dictionary(reply):
    pairs = reply.value if isinstance(reply, Map) else list(zip(reply[::2], reply[1::2]))
    return dict(pairs)


@pytest.mark.parametrize("names", [(), ("set",), ("SET", "config", "nosuch"), ("config|get",), ("nosuch",)])
def test_histograms_count_calls_by_command(both, names):
    def act(client):
        client.call("CONFIG", "RESETSTAT")
        client.pipeline([("SET", "a", "1")] * 5 + [("GET", "a")] * 3 + [("CONFIG", "GET", "port"), ("NOSUCH",)])
        shown = as_dictionary(client.call("LATENCY", "HISTOGRAM", *names))
        result = {}
        for name, histogram in shown.items():
            parts = as_dictionary(histogram)
            assert list(parts) == [b"calls", b"histogram_usec"]
            steps = as_dictionary(parts[b"histogram_usec"])
            micros, counts = list(steps), list(steps.values())
            assert micros == sorted(set(micros)) and counts == sorted(set(counts)) and counts[-1] == parts[b"calls"]
            result[name] = parts[b"calls"]
        return result

    hearth, oracle = on_both(both, act)
    assert hearth == oracle


def test_latency_tracking_can_be_turned_off(both):
    def act(client):
        client.call("CONFIG", "SET", "latency-tracking", "no")
        client.call("CONFIG", "RESETSTAT")
        client.call("SET", "a", "1")
        none = client.call("LATENCY", "HISTOGRAM"), info_fields(client.call("INFO", "latencystats"))
        client.call("CONFIG", "SET", "latency-tracking", "yes", "latency-tracking-info-percentiles", "0 50.5 100")
        client.call("SET", "a", "1")
        shown = info_fields(client.call("INFO", "latencystats"))["latency_percentiles_usec_set"]
        return none, re.sub(r"=\d+\.\d{3}(?=,|$)", "=N", shown)

    hearth, oracle = on_both(both, act)
    assert hearth == oracle == (([], {}), "p0=N,p50.5=N,p100=N")


# ---- SLOWLOG

# Of ACL GETUSER and DELUSER, the interface of 7.2 hides the names; the oracle does not.
SECRETS = [
    ("AUTH", "wrong"), ("AUTH", "nobody", "wrong"), ("HELLO", "2", "AUTH", "nobody", "wrong", "SETNAME", "me"),
    ("HELLO", "2", "SETNAME", "me"), ("ACL", "SETUSER", "alice", "on", ">secret"), ("ACL", "WHOAMI"), ("CONFIG", "SET", "masterauth", "secret"),
    ("CONFIG", "SET", "maxmemory-samples", "6", "MASTERUSER", "secret"), ("CONFIG", "GET", "masterauth"),
    ("CONFIG", "SET", "nosuch", "value"),
]
LENGTHS = [("SET", "k", "v" * 127), ("SET", "k", "v" * 128), ("SET", "k", "v" * 129), ("SET", "k", b"\x00\xff\r\n"),
           ("DEL", *map(str, range(30))), ("DEL", *map(str, range(31))), ("DEL", *map(str, range(32))),
           ("DEL", *map(str, range(100))), ("EVAL",), ("NOSUCH", "a"), ("GET",)]
QUEUED = [("MULTI",), ("SET", "q", "1"), ("LPUSH", "q", "1"), ("EXEC",), ("PING",), ("CLIENT", "SETNAME", "somebody"),
          ("GET", "q")]


@pytest.mark.parametrize("commands", [SECRETS, LENGTHS, QUEUED], ids=["secrets", "lengths", "queued"])
def test_the_slow_log_shows_commands_as_the_oracle_does(both, commands):
    def act(client):
        client.pipeline([("CONFIG", "SET", "slowlog-max-len", 1000), ("CONFIG", "SET", "slowlog-log-slower-than", 0),
                         ("SLOWLOG", "RESET")])
        client.pipeline(commands)
        entries = client.call("SLOWLOG", "GET", -1)
        for entry in entries:
            assert len(entry) == 6 and all(isinstance(number, int) for number in entry[:3])
        ids = [entry[0] for entry in entries]
        assert ids == list(range(ids[0], ids[0] - len(ids), -1))
        return [(entry[3], entry[4].rpartition(b":")[2], entry[5]) for entry in entries]

    hearth, oracle = on_both(both, act)
    assert hearth == oracle


@pytest.mark.parametrize("command", [("SLOWLOG", "GET", "-2"), ("SLOWLOG", "GET", "x"), ("SLOWLOG", "GET", "1", "2"),
                                     ("SLOWLOG", "RESET", "x"), ("SLOWLOG", "LEN", "x"), ("SLOWLOG", "NOSUCH"),
                                     ("SLOWLOG",)], ids=" ".join)
def test_wrong_slowlog_commands_get_the_oracles_errors(both, command):
    hearth, oracle = on_both(both, lambda client: client.call(*command))
    assert isinstance(oracle, Error) and hearth == oracle


# ---- MEMORY

# What a later interface has, or what the oracle's build cannot have.
ONLY_OURS = {b"allocator.muzzy"}


def test_memory_stats_has_the_oracles_fields_in_order(both):
    def act(client):
        client.pipeline([("SET", "a", "1"), ("SELECT", 3), ("SET", "b", "1", "EX", 1000)])
        reply = client.call("MEMORY", "STATS")
        pairs = list(zip(reply[::2], reply[1::2]))
        return [(name, [name for name in value[::2]] if isinstance(value, list) else form(value))
                for name, value in pairs if name not in ONLY_OURS]

    hearth, oracle = on_both(both, act)
    assert hearth == oracle


@pytest.mark.parametrize("command", [
    ("MEMORY", "DOCTOR"), ("MEMORY", "MALLOC-STATS"),
    pytest.param(("MEMORY", "PURGE"), marks=pytest.mark.jemalloc), ("MEMORY", "USAGE", "nosuch"),
    ("MEMORY", "USAGE", "a"), ("MEMORY", "USAGE", "a", "SAMPLES", "0"), ("MEMORY", "USAGE", "a", "SAMPLES", "-1"),
    ("MEMORY", "USAGE", "a", "SAMPLES"), ("MEMORY", "USAGE"), ("MEMORY", "USAGE", "a", "NOSUCH", "1"), ("MEMORY",),
    ("MEMORY", "NOSUCH"), ("MEMORY", "STATS", "x")], ids=" ".join)
def test_memory_answers_in_the_oracles_form(both, command):
    def act(client):
        client.call("SET", "a", "1")
        return client.call(*command)

    hearth, oracle = on_both(both, act)
    assert hearth == oracle if isinstance(oracle, Error) else form(hearth) == form(oracle)


@pytest.mark.jemalloc
def test_the_allocator_reports_in_its_own_words(both):
    for report in on_both(both, lambda client: text_of(client.call("MEMORY", "MALLOC-STATS"))):
        assert report.startswith("___ Begin jemalloc statistics ___")


# ---- DEBUG

DEBUG = [
    "AOF-FLUSH-SLEEP 0", "AOF-FLUSH-SLEEP x", "AOF-FLUSH-SLEEP", "QUICKLIST-PACKED-THRESHOLD 100",
    "QUICKLIST-PACKED-THRESHOLD 100b", "QUICKLIST-PACKED-THRESHOLD 0", "QUICKLIST-PACKED-THRESHOLD 5gb",
    "QUICKLIST-PACKED-THRESHOLD x", "SET-SKIP-CHECKSUM-VALIDATION 1", "SET-SKIP-CHECKSUM-VALIDATION 0",
    "SET-SKIP-CHECKSUM-VALIDATION", "PAUSE-CRON 0", "PAUSE-CRON", "REPLYBUFFER PEAK-RESET-TIME NEVER",
    "REPLYBUFFER PEAK-RESET-TIME RESET", "REPLYBUFFER PEAK-RESET-TIME 100", "REPLYBUFFER PEAK-RESET-TIME x",
    "REPLYBUFFER RESIZING 1", "REPLYBUFFER RESIZING", "REPLYBUFFER NOSUCH 1", "DROP-CLUSTER-PACKET-FILTER 1",
    "DROP-CLUSTER-PACKET-FILTER", "CLUSTERLINK KILL to abc", "CLUSTERLINK KILL", "SET-DISABLE-DENY-SCRIPTS 1",
    "SET-DISABLE-DENY-SCRIPTS 0", "CLIENT-EVICTION", "MALLCTL nosuch", "MALLCTL-STR opt.nosuch",
    pytest.param("MALLCTL-STR opt.dss", marks=pytest.mark.jemalloc),
    "MALLCTL", "LOG hello", "NOSUCH", "OBJECT nosuch", "HTSTATS-KEY nosuch", "LISTPACK nosuch", "DIGEST",
    "DIGEST-VALUE nosuch", "HTSTATS 99", "SLEEP 0", "ERROR x", "LEAK some text", "LEAK", "RELOAD x",
    "SET-ACTIVE-EXPIRE 1",
    pytest.param("LEAK text", marks=pytest.mark.skipif("HEARTH_SANITIZER" in os.environ, reason="they report what leaks")),
]


@pytest.mark.parametrize("line", DEBUG)
def test_debug_replies_as_the_oracle_does(both, line):
    hearth, oracle = on_both(both, lambda client: client.call("DEBUG", *line.split(" ")))
    assert hearth == oracle


def test_the_threshold_of_large_list_elements_is_followed(each):
    with each.client() as client:
        assert client.call("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "10b") == OK
        client.call("RPUSH", "list", *["x" * 5] * 2000, "y" * 20, "z")
        assert client.call("LRANGE", "list", -2, -1) == [b"y" * 20, b"z"]
        assert client.call("DEBUG", "RELOAD") == OK
        assert client.call("LRANGE", "list", -2, -1) == [b"y" * 20, b"z"]
        assert client.call("DEBUG", "QUICKLIST-PACKED-THRESHOLD", "0") == OK


def test_checksums_can_be_skipped(each):
    with each.client() as client:
        client.call("SET", "a", "some text")
        payload = client.call("DUMP", "a")
        broken = payload[:-1] + bytes([payload[-1] ^ 1])
        refused = client.call("RESTORE", "b", 0, broken)
        assert isinstance(refused, Error) and refused.value.startswith(b"ERR DUMP payload version or checksum")
        assert client.call("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 1) == OK
        assert client.call("RESTORE", "b", 0, broken) == OK
        assert client.call("GET", "b") == b"some text"
        assert client.call("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 0) == OK
        assert isinstance(client.call("RESTORE", "c", 0, broken), Error)


def test_an_error_that_debug_replies_is_not_counted(both):
    def act(client):
        client.call("CONFIG", "RESETSTAT")
        return client.call("DEBUG", "ERROR", "CODE text"), info_fields(client.call("INFO", "errorstats"))

    hearth, oracle = on_both(both, act)
    assert hearth == oracle


def test_config_resetstat_resets_the_same_fields(both):
    fields = ["total_connections_received", "expired_keys", "keyspace_hits", "keyspace_misses", "total_error_replies",
              "evicted_keys", "rejected_connections", "unexpected_error_replies", "total_eviction_exceeded_time"]

    def act(client):
        client.pipeline([("SET", "a", "1"), ("GET", "a"), ("GET", "b"), ("LPUSH", "a", "x"), ("NOSUCH",)])
        client.call("CONFIG", "RESETSTAT")
        shown = info_fields(client.call("INFO", "everything"))
        counted = sorted(name for name in shown if name.startswith(("cmdstat_", "errorstat_", "latency_percentiles")))
        return {name: shown[name] for name in fields}, counted, shown["total_forks"]

    hearth, oracle = on_both(both, act)
    assert hearth == oracle


def test_config_rewrite_writes_every_directive_when_told(start):
    hearth = start("hearth", *ALLOWED, config="maxmemory 100mb\n")
    with hearth.client() as client:
        assert client.call("DEBUG", "CONFIG-REWRITE-FORCE-ALL") == OK
        text = (hearth.folder / "server.conf").read_text()
        for line in ("maxmemory 100mb", "hz 10", "appendfsync everysec", "latency-monitor-threshold 0"):
            assert re.search(rf"^{line}$", text, re.M), line


def test_log_lines_go_to_the_log(each):
    with each.client() as client:
        assert client.call("DEBUG", "LOG", "hello from a test") == OK
        wait_for(lambda: "DEBUG LOG: hello from a test" in each.log(), 10, "the line in the log")
        assert isinstance(client.call("DEBUG", "DIGEST"), Simple)
