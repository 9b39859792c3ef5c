"""INFO: the oracle's sections and fields are there, in a form that tools can read."""

import pathlib
import re
import sys

import pytest

from support.info import info_fields, info_sections, text_of
from support.resp import Verbatim

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
from supported import is_supported  # noqa: E402

# Fields that only make sense in the oracle's build or process model, each with its reason.
NOT_EXPECTED = {
    "redis_git_sha1": "a build fact of the oracle", "redis_git_dirty": "a build fact of the oracle",
}
# Fields that come with a command which spec/commands may mark as missing.
COMES_WITH = {
    (b"EVAL",): r"used_memory_(lua|vm|scripts|functions).*|number_of_(cached_scripts|functions|libraries)",
    (b"SAVE",): r"(current_(cow|fork|save)|rdb_).*",
    (b"BGREWRITEAOF",): r"aof_.*",
    (b"MODULE",): r"module_.*",
    (b"MIGRATE",): r"migrate_cached_sockets",
    (b"RESTORE",): r"dump_payload_sanitizations",
    (b"CLIENT", b"TRACKING"): r"tracking_total_.*",
    (b"LATENCY", b"HISTOGRAM"): r"latency_percentiles_.*",
}
MISSING = [form for words, form in COMES_WITH.items() if not is_supported(words)]
HAS_LATENCY_STATS = is_supported((b"LATENCY", b"HISTOGRAM"))


def is_expected(field):
    return field not in NOT_EXPECTED and not any(re.fullmatch(form, field) for form in MISSING)


def expected_sections(names):
    """The oracle's sections without the one that comes with LATENCY HISTOGRAM."""
    return [name for name in names if name != "Latencystats" or HAS_LATENCY_STATS]


NUMBERS = [
    "process_id", "tcp_port", "uptime_in_seconds", "uptime_in_days", "hz", "connected_clients",
           "blocked_clients", "maxclients",
    "used_memory", "used_memory_rss", "used_memory_peak", "maxmemory", "total_connections_received",
           "total_commands_processed",
    "instantaneous_ops_per_sec", "total_net_input_bytes", "total_net_output_bytes", "rejected_connections",
           "expired_keys",
    "evicted_keys", "keyspace_hits", "keyspace_misses", "pubsub_channels", "pubsub_patterns",
           "connected_slaves",
    "master_repl_offset", "repl_backlog_size", "loading", "rdb_changes_since_last_save", "rdb_last_save_time",
           "aof_enabled",
]
SECTIONS = ["server", "clients", "memory", "persistence", "stats", "replication", "cpu", "errorstats",
            "cluster", "keyspace",
            "commandstats", "latencystats"]


@pytest.fixture(scope="module")
def pair():
    from support.server import Server

    with Server("hearth") as hearth, Server("oracle") as oracle:
        for server in (hearth, oracle):
            with server.client() as client:
                client.pipeline([("SET", "a", "1"), ("SET", "b", "2", "EX", "1000"), ("GET", "a"),
                                 ("NOSUCH",), ("LPUSH", "a", "x")])
        yield hearth, oracle


def info(server, *sections):
    with server.client() as client:
        return client.call("INFO", *sections)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_has_the_oracles_fields(pair, section):
    hearth, oracle = (info_sections(info(server, section)) for server in pair)
    assert list(hearth) == expected_sections(oracle)
    for name, fields in oracle.items():
        if name in ("Commandstats", "Latencystats"):
            continue  # The oracle's commands come in the order of its hash table.
        both_have = set(fields) & set(hearth.get(name, []))
        assert [f for f in hearth.get(name, []) if f in both_have] == [f for f in fields if f in both_have]
    if not hearth:
        pytest.skip("spec/commands marks LATENCY HISTOGRAM as missing")
    for name, fields in oracle.items():
        missing = [f for f in fields if f not in hearth.get(name, []) and is_expected(f)]
        assert missing == [], f"section {name}"


@pytest.mark.parametrize("arguments", [(), ("default",), ("all",), ("everything",), ("server", "clients"),
                                       ("nosuch",), ("CPU",),
                                       ("keyspace", "nosuch", "keyspace")])
