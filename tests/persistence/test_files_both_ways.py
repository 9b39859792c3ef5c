"""Files of the real server are loaded by Hearth and the reverse, whatever they hold."""

import shutil

import pytest

from differential import dataset
from persistence.filling import fill
from support.resp import OK
from support.server import wait_for

DEBUG = ("--enable-debug-command", "local")
BACK_AND_FORTH = [("hearth", "oracle"), ("oracle", "hearth"), ("hearth", "hearth")]


def assert_same(one, other):
    """Fails with the first key of which something differs, be it the digest. A key may run out between the reading of
    one server and the other: what differs is read once more."""
    with one.client() as left, other.client() as right:
        difference = (dataset.compare(left, right, encodings=False)
                      and dataset.compare(left, right, encodings=False))
        assert difference is None, difference


def take_over(start, role, writer, names, *arguments):
    """A server on copies of what `writer` has left on disk."""
    reader = start(role, *arguments, wait=False)
    reader.kill()
    for name in names:
        source = writer.folder / name
        if source.is_dir():
            shutil.copytree(source, reader.folder / name, dirs_exist_ok=True)
        else:
            shutil.copy(source, reader.folder / name)
    reader.restart()
    return reader


@pytest.mark.parametrize("compression", ["yes", "no"])
@pytest.mark.parametrize("writer_role, reader_role", BACK_AND_FORTH)
def test_a_snapshot_is_loaded_by_the_other(start, seed, writer_role, reader_role, compression):
    writer = start(writer_role, "--rdbcompression", compression, *DEBUG)
    with writer.client() as client:
        fill(client, seed)
        assert client.call("SAVE") == OK
    reader = take_over(start, reader_role, writer, ["dump.rdb"], *DEBUG)
    assert_same(writer, reader)


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("writer_role, reader_role", BACK_AND_FORTH)
def test_an_append_only_file_is_loaded_by_the_other(start, seed, writer_role, reader_role, preamble):
    options = ["--appendonly", "yes", "--appendfsync", "always", "--aof-use-rdb-preamble", preamble, *DEBUG]
    writer = start(writer_role, *options)
    with writer.client() as client:
        fill(client, seed, large=False)
        client.call("BGREWRITEAOF")
        fill(client, seed + 1)
        wait_for(lambda: b"aof_rewrite_in_progress:0" in client.call("INFO", "persistence")
                 and b"aof_rewrite_scheduled:0" in client.call("INFO", "persistence"), 30)
        fill(client, seed + 2, large=False)
    reader = take_over(start, reader_role, writer, ["appendonlydir"], *options)
    assert_same(writer, reader)


def test_the_incremental_file_is_byte_for_byte_that_of_the_real_server(start):
    files = []
    for role in ("hearth", "oracle"):
        server = start(role, "--appendonly", "yes", "--appendfsync", "always")
        with server.client() as client:
            for command in (["SET", "a", "1"], ["SELECT", "3"], ["SET", "b", "2", "PXAT", "4000000000000"],
                            ["INCR", "n"], ["MULTI"], ["SET", "c", "3"], ["RPUSH", "l", "1", "2"], ["EXEC"],
                            ["MULTI"], ["SET", "d", "4"], ["EXEC"], ["GET", "a"], ["DEL", "nothing"],
                            ["INCRBYFLOAT", "f", "1.5"], ["SELECT", "0"], ["LPOP", "none"], ["DEL", "a"]):
                client.call(*command)
        files.append((server.folder / "appendonlydir" / "appendonly.aof.1.incr.aof").read_bytes())
    assert files[0] == files[1]


def test_an_old_single_file_becomes_the_base(start, seed):
    """What Redis before 7 wrote: one file in `dir`, with or without a preamble."""
    writer = start("hearth", "--appendonly", "yes", "--appendfsync", "always", "--aof-use-rdb-preamble", "no", *DEBUG)
    with writer.client() as client:
        fill(client, seed, large=False)
    reader = start("hearth", "--appendonly", "yes", *DEBUG, wait=False)
    reader.kill()
    shutil.rmtree(reader.folder / "appendonlydir", ignore_errors=True)
    shutil.copy(writer.folder / "appendonlydir" / "appendonly.aof.1.incr.aof", reader.folder / "appendonly.aof")
    reader.restart()
    assert_same(writer, reader)
    assert not (reader.folder / "appendonly.aof").exists()


@pytest.mark.parametrize("writer_role, reader_role", BACK_AND_FORTH)
def test_a_stream_whose_entries_are_all_deleted_is_loaded_by_the_other(start, writer_role, reader_role):
    writer = start(writer_role, *DEBUG)
    with writer.client() as client:
        for number in range(1, 4):
            client.call("XADD", "x", f"{number}-1", "field", "value")
        # The real server keeps a block of nothing but deleted entries then.
        assert client.call("XDEL", "x", "3-1") == 1
        assert client.call("XTRIM", "x", "MINID", "=", 3) == 2
        assert client.call("SAVE") == OK
    reader = take_over(start, reader_role, writer, ["dump.rdb"], *DEBUG)
    assert_same(writer, reader)
    with writer.client() as one, reader.client() as other:
        for client in (one, other):
            assert client.call("XADD", "x", "9-1", "field", "value") == b"9-1"
            assert client.call("XRANGE", "x", "-", "+") == [[b"9-1", [b"field", b"value"]]]
