"""Writers that keep a primary busy with every data type, transactions and expiries.

    with Load(primary, seed, rate=2000) as load:
        ...                       commands go out from a thread
    load.written                  how many were answered

The commands follow from the seed alone; how many of them are written depends on the time. Load ends by itself after
`limit` commands. While its server does not answer, it tries again.
"""

import itertools
import random
import threading
import time

from persistence.filling import generated
from support.resp import ConnectionClosed, Error, ReplyTimeout

BATCH = 20
DATABASES = 3
GENERATED = 1500
LIMIT = 1_000_000
# Effects that the script makes up, one that fails, and one that has an end: all of it is one unit for replicas.
SCRIPT = """redis.call('SADD', KEYS[1], ARGV[1], 'x') redis.call('SPOP', KEYS[1]) redis.call('INCR', KEYS[2])
redis.pcall('LPUSH', KEYS[2], 'x') redis.call('SET', KEYS[3], math.random(1000), 'PX', ARGV[2])
return redis.call('XADD', 'events:' .. ARGV[1] % 4, '*', 'number', ARGV[1])"""


def random_effects(prng):
    """Commands whose effect is the server's choice or follows its clock: replicas must be told what came of them."""
    number = prng.randrange(50)
    pool = f"pool:{number % 4}"
    return prng.choice([
        [["SADD", pool, *(prng.randrange(1000) for _ in range(5))], ["SPOP", pool], ["SPOP", pool, 2]],
        [["XADD", f"events:{number % 4}", "MAXLEN", "~", 100, "*", "number", number]],
        [["INCRBYFLOAT", f"float:{number}", prng.random()], ["HINCRBYFLOAT", "floats", number, prng.random()]],
        [["SET", f"soon:{number}", "v", "PX", prng.randrange(20, 1000)], ["GETEX", f"soon:{number - 1}", "EX", 1]],
        [["SETEX", f"late:{number}", 1000, "v"], ["EXPIRE", f"late:{number - 1}", 2000], ["PERSIST", f"late:{number}"]],
        [["RPUSH", f"queue:{number % 4}", *range(6)], ["BLPOP", f"queue:{number % 4}", 1],
         ["LMPOP", 2, "none", f"queue:{number % 4}", "RIGHT", "COUNT", 4],
         ["LMOVE", "queue:1", "queue:2", "LEFT", "LEFT"]],
        [["ZADD", "scores", number, f"m{number}"], ["ZPOPMIN", "scores"], ["ZMPOP", 1, "scores", "MAX", "COUNT", 2]],
        [["PFADD", f"visitors:{number % 3}", number], ["PFMERGE", "visitors", "visitors:0", "visitors:1"]],
        [["SETBIT", "bits", number * 9, 1], ["BITOP", "NOT", "other bits", "bits"]],
        [["SET", "moving", number], ["MOVE", "moving", number % DATABASES], ["COPY", "bits", "copy", "REPLACE"]],
        [["DEL", pool, f"events:{number % 4}"]],
        [["EVAL", SCRIPT, 3, pool, "scripted", f"script:{number % 4}", number, prng.randrange(20, 1000)]],
    ])


def transactions(prng):
    """A transaction, or what looks like one."""
    body = [command for _ in range(prng.randrange(4)) for command in random_effects(prng)]
    body = [command for command in body if command[0] != "BLPOP"]
    return [["MULTI"], ["INCR", "transactions"], *body, ["EXEC" if prng.random() < 0.9 else "DISCARD"]]


def commands(seed):
    """Endless groups of commands that stay together, the same for the same seed."""
    prng = random.Random(seed)
    plain = generated(seed, GENERATED)
    for position in itertools.count():
        yield [plain[position % len(plain)]]
        if position % 3 == 0:
            yield random_effects(prng)
        if position % 10 == 0:
            yield transactions(prng)
        if position % 25 == 0:
            yield [["SELECT", prng.randrange(DATABASES)]]


class Load:
    """Writes `rate` commands a second, `limit` at most, from a thread until it is stopped."""

    def __init__(self, target, seed, rate=2000, limit=LIMIT):
        print(f"load of {target}: seed {seed}, {rate} commands a second")
        self.target = target
        self.written = 0
        self.refused = {}  # error code: how often; what generated commands rightly get is among them
        self._rate = rate
        self._limit = limit
        self._groups = commands(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stop.set()
        self._thread.join(30.0)
        assert not self._thread.is_alive(), "the load does not end"

    def wait_until_done(self, seconds=60.0):
        """Until `limit` commands are written."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"only {self.written} commands written within {seconds} s"

    def _run(self):
        while not self._stop.is_set() and self.written < self._limit:
            try:
                with self.target.client(timeout=5.0) as client:
                    self._write(client)
            except (OSError, ConnectionClosed, ReplyTimeout):
                self._stop.wait(0.02)

    def _write(self, client):
        due = time.monotonic()
        while not self._stop.is_set() and self.written < self._limit:
            batch = []
            while len(batch) < BATCH:
                batch += next(self._groups)
            for reply in client.pipeline(batch):
                if isinstance(reply, Error):
                    code = reply.value.split(b" ")[0].decode()
                    self.refused[code] = self.refused.get(code, 0) + 1
            self.written += len(batch)
            due += len(batch) / self._rate
            if due > time.monotonic():
                self._stop.wait(due - time.monotonic())
