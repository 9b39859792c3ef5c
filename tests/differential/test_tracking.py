"""Random sessions of clients that track keys in all modes, on Hearth and on the oracle: after every step each of them has
been told the same. With HEARTH_SERVER=redis-server it is checked itself.

The messages of a step are compared without their order: that of the keys of one command (RENAME), and of those who
redirect to one listener, is the server's own. Where order is promised, tests/server/test_tracking.py holds it. Four
things that are known to differ are kept out: a listener never writes (Redis 7.0 puts messages into the middle of its
reply), nulls of the two protocols count as the same (Redis words a flush for the client that tracks, not for the
listener), one client tracks all the time (the last one to stop takes the table of keys with it; Redis keeps that), and
tracking does not change in a turn with other commands (what these changed counts as nobody's own, or is not told).
"""

import random

import pytest

from support.info import client_lines, info_fields
from support.pushes import messages_of, read_reply
from support.resp import encode, Map, Null, Set
from support.server import wait_for

STEPS = 1200
COUNT_EVERY = 20
KEYS = [b"a", b"ab", b"abc", b"b", b"ba", b"c", b"", b"x\x00y", b"\xff\xfe"]
PREFIXES = [b"a", b"ab", b"abc", b"b", b"ba", b"x", b"", b"\xff"]
TRACKERS = ["t1", "t2", "t3", "old"]  # "old" speaks RESP2
LISTENERS = ["l2", "l3"]  # a subscriber of RESP2, and RESP3

# k: a key, v: a value, n: a small number.
READS = """GET k|MGET k k|EXISTS k k|TYPE k|TTL k|STRLEN k|GETRANGE k 0 3|SUBSTR k 0 3|BITCOUNT k|GETBIT k n|BITPOS k 1|
    LRANGE k 0 -1|LLEN k|LINDEX k n|LPOS k v|HGET k v|HGETALL k|HLEN k|HMGET k v v|HEXISTS k v|HRANDFIELD k|HKEYS k|
    HVALS k|HSTRLEN k v|HSCAN k 0|SMEMBERS k|SCARD k|SISMEMBER k v|SINTER k k|SUNION k k|SDIFF k k|SINTERCARD 2 k k|
    SRANDMEMBER k|ZRANGE k 0 -1|ZSCORE k v|ZCARD k|ZCOUNT k 0 9|ZUNION 2 k k|ZINTERCARD 2 k k|ZDIFF 2 k k|ZRANK k v|
    ZRANDMEMBER k|XRANGE k - +|XLEN k|XREAD COUNT 1 STREAMS k k 0 0|XINFO STREAM k|PFCOUNT k k|GEOPOS k v|
    OBJECT ENCODING k|OBJECT REFCOUNT k|MEMORY USAGE k|DUMP k|SORT_RO k|BITFIELD_RO k GET u8 0|LCS k k|TOUCH k|
    EXPIRETIME k|PTTL k|KEYS *|SCAN 0|DBSIZE|RANDOMKEY|PING|ECHO v|TIME|OBJECT HELP|SINTERCARD 9 k k|ZUNION 9 k k|GET"""
WRITES = """SET k v|SET k v|SET k v NX|SET k v GET|SET k v EX 1000|SET k v KEEPTTL|GETSET k v|SETNX k v|MSET k v k v|
    MSETNX k v k v|APPEND k v|INCR k|SETRANGE k 1 v|SETBIT k n 1|GETDEL k|GETEX k|GETEX k EX 1000|GETEX k PERSIST|DEL k k|
    UNLINK k|EXPIRE k 1000|EXPIRE k -1|PERSIST k|RENAME k k|RENAMENX k k|COPY k k|COPY k k REPLACE|MOVE k 1|LPUSH k v|
    RPUSH k v|LPOP k|RPOP k|LSET k 0 v|LTRIM k 0 1|LREM k 0 v|LMOVE k k LEFT RIGHT|LINSERT k BEFORE v v|LMPOP 2 k k LEFT|
    HSET k v v|HDEL k v|HINCRBY k v 1|HSETNX k v v|SADD k v|SREM k v|SPOP k|SMOVE k k v|SINTERSTORE k k k|
    SUNIONSTORE k k k|SDIFFSTORE k k k|ZADD k n v|ZADD k NX n v|ZREM k v|ZINCRBY k 1 v|ZPOPMIN k|ZUNIONSTORE k 1 k|
    ZINTERSTORE k 2 k k|ZRANGESTORE k k 0 1|ZREMRANGEBYRANK k 0 0|ZMPOP 1 k MIN|XADD k * v v|XADD k MAXLEN 2 * v v|
    XTRIM k MAXLEN 1|XDEL k 1-1|PFADD k v|PFMERGE k k|GEOADD k 1 2 v|BITOP OR k k k|BITFIELD k SET u8 0 n|
    BITFIELD k GET u8 0|SORT k|SORT k STORE k|GEOSEARCHSTORE k k FROMLONLAT 1 2 BYRADIUS 9 km|RESTORE k 0 v|
    SELECT 0|SELECT 1|PUBLISH c v"""
