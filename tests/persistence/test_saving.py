"""Saving and rewriting while the server goes on: states, replies, restarts, and no process but the one."""

import os
import pathlib
import subprocess
import time

import pytest

from differential import dataset
from persistence.filling import fill
from support.info import info_fields
from support.resp import Error, OK, Simple
from support.server import Server, wait_for


def persistence(client):
    return info_fields(client.call("INFO", "persistence"))


def wait_for_save(client):
    wait_for(lambda: persistence(client)["rdb_bgsave_in_progress"] == "0", 30, "the end of the save")


def wait_for_rewrite(client):
    wait_for(lambda: persistence(client)["aof_rewrite_in_progress"] == "0", 30, "the end of the rewrite")


def snapshot_of(server):
    """Everything in it, in a form to compare."""
    with server.client() as client:
        found = {}
        for database in range(3):
            client.call("SELECT", database)
            found[database] = dataset.snapshot(client, sorted(dataset.keys(client)))
        return found


def test_a_background_save_leaves_the_file_and_tells_of_it(start, seed):
    server = start("hearth")
    with server.client() as client:
        fill(client, seed)
        assert client.call("BGSAVE") == Simple(b"Background saving started")
        wait_for_save(client)
        info = persistence(client)
        assert info["rdb_last_bgsave_status"] == "ok"
        assert info["rdb_changes_since_last_save"] == "0"
        assert abs(int(info["rdb_last_save_time"]) - time.time()) < 60
        assert client.call("LASTSAVE") == int(info["rdb_last_save_time"])
    assert (server.folder / "dump.rdb").stat().st_size > 1000
    assert not list(server.folder.glob("temp-*"))


def test_a_restart_brings_everything_back(start, seed):
    server = start("hearth")
    with server.client() as client:
        fill(client, seed)
        client.call("SAVE")
    before = snapshot_of(server)
    server.kill()
    server.restart()
    assert snapshot_of(server).keys() == before.keys()
    assert all(len(snapshot_of(server)[d]) == len(before[d]) for d in before)


def test_what_is_written_during_a_save_is_not_in_the_file(start):
    server = start("hearth")
    with server.client() as client:
        for first in range(0, 60000, 1000):
            client.pipeline([["SET", f"k{i}", "before" * 20] for i in range(first, first + 1000)])
        client.call("BGSAVE")
        client.pipeline([["SET", f"k{i}", "after"] for i in range(60000)])
        client.call("SET", "new", "1")
        wait_for_save(client)
    server.kill()
    server.restart()
    with server.client() as client:
        assert client.call("DBSIZE") == 60000
        assert set(client.pipeline([["GET", f"k{i}"] for i in range(0, 60000, 7)])) == {b"before" * 20}


@pytest.mark.parametrize("policy", ["save", "shutdown"])
def test_a_configured_save_point_saves_at_the_end(start, policy):
    server = start("hearth", "--save", "3600 1")
    with server.client() as client:
        client.call("SET", "a", "1")
    server.signal(15)
    server.wait_for_exit()
    assert "DB saved on disk" in server.log()
    server.restart()
    with server.client() as client:
        assert client.call("GET", "a") == b"1"


def test_a_save_point_saves_by_itself(start):
    server = start("hearth", "--save", "1 3")
    with server.client() as client:
        client.pipeline([["SET", f"k{i}", "v"] for i in range(5)])
        wait_for(lambda: persistence(client)["rdb_changes_since_last_save"] == "0", 20, "a save")
    assert (server.folder / "dump.rdb").exists()


def test_flushall_empties_the_file_too(start):
    server = start("hearth", "--save", "3600 1")
    with server.client() as client:
        client.call("SET", "a", "1")
        client.call("SAVE")
        client.call("FLUSHALL")
    server.kill()
    server.restart()
    with server.client() as client:
        assert client.call("DBSIZE") == 0


def test_a_save_that_cannot_be_written_refuses_writes(start):
    server = start("hearth", "--save", "3600 100000")
    with server.client() as client:
        client.call("SET", "a", "1")
        (server.folder / "dump.rdb").mkdir()  # nothing can take that name
        assert isinstance(client.call("SAVE"), Error)
        assert client.call("SET", "a", "2").value.startswith(b"MISCONF Redis is configured to save RDB")
        assert client.call("GET", "a") == b"1"
        assert isinstance(client.call("PING"), Error)
        assert persistence(client)["rdb_last_bgsave_status"] == "err"
        (server.folder / "dump.rdb").rmdir()
        assert client.call("SAVE") == OK
        assert client.call("SET", "a", "2") == OK


def test_a_damaged_file_stops_the_start(start):
    server = start("hearth")
    with server.client() as client:
        client.pipeline([["SET", f"k{i}", "v" * 50] for i in range(100)])
        client.call("SAVE")
    server.kill()
    path = server.folder / "dump.rdb"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)
    with pytest.raises(AssertionError, match="ended with 1"):
        server.restart()
    assert "Fatal error loading the DB" in server.log()
    assert path.exists()


