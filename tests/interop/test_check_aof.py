"""hearth-check-aof over files that a real server wrote, and what it makes of them given back to that server."""

import os
import pathlib
import subprocess
import time

import pytest
import redis

from support.server import hearth_binary, wait_for


def check(path, *options, answer=""):
    binary = os.environ.get("HEARTH_CHECK_AOF", str(pathlib.Path(hearth_binary()).parent / "hearth-check-aof"))
    return subprocess.run([binary, *options, str(path)], capture_output=True, text=True, timeout=60, input=answer)


@pytest.fixture
def written(start):
    """The manifest and the last incremental file of a server that has rewritten its AOF once."""
    server = start("oracle", "--appendonly", "yes", "--aof-timestamp-enabled", "yes", "--appendfsync", "always")
    client = redis.Redis(unix_socket_path=server.address, socket_timeout=10)
    for number in range(200):
        client.set(f"key:{number}", number)
    client.bgrewriteaof()
    wait_for(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0, what="the rewrite")
    # An annotation goes before the first command of each second.
    begun = int(time.time())
    wait_for(lambda: int(time.time()) > begun, what="the next second")
    client.rpush("list", "a", "b")
    pipeline = client.pipeline(transaction=True)
    pipeline.set("in", "transaction").incr("counter")
    pipeline.execute()
    server.stop(keep_folder=True)
    folder = pathlib.Path(server.folder) / "appendonlydir"
    return folder / "appendonly.aof.manifest", folder / "appendonly.aof.2.incr.aof"


def test_sound_files_pass(written):
    manifest, increment = written
    result = check(manifest)
    assert result.returncode == 0, result.stderr
    assert "200 keys" in result.stdout
    assert result.stdout.endswith("All AOF files and manifest are valid\n")
    assert check(increment).returncode == 0


def test_a_torn_end_is_found_and_cut_off(written):
    manifest, increment = written
    whole = increment.read_bytes()
    transaction = whole.index(b"*1\r\n$5\r\nMULTI")
    increment.write_bytes(whole[:-5])
    result = check(manifest)
    assert result.returncode == 1
    assert f"ok_up_to={transaction}," in result.stdout
    assert "not valid" in result.stderr
    assert check(manifest, "--fix", answer="n\n").returncode == 1
    assert increment.read_bytes() == whole[:-5]
    assert check(manifest, "--fix", answer="y\n").returncode == 0
    assert increment.read_bytes() == whole[:transaction]
    assert check(manifest).returncode == 0


def test_what_is_cut_loads(written, start):
    manifest, increment = written
    with increment.open("ab") as file:
        file.write(b"*2\r\n$3\r\nDEL\r\n$5\r\nkey:1\r\nnonsense")
    result = check(manifest)
    assert "Expected '*', found 'n', at byte" in result.stdout
    assert check(manifest, "--fix", "--yes").returncode == 0
    server = start("oracle", "--appendonly", "yes", "--aof-load-truncated", "no", folder=manifest.parent.parent)
    client = redis.Redis(unix_socket_path=server.address, socket_timeout=10)
    assert client.dbsize() == 202
    assert client.get("in") == b"transaction"


def test_only_the_last_file_may_be_cut(written):
    manifest, increment = written
    manifest.write_text(manifest.read_text() + "file appendonly.aof.3.incr.aof seq 3 type i\n")
    (manifest.parent / "appendonly.aof.3.incr.aof").write_bytes(b"*1\r\n$4\r\nPING\r\n")
    with increment.open("ab") as file:
        file.write(b"*1\r\n")
    result = check(manifest, "--fix", "--yes")
    assert result.returncode == 1
    assert "not the last file" in result.stderr


def test_cuts_to_a_time(written):
    _, increment = written
    whole = increment.read_bytes()
    assert whole.startswith(b"#TS:")
    now = int(whole[4 : whole.index(b"\r\n")])
    later = b"#TS:%d\r\n*1\r\n$8\r\nFLUSHALL\r\n" % (now + 1000)
    increment.write_bytes(whole + later)
    assert "Truncate nothing" in check(increment, "--truncate-to-timestamp", str(now + 1000)).stdout
    assert check(increment, "--truncate-to-timestamp", str(now + 999)).returncode == 0
    assert increment.read_bytes() == whole
    assert "has nothing before" in check(increment, "--truncate-to-timestamp", "5").stderr


def test_what_is_no_aof_is_an_error(tmp_path):
    assert check(tmp_path / "nothing").returncode == 1
    (tmp_path / "text").write_text("hello, this is text")
    assert "Expected '*', found 'h', at byte 0" in check(tmp_path / "text").stdout
    (tmp_path / "m").write_text("file a/b seq 1 type i\n")
    assert "File can't be a path, just a filename, at line 1" in check(tmp_path / "m").stderr