FLUSHES = "FLUSHALL|FLUSHDB|SWAPDB 0 1|FLUSHALL ASYNC|FLUSHDB SYNC"
SINGLE_KEY_OF_A_KIND = {b"k": KEYS, b"v": [b"1", b"2", b"v"], b"n": [b"1", b"2", b"9"]}


def split(text):
    return [line.split() for line in text.replace("\n", " ").split("|")]


READS, WRITES, FLUSHES = split(READS), split(WRITES), split(FLUSHES)


class Session:
    """The same clients on one server, and their ids under their names."""

    def __init__(self, server):
        self.server = server
        self.clients = {}
        for name in ["always", "w", *TRACKERS, *LISTENERS]:
            self.connect(name)
        self.run("always", [("CLIENT", "TRACKING", "on")])

    def connect(self, name):
        client = self.clients[name] = self.server.client()
        if name not in ("old", "l2"):
            client.call("HELLO", "3")
        client.identity = client.call("CLIENT", "ID")
        client.is_subscriber = name == "l2"
        if client.is_subscriber:
            client.call("SUBSCRIBE", "__redis__:invalidate")

    def reconnect(self, name):
        gone = self.clients[name]
        gone.close()
        wait_for(lambda: all(line["id"] != str(gone.identity)
                             for line in client_lines(self.clients["w"].call("CLIENT", "LIST"))))
        self.connect(name)

    def run(self, name, commands):
        """The replies, and what came with them; ids become names."""
        client = self.clients[name]
        client.send_raw(b"".join(encode([self.clients[a].identity if a in self.clients else a for a in command])
                                 for command in commands))
        replies, messages = [], []
        for _ in commands:
            reply, before = read_reply(client)
            replies.append(reply)
            messages += before
        client.early = messages
        return replies

    def told(self, name):
        client = self.clients[name]
        messages, client.early = getattr(client, "early", []) + messages_of(client, client.is_subscriber), []
        return sorted((self.normal(message) for message in messages), key=repr)

    def told_of(self, name):
        """The same as a set of keys, for steps that may take more than one turn of the loop: how many changes below a
        prefix come together is then up to the server."""
        return {repr(item) for message in self.told(name)
                for item in (message[-1] if isinstance(message[-1], list) else [message])}

    def normal(self, value):
        """Nulls are one, and ids are names: those of clients that are gone are none."""
        if isinstance(value, list):
            return [self.normal(item) for item in value]
        if isinstance(value, Set):
            return Set([self.normal(item) for item in value.value])
        if isinstance(value, Map):
            return Map([(key, self.normal(item)) for key, item in value.value])
        if isinstance(value, Null):
            return "null"
        if isinstance(value, int) and value > 0:
            return next((name for name, client in self.clients.items() if client.identity == value), "gone")
        return value

    def state(self, name):
        """What the server says of a client's tracking."""
        client = self.clients[name]
        info = read_reply(client_send(client, "CLIENT", "TRACKINGINFO"))[0]
        line = client_lines(read_reply(client_send(client, "CLIENT", "INFO"))[0])[0]
        return self.normal(info), "".join(flag for flag in line["flags"] if flag in "tRB")

    def counts(self):
        fields = info_fields(self.clients["w"].call("INFO", "everything"))
        return {name: fields[name] for name in fields if name.startswith("tracking_")}

    def close(self):
        for client in self.clients.values():
            client.close()