def test_the_append_only_file_can_be_turned_on_and_off(start, seed):
    server = start("hearth", "--appendfsync", "always")
    with server.client() as client:
        fill(client, seed, count=600, large=False)
        assert client.call("CONFIG", "SET", "appendonly", "yes") == OK
        client.call("SET", "while", "rewriting")
        wait_for_rewrite(client)
        client.call("SET", "after", "it")
    before = snapshot_of(server)
    server.kill()
    server.command += ["--appendonly", "yes"]
    server.restart()
    after = snapshot_of(server)
    assert {d: sorted(after[d]) for d in after} == {d: sorted(before[d]) for d in before}
    with server.client() as client:
        assert client.call("GET", "while") == b"rewriting"
        assert client.call("CONFIG", "SET", "appendonly", "no") == OK
        assert persistence(client)["aof_enabled"] == "0"


def test_a_rewrite_under_writes_loses_nothing(start):
    server = start("hearth", "--appendonly", "yes", "--appendfsync", "always")
    with server.client() as client:
        for round_number in range(4):
            client.pipeline([["INCR", f"n{i}"] for i in range(3000)])
            client.call("BGREWRITEAOF")
            client.pipeline([["INCR", f"n{i}"] for i in range(3000)])
            wait_for_rewrite(client)
    folder = server.folder / "appendonlydir"
    wait_for(lambda: len(list(folder.iterdir())) == 3, 10, "the end of what the rewrites replaced")
    server.kill()
    server.restart()
    with server.client() as client:
        assert set(client.pipeline([["GET", f"n{i}"] for i in range(3000)])) == {b"8"}


def test_a_file_cut_off_in_a_command_is_mended(start):
    server = start("hearth", "--appendonly", "yes", "--appendfsync", "always")
    with server.client() as client:
        client.pipeline([["SET", f"k{i}", "v"] for i in range(100)])
    server.kill()
    path = server.folder / "appendonlydir" / "appendonly.aof.1.incr.aof"
    path.write_bytes(path.read_bytes()[:-7])
    server.restart()
    with server.client() as client:
        assert client.call("DBSIZE") == 99


def test_reload_keeps_the_dataset(start, seed):
    server = start("hearth", "--enable-debug-command", "yes")
    with server.client() as client:
        fill(client, seed)
    before = snapshot_of(server)
    with server.client() as client:
        assert client.call("DEBUG", "RELOAD", timeout=30) == OK
    after = snapshot_of(server)
    for database in before:
        assert sorted(before[database]) == sorted(after[database])
        for key, (content, *_) in before[database].items():
            assert after[database][key][0] == content, key


@pytest.mark.skipif("HEARTH_SANITIZER" in os.environ, reason="sanitizers do not work under ptrace")
def test_nothing_forks(tmp_path):
    """Saves, rewrites and loads under strace: every clone is a thread of the same process."""
    trace = tmp_path / "trace"
    server = Server("hearth", "--appendonly", "yes", wait=False)
    server.kill()
    traced = ["strace", "-f", "-e", "trace=fork,vfork,clone,clone3", "-o", str(trace), *server.command]
    process = subprocess.Popen(traced, cwd=server.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(server.answers, 30, "the server")
        with server.client() as client:
            fill(client, 7, count=300)
            client.call("SAVE", timeout=60)
            client.call("BGSAVE")
            wait_for_save(client)
            client.call("BGREWRITEAOF")
            wait_for_rewrite(client)
            client.call("DEBUG", "RELOAD", timeout=60)
            client.send("SHUTDOWN", "NOSAVE")
        process.wait(30)
    finally:
        process.kill()
        process.wait()
        server.remove_folder()
    calls = [line for line in pathlib.Path(trace).read_text().splitlines() if "clone" in line or "fork" in line]
    assert calls, "strace has seen no thread begin"
    assert [line for line in calls if "CLONE_THREAD" not in line and "resumed" not in line] == []


def test_a_scheduled_save_waits_for_the_rewrite(start):
    server = start("hearth", "--appendonly", "yes", "--enable-debug-command", "yes")
    with server.client() as client:
        client.pipeline([["SET", f"k{i}", "v"] for i in range(1000)])
        client.call("CONFIG", "SET", "rdb-key-save-delay", 2000)
        client.call("BGREWRITEAOF")
        assert client.call("BGSAVE", "SCHEDULE") == Simple(b"Background saving scheduled")
        assert persistence(client)["rdb_bgsave_in_progress"] == "0"
        client.call("CONFIG", "SET", "rdb-key-save-delay", 0)
        wait_for_rewrite(client)
        wait_for(lambda: (server.folder / "dump.rdb").exists(), 30, "the scheduled save")
        wait_for_save(client)
        assert persistence(client)["rdb_last_bgsave_status"] == "ok"


def test_a_save_in_a_transaction_is_made_after_it(each):
    with each.client() as client:
        replies = client.pipeline([["MULTI"], ["SET", "a", "1"], ["BGSAVE"], ["SET", "b", "2"], ["EXEC"]])
        assert replies[-1] == [OK, Simple(b"Background saving scheduled"), OK]
        wait_for(lambda: (each.folder / "dump.rdb").exists(), 30, "the save")
        wait_for_save(client)
    each.kill()
    each.restart()
    with each.client() as client:
        assert client.call("DBSIZE") == 2
