"""redis-py, as an application uses it, over TCP."""

import select
import threading

import pytest
import redis

from support.server import wait_for


def connect(server, **options):
    """A client whose waits are bounded."""
    return redis.Redis(host="127.0.0.1", port=server.port, socket_timeout=10, socket_connect_timeout=10,
                       **options)


@pytest.fixture
def server(start, role):
    return start(role, tcp=True)


@pytest.fixture
def client(server):
    connection = connect(server, decode_responses=True, health_check_interval=1)
    yield connection
    connection.close()
    connection.connection_pool.disconnect()


def test_strings_and_numbers(client):
    assert client.set("a", "1", ex=100) is True
    assert client.incrby("a", 5) == 6
    assert client.incrbyfloat("a", 0.5) == 6.5
    assert 0 < client.ttl("a") <= 100
    assert client.mget("a", "none") == ["6.5", None]
    assert client.set("a", "x", nx=True) is None
    assert client.set("a", "x", get=True) == "6.5"
    assert client.getex("a", persist=True) == "x"
    assert client.getdel("a") == "x"
    assert client.msetnx({"p": 1, "q": 2}) is True
    assert client.setrange("p", 3, "z") == 4


def test_lists(client):
    assert client.rpush("l", "a", "b", "c", "b") == 4
    assert client.lpos("l", "b", rank=-1) == 3
    assert client.lmove("l", "m", "LEFT", "RIGHT") == "a"
    assert client.lmpop(2, "none", "l", direction="RIGHT", count=2) == ["l", ["b", "c"]]
    assert client.blpop(["none", "m"], timeout=1) == ("m", "a")
    assert client.linsert("l", "BEFORE", "b", "z") == 2
    assert client.sort("l", alpha=True, desc=True) == ["z", "b"]
    assert client.blpop("none", timeout=0.05) is None


def test_hashes(client):
    assert client.hset("h", mapping={"a": 1, "b": "two"}) == 2
    assert client.hgetall("h") == {"a": "1", "b": "two"}
    assert client.hincrby("h", "a", 4) == 5
    assert client.hmget("h", ["a", "none"]) == ["5", None]
    assert set(client.hrandfield("h", 2)) == {"a", "b"}


def test_scan_iterators_see_everything(client):
    client.mset({f"k{i}": i for i in range(1000)})
    client.hset("h", mapping={f"f{i}": i for i in range(1000)})
    assert len(set(client.scan_iter(count=37))) == 1001
    assert len(set(client.scan_iter(match="k1*"))) == 111
    assert set(client.scan_iter(_type="hash")) == {"h"}
    assert len(dict(client.hscan_iter("h", count=50))) == 1000


def test_pipelines_and_transactions(client):
    with client.pipeline(transaction=False) as pipe:
        assert pipe.set("a", 1).incr("a").get("a").execute() == [True, 2, "2"]
    with client.pipeline() as pipe:
        assert pipe.set("a", 1).lpush("l", "x").llen("l").execute() == [True, 1, 1]
    with client.pipeline() as pipe:
        pipe.set("a", 1).lpush("a", "x").incr("a")
        results = pipe.execute(raise_on_error=False)
    assert results[0] is True and isinstance(results[1], redis.ResponseError) and results[2] == 2


def test_a_watched_change_is_a_watch_error(client):
    with client.pipeline() as pipe:
        pipe.watch("a")
        client.set("a", "changed")
        pipe.multi()
        pipe.set("a", "mine")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert client.transaction(lambda pipe: (pipe.multi(), pipe.set("a", "now")), "a") == [True]


def test_many_threads_increment_through_one_pool(server):
    pool = redis.BlockingConnectionPool(host="127.0.0.1", port=server.port, max_connections=4, timeout=20,
                                        socket_timeout=10)
    shared = redis.Redis(connection_pool=pool)
    threads = [threading.Thread(target=lambda: [shared.incr("n") for _ in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert shared.get("n") == b"1600"
    pool.disconnect()


def test_publish_subscribe(client):
    with client.pubsub() as subscriber:
        subscriber.subscribe("c")
        subscriber.psubscribe("p*")
        assert [subscriber.get_message(timeout=5)["type"] for _ in range(2)] == ["subscribe", "psubscribe"]
        assert client.publish("c", "one") == 1
        assert client.publish("pq", "two") == 1
        got = [subscriber.get_message(timeout=5) for _ in range(2)]
        assert [(m["type"], m["channel"], m["data"]) for m in got] == [("message", "c", "one"),
            ("pmessage", "pq", "two")]
        assert client.pubsub_channels() == ["c"] and client.pubsub_numpat() == 1
        subscriber.ping()
        assert subscriber.get_message(timeout=5)["type"] == "pong"
        subscriber.unsubscribe()
        assert subscriber.get_message(timeout=5)["type"] == "unsubscribe"


def test_a_listener_thread_receives_in_order(client):
    received = []
    with client.pubsub() as subscriber:
        subscriber.subscribe(c=lambda message: received.append(message["data"]))
        subscriber.get_message(timeout=5)
        listener = subscriber.run_in_thread(sleep_time=0.01)
        for number in range(500):
            client.publish("c", number)
        wait_for(lambda: len(received) == 500)
        listener.stop()
        listener.join(10)
    assert received == [str(number) for number in range(500)]


def test_server_commands_are_parsed(client):
    assert client.info("server")["redis_version"].startswith("7.")
    assert client.config_get("timeout") == {"timeout": "0"}
    assert client.config_set("timeout", 0) is True
    assert client.dbsize() == 0
    assert client.client_setname("me") is True
    assert [c["name"] for c in client.client_list()] == ["me"]
    assert isinstance(client.time(), tuple)
    assert client.command_count() > 200
    assert client.slowlog_get() == []
    assert client.object("ENCODING", "none") is None
    assert client.echo("x") == "x"
    assert client.memory_usage("none") is None


def test_errors_are_the_library_s_own_types(client, server):
    client.set("s", "x")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE|wrong kind"):
        client.lpush("s", "x")
    client.config_set("requirepass", "secret")
    with pytest.raises(redis.RedisError, match="WRONGPASS"):
        connect(server, password="wrong").ping()
    with pytest.raises(redis.AuthenticationError, match="Authentication required"):
        connect(server).get("s")
    assert connect(server, username="default", password="secret").ping() is True


def test_a_lost_connection_is_made_again(client, server):
    client.set("a", 1)
    killer = connect(server)
    [connection] = client.connection_pool._available_connections
    assert killer.client_kill_filter(_type="normal", skipme=True) == 1
    # The server may answer the one before it has closed the other; redis-py notices an end that has come.
    assert select.select([connection._sock], [], [], 10.0)[0]
    assert client.get("a") == "1"
    killer.close()


def test_locks(client):
    lock = client.lock("name", timeout=10)
    assert lock.acquire() is True
    assert client.lock("name", timeout=10).acquire(blocking=False) is False
    client.delete("name")


def test_single_connection_client_and_database(server):
    with connect(server, db=7, single_connection_client=True) as one:
        one.set("only", "here")
        assert int(one.client_info()["db"]) == 7
    assert connect(server, db=0).exists("only") == 0
