"""A file that a real server saved is the same data here."""

import random
import shutil
import tempfile

import redis

from support.rdb_values import FILLS, contents


def connect(server, database=0):
    return redis.Redis(unix_socket_path=server.address, db=database, socket_timeout=10)


def test_everything_that_was_saved_is_loaded(start, seed):
    random.seed(seed)
    oracle = start("oracle")
    source = connect(oracle)
    for fill in FILLS:
        fill(source)
    source.pexpire("set:small", 10**8)
    source.set("soon", "gone", px=1)
    connect(oracle, 3).set("elsewhere", "v", px=10**8)
    limits = {name: source.config_get(name)[name] for name in ("list-max-listpack-size", "list-compress-depth")}
    source.save()

    folder = tempfile.mkdtemp(prefix="hearth-test-")
    shutil.copy(oracle.folder / "dump.rdb", folder)
    hearth = start("hearth", *[word for name, value in limits.items() for word in (f"--{name}", value)],
                   folder=folder)
    try:
        target = connect(hearth)
        keys = sorted(source.keys())
        assert sorted(target.keys()) == keys
        for key in keys:
            assert contents(target, key) == contents(source, key), key
            assert target.pexpiretime(key) == source.pexpiretime(key), key
        assert target.get("soon") is None
        assert connect(hearth, 3).get("elsewhere") == b"v"
        assert connect(hearth, 3).pttl("elsewhere") > 0
    finally:
        hearth.stop(keep_folder=True)
        shutil.rmtree(folder, ignore_errors=True)
