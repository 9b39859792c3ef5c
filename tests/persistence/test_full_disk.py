"""A disk that is full (a small file system in memory): clear errors, no damaged file, and service again once there is
room."""

import os
import pathlib

import pytest

from support.info import info_fields
from support.resp import ConnectionClosed, Error, OK
from support.server import wait_for
from support.small_disk import mounted

DISK_BYTES = 16 << 20
VALUE = "v" * 1000


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own, with little room."""
    with mounted(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


def persistence(client):
    return info_fields(client.call("INFO", "persistence"))


def take_all_room_but(folder, left_bytes):
    """Fills the disk up; gives what to remove to make room again."""
    ballast = pathlib.Path(folder) / "ballast"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    ballast.write_bytes(b"\0" * max(free - left_bytes, 0))
    return ballast


def fill(client, first, count):
    return client.pipeline([["SET", f"k{i}", f"{i}{VALUE}"] for i in range(first, first + count)], timeout=60)


def assert_holds(client, count):
    values = client.pipeline([["GET", f"k{i}"] for i in range(count)], timeout=60)
    assert values == [f"{i}{VALUE}".encode() for i in range(count)]


def test_a_snapshot_that_does_not_fit_leaves_the_old_file_and_refuses_writes(start, small_disk):
    server = start("hearth", "--save", "3600 1000000", "--dir", small_disk, "--rdbcompression", "no")
    with server.client() as client:
        fill(client, 0, 1000)
        assert client.call("SAVE") == OK
        fill(client, 1000, 4000)
        ballast = take_all_room_but(small_disk, 1 << 20)
        client.call("BGSAVE")
        wait_for(lambda: persistence(client)["rdb_bgsave_in_progress"] == "0", 30)
        assert persistence(client)["rdb_last_bgsave_status"] == "err"
        assert client.call("SET", "refused", "1").value.startswith(b"MISCONF")
        assert "No space left on device" in server.log()
        assert not list(small_disk.glob("temp-*"))
        ballast.unlink()
        assert client.call("SAVE") == OK
        assert client.call("SET", "taken", "1") == OK
        assert client.call("DEL", "taken") == 1
        assert client.call("SAVE") == OK
    server.kill()
    server.restart()
    with server.client() as client:
        assert client.call("DBSIZE") == 5000
        assert_holds(client, 5000)


def test_the_old_snapshot_loads_after_one_that_did_not_fit(start, small_disk):
    server = start("hearth", "--save", "3600 1000000", "--dir", small_disk, "--rdbcompression", "no")
    with server.client() as client:
        fill(client, 0, 1000)
        assert client.call("SAVE") == OK
        fill(client, 1000, 1000)
        take_all_room_but(small_disk, 100_000)
        assert isinstance(client.call("SAVE"), Error)
    server.kill()
    server.restart()
    with server.client() as client:
        assert client.call("DBSIZE") == 1000
        assert_holds(client, 1000)


def test_the_append_only_file_goes_on_where_it_stopped(start, small_disk):
    server = start("hearth", "--appendonly", "yes", "--appendfsync", "everysec", "--dir", small_disk)
    with server.client() as client:
        fill(client, 0, 100)
        ballast = take_all_room_but(small_disk, 300_000)
        taken = 100

        def is_refused():
            nonlocal taken
            replies = fill(client, taken, 50)
            taken += sum(1 for reply in replies if reply == OK)
            return any(isinstance(reply, Error) for reply in replies)

        wait_for(is_refused, 30, "a refusal")
        assert client.call("SET", "refused", "1").value == (
            b"MISCONF Errors writing to the AOF file: No space left on device")
        assert persistence(client)["aof_last_write_status"] == "err"
        assert client.call("GET", "k0") == f"0{VALUE}".encode()
        ballast.unlink()
        wait_for(lambda: client.call("SET", "k0", f"0{VALUE}") == OK, 30, "the recovery")
        assert persistence(client)["aof_last_write_status"] == "ok"
        assert set(fill(client, taken, 100)) == {OK}
        assert client.call("WAITAOF", 1, 0, 30000, timeout=40) == [1, 0]
    server.kill()
    server.restart()
    with server.client() as client:
        assert client.call("DBSIZE") == taken + 100
        assert_holds(client, taken + 100)


def test_with_fsync_always_it_ends_rather_than_promise_what_it_cannot_keep(start, small_disk):
    server = start("hearth", "--appendonly", "yes", "--appendfsync", "always", "--dir", small_disk)
    acknowledged = 0
    with server.client() as client:
        fill(client, 0, 100)
        acknowledged = 100
        ballast = take_all_room_but(small_disk, 300_000)
        with pytest.raises(ConnectionClosed):
            while True:
                assert client.call("SET", f"k{acknowledged}", f"{acknowledged}{VALUE}") == OK
                acknowledged += 1
    assert server.wait_for_exit() == 1
    assert "Can't recover from AOF write error" in server.log()
    ballast.unlink()
    server.restart()
    with server.client() as client:
        assert_holds(client, acknowledged)


def test_a_rewrite_that_does_not_fit_leaves_the_old_files(start, small_disk):
    server = start("hearth", "--appendonly", "yes", "--appendfsync", "everysec", "--dir", small_disk,
                   "--rdbcompression", "no")
    with server.client() as client:
        fill(client, 0, 5000)
        assert client.call("WAITAOF", 1, 0, 10000, timeout=20) == [1, 0]
        ballast = take_all_room_but(small_disk, 2 << 20)
        client.call("BGREWRITEAOF")
        wait_for(lambda: persistence(client)["aof_rewrite_in_progress"] == "0", 30)
        assert persistence(client)["aof_last_bgrewrite_status"] == "err"
        fill(client, 5000, 100)
        assert client.call("WAITAOF", 1, 0, 10000, timeout=20) == [1, 0]
        ballast.unlink()
    server.kill()
    server.restart()
    with server.client() as client:
        assert_holds(client, 5100)