def client_send(client, *command):
    client.send(*command)
    return client


class Maker:
    """The steps of a session."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def fill(self, template):
        return tuple(self.random.choice(SINGLE_KEY_OF_A_KIND[word.encode()]) if word in ("k", "v", "n") else word
                     for word in template)

    def data(self):
        pick = self.random.random()
        templates = READS if pick < 0.55 else WRITES if pick < 0.985 else FLUSHES
        return self.fill(self.random.choice(templates))

    def tracking(self):
        if self.random.random() < 0.15:
            return ("CLIENT", "TRACKING", "off")
        options = [word for word, chance in (("OPTIN", 0.2), ("OPTOUT", 0.15), ("NOLOOP", 0.3))
                   if self.random.random() < chance]
        if self.random.random() < 0.4:
            options.append("BCAST")
            for _ in range(self.random.choice([0, 1, 1, 2])):
                options += ["PREFIX", self.random.choice(PREFIXES)]
        elif self.random.random() < 0.03:
            options += ["PREFIX", "a"]
        if self.random.random() < 0.3:
            options += ["REDIRECT", self.random.choice([*LISTENERS, *LISTENERS, "987654", "x"])]
        return ("CLIENT", "TRACKING", self.random.choice(["on", "ON", "on", "maybe"]) if self.random.random() < 0.05
                else "on", *options)

    def command(self):
        pick = self.random.random()
        if pick < 0.1:
            return self.tracking()
        if pick < 0.17:
            return ("CLIENT", "CACHING", self.random.choice(["yes", "no", "yes", "x"]))
        return self.data()

    def step(self):
        """(client, commands), or the name of a client to connect anew."""
        pick = self.random.random()
        if pick < 0.01:
            return self.random.choice([*TRACKERS, *LISTENERS])
        name = self.random.choice([*TRACKERS, *TRACKERS, "w", "w", "always"])
        # Those who opt in would be unhappy with one command at a time only.
        make = self.data if name in ("w", "always") else self.command
        commands = [make() for _ in range(self.random.choice([1, 1, 1, 2, 4]))]
        change = next((command for command in commands if command[:2] == ("CLIENT", "TRACKING")), None)
        if change is not None:
            commands = [change]
        elif pick < 0.15:
            commands = [("MULTI",), *commands, (self.random.choice(["EXEC", "EXEC", "EXEC", "DISCARD"]),)]
        elif pick < 0.16 and name in TRACKERS:
            commands = [("RESET",), ("HELLO", "2" if name == "old" else "3")]
        return name, commands


def errors(session, replies):
    """Replies to CLIENT TRACKING and its kin are compared, others belong to other tests."""
    return [session.normal(reply) if not isinstance(reply, list) else len(reply) for reply in replies]


@pytest.mark.parametrize("part", range(2))
def test_random_sessions(start, seed, part):
    maker = Maker(seed * 10 + part)
    sessions = [Session(start(role)) for role in ("oracle", "hearth")]
    history = []
    for number in range(STEPS):
        step = maker.step()
        is_one_turn = isinstance(step, str) or len(step[1]) == 1 or step[1][0] == ("MULTI",)
        history = [*history[-30:], step]
        where = f"seed {seed}, part {part}, step {number}; the last ones were {history}"
        if isinstance(step, str):
            for session in sessions:
                session.reconnect(step)
        else:
            name, commands = step
            replies = [session.run(name, commands) for session in sessions]
            about = [i for i, command in enumerate(commands) if command[0] == "CLIENT" and commands[0] != ("MULTI",)]
            assert [errors(sessions[0], replies[0])[i] for i in about] == [
                errors(sessions[1], replies[1])[i] for i in about], where
        for name in sessions[0].clients:
            left, right = [session.told(name) if is_one_turn else session.told_of(name) for session in sessions]
            assert left == right, f"{name} at {where}: oracle {left}, hearth {right}"
        if number % COUNT_EVERY == 0:
            assert sessions[0].counts() == sessions[1].counts(), where
            for name in TRACKERS:
                left, right = [session.state(name) for session in sessions]
                assert left == right, f"{name} at {where}: oracle {left}, hearth {right}"
    for session in sessions:
        session.close()
