"""The usual clients over TLS: redis-cli, redis-benchmark, redis-py."""

import subprocess

import pytest
import redis

from support.server import free_port
from support.tls import authority, cli_options, options


@pytest.fixture(params=["hearth", "oracle"])
def port(request, start):
    number = free_port()
    start(request.param, "--tls-port", number, *options())
    return number


def run(program, port, *arguments, stdin=None):
    done = subprocess.run([program, "-p", str(port), *cli_options(), *map(str, arguments)], input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout
    return done.stdout.decode(errors="replace")


def test_redis_cli(port):
    assert run("redis-cli", port, "SET", "a", "1") == "OK\n"
    lines = "".join(f"SET k:{i} {i}\r\n" for i in range(2000))
    assert "errors: 0, replies: 2000" in run("redis-cli", port, "--pipe", stdin=lines.encode())
    assert run("redis-cli", port, "GET", "k:1999") == "1999\n"
    assert "keys" in run("redis-cli", port, "--bigkeys")


def test_redis_benchmark(port):
    output = run("redis-benchmark", port, "-t", "set,get", "-n", 5000, "-c", 20, "-P", 16, "-d", 2000, "-q")
    assert output.count("requests per second") == 2 and "rror" not in output


def test_redis_py(port):
    client = redis.Redis(port=port, ssl=True, ssl_ca_certs=str(authority().certificate),
                         ssl_certfile=str(authority().crt("client")), ssl_keyfile=str(authority().key("client")),
                         ssl_check_hostname=False, socket_timeout=20)
    with client:
        assert client.set("a", b"x" * 1_000_000)
        assert client.get("a") == b"x" * 1_000_000
        with client.pipeline() as pipeline:
            for i in range(1000):
                pipeline.incr("n")
            assert pipeline.execute() == list(range(1, 1001))
        subscriber = client.pubsub()
        subscriber.subscribe("news")
        assert subscriber.get_message(timeout=10)["type"] == "subscribe"
        client.publish("news", "hello")
        assert subscriber.get_message(timeout=10)["data"] == b"hello"
        subscriber.close()