def test_the_same_sections_come_in_the_same_order(pair, arguments):
    hearth, oracle = (list(info_sections(info(server, *arguments))) for server in pair)
    assert hearth == expected_sections(oracle)


def test_numbers_are_numbers(pair):
    fields = info_fields(info(pair[0]))
    assert [name for name in NUMBERS
            if is_expected(name) and not re.fullmatch(r"-?\d+", fields.get(name, "missing"))] == []


def test_values_have_the_oracles_form(pair):
    hearth, oracle = (info_fields(info(server, "everything")) for server in pair)
    forms = {"redis_version": r"7\.\d+\.\d+", "run_id": r"[0-9a-f]{40}", "master_replid": r"[0-9a-f]{40}",
             "role": "master",
             "redis_mode": "standalone", "used_memory_human": r"[\d.]+[BKMG]",
             "db0": r"keys=2,expires=1,avg_ttl=\d+(,subexpiry=0)?",
             "cmdstat_set": r"calls=2,usec=\d+,usec_per_call=[\d.]+,rejected_calls=0,failed_calls=0",
             "cmdstat_lpush": r"calls=1,usec=\d+,usec_per_call=[\d.]+,rejected_calls=0,failed_calls=1",
             "errorstat_ERR": r"count=\d+", "errorstat_WRONGTYPE": r"count=1", "used_cpu_sys": r"\d+\.\d{6}",
             "arch_bits": "64",
             "latency_percentiles_usec_set": r"p50=[\d.]+,p99=[\d.]+,p99.9=[\d.]+", "cluster_enabled": "0"}
    for name, form in forms.items():
        assert re.fullmatch(form, oracle[name]), name
        if is_expected(name):
            assert re.fullmatch(form, hearth.get(name, "missing")), name


def test_memory_is_plausible(each):
    with each.client() as client:
        before = int(info_fields(client.call("INFO", "memory"))["used_memory"])
        client.pipeline([("SET", f"key{i}", b"v" * 10000) for i in range(1000)])
        after = int(info_fields(client.call("INFO", "memory"))["used_memory"])
        assert 9_000_000 < after - before < 20_000_000
        client.call("FLUSHALL")


def test_resp3_gives_verbatim_text(each):
    with each.client() as client:
        client.call("HELLO", "3")
        reply = client.call("INFO", "server")
        assert isinstance(reply, Verbatim) and reply.value[0] == b"txt"
        assert text_of(reply).startswith("# Server\r\n")


def test_the_keyspace_is_counted_by_database(both):
    shown = []
    for server in both:
        with server.client() as client:
            client.pipeline([("SET", "a", "1"), ("SELECT", 3), ("SET", "b", "1"),
                             ("SET", "c", "1", "EX", "1000"), ("SELECT", 5),
                             ("SET", "d", "1"), ("DEL", "d")])
            fields = info_fields(client.call("INFO", "keyspace"))
            shown.append({name: value.split(",avg_ttl")[0] for name, value in fields.items()})
    assert shown[0] == shown[1] == {"db0": "keys=1,expires=0", "db3": "keys=2,expires=1"}


def test_figures_of_the_loop_are_shown_when_asked_for(start):
    server = start("hearth", "--appendonly", "yes")
    fields = ["eventloop_duration_aof_sum", "eventloop_duration_cron_sum", "eventloop_duration_max",
              "eventloop_cmd_per_cycle_max"]
    with server.client() as client:
        client.pipeline([("SET", f"key:{i}", i) for i in range(200)])
        shown = info_fields(client.call("INFO", "debug"))
        assert list(shown) == fields and all(re.fullmatch(r"\d+", value) for value in shown.values())
        assert int(shown["eventloop_cmd_per_cycle_max"]) > 1
        assert int(shown["eventloop_duration_max"]) > 0
        assert "eventloop_duration_max" not in info_fields(client.call("INFO", "everything"))
        client.call("CONFIG", "RESETSTAT")
        after = info_fields(client.call("INFO", "debug"))
        assert int(after["eventloop_cmd_per_cycle_max"]) < int(shown["eventloop_cmd_per_cycle_max"])
