"""The real redis-benchmark runs its tests against Hearth without an error."""

import csv
import io
import subprocess

import pytest

TESTS = ["ping_inline", "ping_mbulk", "set", "get", "incr", "lpush", "rpush", "lpop", "rpop", "sadd", "hset",
         "spop", "zadd", "zpopmin",
         "lrange_100", "lrange_300", "mset"]
NAMES = {"ping_inline": "PING_INLINE", "ping_mbulk": "PING_MBULK", "lrange_100": "LRANGE_100",
         "lrange_300": "LRANGE_300",
         "mset": "MSET (10 keys)"}
RUN_SECONDS = 60


def benchmark(server, *arguments):
    done = subprocess.run(["redis-benchmark", "-s", server.address, "--csv", *map(str, arguments)],
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=RUN_SECONDS)
    output = done.stdout.decode(errors="replace")
    assert done.returncode == 0 and "rror" not in output, output
    return {row["test"]: float(row["rps"])
            for row in csv.DictReader(io.StringIO(output[output.index('"test"'):]))}


@pytest.mark.parametrize("test", TESTS)
def test_a_default_test_runs(each, test):
    results = benchmark(each, "-t", test, "-n", 2000, "-c", 20)
    name = NAMES.get(test, test.upper())
    assert any(shown.startswith(name) for shown in results), results
    assert all(rate > 0 for rate in results.values())


@pytest.mark.parametrize("options", [("-P", 16, "-r", 1000), ("-d", 5000), ("--threads", 2), ("-3",),
                                     ("-k", 0, "-n", 200)], ids=str)
def test_options_of_the_benchmark(each, options):
    assert len(benchmark(each, "-t", "set,get", "-n", 2000, "-c", 10, *options)) == 2


def test_an_own_command(each):
    assert benchmark(each, "-n", 1000, "-c", 5, "-r", 100, "hset", "h:__rand_int__", "f", "v")
    with each.client() as client:
        assert 10 < client.call("DBSIZE") <= 100
