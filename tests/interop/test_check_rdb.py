"""hearth-check-rdb over files that a real server saved."""

import os
import pathlib
import random
import re
import subprocess

import pytest
import redis

from support.rdb_values import FILLS
from support.server import hearth_binary


def check(path, *options):
    binary = os.environ.get("HEARTH_CHECK_RDB", str(pathlib.Path(hearth_binary()).parent / "hearth-check-rdb"))
    return subprocess.run([binary, *options, str(path)], capture_output=True, text=True, timeout=60)


@pytest.fixture
def saved(start, seed):
    """The path of a file with keys of every kind."""
    random.seed(seed)
    server = start("oracle")
    source = redis.Redis(unix_socket_path=server.address, socket_timeout=10)
    for fill in FILLS:
        fill(source)
    source.pexpire("set:small", 10**8)
    source.execute_command("FUNCTION", "LOAD",
                           "#!lua name=lib\nredis.register_function('f', function() return 1 end)")
    source.save()
    return pathlib.Path(server.folder) / "dump.rdb", source.dbsize()


def test_a_sound_file_passes(saved):
    path, keys = saved
    result = check(path, "--stats")
    assert result.returncode == 0, result.stderr
    assert f"[info] {keys} keys read\n" in result.stdout
    assert "[info] 1 expires\n" in result.stdout
    assert "checksum right" in result.stdout
    assert "function libraries: 1\n" in result.stdout
    for kind in ("string", "list", "set", "zset", "hash", "stream"):
        assert re.search(rf"^{kind} ", result.stdout, re.MULTILINE)


def test_a_broken_file_is_told_by_the_place(saved, tmp_path):
    path, _ = saved
    whole = path.read_bytes()
    for size in (5, 9, 100, len(whole) // 2, len(whole) - 1):
        broken = tmp_path / "cut.rdb"
        broken.write_bytes(whole[:size])
        result = check(broken, "--quiet")
        assert result.returncode == 1
        place = re.match(rf"{re.escape(str(broken))}: at byte (\d+): ", result.stderr)
        assert place and int(place[1]) <= size, result.stderr
    flipped = bytearray(whole)
    flipped[len(whole) - 4] ^= 1
    (tmp_path / "flipped.rdb").write_bytes(flipped)
    assert "the checksum is" in check(tmp_path / "flipped.rdb").stderr
    assert check(tmp_path / "flipped.rdb", "--no-checksum").returncode == 0


def test_what_is_no_file_is_an_error(tmp_path):
    assert check(tmp_path / "nothing").returncode == 1
    (tmp_path / "text").write_text("hello, this is text")
    assert "this is no RDB file" in check(tmp_path / "text").stderr
