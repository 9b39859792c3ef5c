"""Carries a case out on the oracle (left) and on Hearth (right) and finds the first difference.

Consecutive commands on one connection are pipelined. Commands on different connections never overlap, so that
both servers see one order. After each pipeline the watchers' keyspace events are compared, and at intervals
the whole datasets. Names that start with @ are carried out by the runner: see `_special`.
"""

import time
from typing import NamedTuple, Optional

from differential import dataset
from differential.compare import Transaction, normal_messages
from differential.grammar import RESP3_SUBSCRIBER, SUBSCRIBERS, Step
from support import dump_payload
from support.resp import Client, ConnectionClosed, Error, Null, OK, ProtocolViolation, ReplyTimeout, encode

PIPELINE = 40
DATASET_INTERVAL = 1000
REPLY_SECONDS = 20.0
EXPIRE_SECONDS = 5.0
SETTINGS = {
    "hash-max-listpack-entries": "128", "hash-max-listpack-value": "64", "list-max-listpack-size": "-2",
    "list-compress-depth": "0", "set-max-intset-entries": "512", "zset-max-listpack-entries": "128",
    "zset-max-listpack-value": "64", "stream-node-max-bytes": "4096", "stream-node-max-entries": "100",
    "hll-sparse-max-bytes": "3000", "notify-keyspace-events": "KEA",
}
SERVER_ARGUMENTS = ["--proto-max-bulk-len", "1mb", "--rdbcompression", "no", "--enable-debug-command", "local"]


class Difference(NamedTuple):
    kind: str  # reply, events, messages, dataset, lost
    index: int
    step: Optional[Step]
    left: object
    right: object

    def signature(self):
        return (self.kind, self.step.arguments[0].upper() if self.step and self.kind == "reply" else None)


class _Side:
    """The connections to one server."""

    def __init__(self, server):
        self.control = Client(server.address, REPLY_SECONDS)
        self._prepare()
        self.clients = {n: Client(server.address, REPLY_SECONDS) for n in range(5)}
        self.clients[RESP3_SUBSCRIBER].call("HELLO", "3")
        self.watcher = Client(server.address, REPLY_SECONDS)
        self.watcher.call("PSUBSCRIBE", "__key*@*__:*")

    def _prepare(self):
        commands = [("FLUSHALL",)] + [("CONFIG", "SET", name, value) for name, value in SETTINGS.items()]
        for command, reply in zip(commands, self.control.pipeline(commands)):
            if reply != OK:
                raise AssertionError(f"{command} answered {reply}")

    def close(self):
        for client in [self.control, self.watcher, *self.clients.values()]:
            client.close()


def read_until_token(client, token):
    """All replies and messages before the answer to PING <token>."""
    messages = []
    while True:
        reply = client.read()
        if reply == token or reply == [b"pong", token]:
            return messages
        messages.append(reply)


class Runner:
    """Runs one case; made anew for every case, so that nothing is left over from another."""

    def __init__(self, left, right):
        self.sides = []
        for server in (left, right):
            self.sides.append(_Side(server))
        self.transactions = {n: Transaction() for n in range(5)}
        self.previous = self.previous_at = None
        self.tokens = 0
        self.commands = 0
        # When the group of commands that runs now began, and the longest that one has lasted. One server may have
        # been so far ahead of the other: a busy machine holds up either for seconds.
        self.began = time.monotonic()
        self.longest_ms = 0

    def close(self):
        for side in self.sides:
            side.close()

    def run(self, steps):
        """The first Difference, or None."""
        uses_subscribers = any(step.connection in SUBSCRIBERS for step in steps)
        next_dataset = DATASET_INTERVAL
        position = 0
        while position < len(steps):
            end = self._end_of_group(steps, position)
            self.began = time.monotonic()
            try:
                difference = self._group(steps, position, end)
                # What a subscriber sent has been carried out once its messages are drained; I/O threads keep no
                # order between connections, so the events come after that.
                if difference is None and uses_subscribers:
                    difference = self._messages(steps, end)
                difference = difference or self._events(steps, end)
                self.longest_ms = self._apart_ms()
                if difference is None:
                    next_dataset, difference = self._datasets(steps, end, next_dataset)
            except (ConnectionClosed, ReplyTimeout, ProtocolViolation) as error:
                return Difference("lost", end - 1, steps[end - 1], "replies",
                                  f"{type(error).__name__}: {error}")
            if difference is not None:
                return difference
            position = end
        return None

    def _apart_ms(self):
        return max(self.longest_ms, 1000 * (time.monotonic() - self.began))

    def _datasets(self, steps, end, due):
        """(when to compare the datasets next, the difference between them now or None)"""
        if end != len(steps) and (end < due or self._is_unsettled(steps, end)):
            return due, None
        found = dataset.compare(self.sides[0].control, self.sides[1].control, apart_ms=self._apart_ms())
        difference = None if found is None else Difference("dataset", end - 1, steps[end - 1], *found)
        return due + DATASET_INTERVAL, difference

    @staticmethod
    def _is_unsettled(steps, position):
        """Between an SPOP, whose choice differs, and the DEL that its family sends two commands later."""
        return any(step.arguments[0].upper() == b"SPOP" for step in steps[max(0, position - 2):position])

    @staticmethod
    def _end_of_group(steps, start):
        first = steps[start]
        if first.arguments[0].startswith(b"@") or first.connection in SUBSCRIBERS:
            return start + 1
        end = start + 1
        while (end < len(steps) and end - start < PIPELINE and steps[end].connection == first.connection
               and not steps[end].arguments[0].startswith(b"@")):
            end += 1
        return end

    def _group(self, steps, start, end):
        connection = steps[start].connection
        if connection in SUBSCRIBERS:
            for side in self.sides:
                side.clients[connection].send(*steps[start].arguments)
            return None  # Its replies are among the messages.
        if steps[start].arguments[0].startswith(b"@"):
            return self._special(start, steps[start])
        clients = [side.clients[connection] for side in self.sides]
        data = b"".join(encode(step.arguments) for step in steps[start:end])
        for client in clients:
            client.send_raw(data)
        for index in range(start, end):
            left, right = (client.read_reply() for client in clients)
            difference = self._check(index, steps[index], left, right)
            if difference is not None:
                return difference
        return None

    def _check(self, index, step, left, right):
        self.commands += 1
        transaction = self.transactions[step.connection]
        is_next = self.previous_at == (step.connection, index - 1)
        if not transaction.replies_agree(step.arguments, left, right, self.previous if is_next else None,
                                         self._apart_ms()):
            return Difference("reply", index, step, left, right)
        self.previous, self.previous_at = (step.arguments, left, right), (step.connection, index)
        return None

    def _drained(self, connection):
        """What a message-receiving connection got so far on both sides; connection None is the watcher."""
        self.tokens += 1
        token = b"token-%d" % self.tokens
        clients = [side.watcher if connection is None else side.clients[connection] for side in self.sides]
        for client in clients:
            client.send("PING", token)
        return [read_until_token(client, token) for client in clients]

    def _events(self, steps, end):
        left, right = self._drained(None)
        if left == right:
            return None
        at = next((i for i, (a, b) in enumerate(zip(left, right)) if a != b), min(len(left), len(right)))
        pick = [side[at] if at < len(side) else f"nothing more after {at} events" for side in (left, right)]
        return Difference("events", end - 1, steps[end - 1], *pick)

    def _messages(self, steps, end):
        # Twice: the first round sees to it that what each subscriber sent is done, the second gets what that sent
        # to the others.
        rounds = [{connection: self._drained(connection) for connection in SUBSCRIBERS} for _ in range(2)]
        for connection in SUBSCRIBERS:
            left, right = (normal_messages(first + second)
                           for first, second in zip(rounds[0][connection], rounds[1][connection]))
            if left != right:
                return Difference("messages", end - 1, steps[end - 1], left, right)
        return None

    def _special(self, index, step):
        """@EXPIRE key: lets the key run out and waits for it. @SCAN/@HSCAN/@SSCAN/@ZSCAN: a whole iteration,
        as a set. @DUMP key: each server restores what the other dumped. Inside MULTI they do nothing."""
        if self.transactions[step.connection].queued is not None:
            return None
        self.commands += 1
        clients = [side.clients[step.connection] for side in self.sides]
        name, *arguments = step.arguments
        if name == b"@EXPIRE":
            return self._let_expire(index, step, clients, arguments[0])
        if name == b"@DUMP":
            return self._exchange_dumps(index, step, clients, arguments[0])
        results = [iterate(client, name[1:], arguments) for client in clients]
        return None if results[0] == results[1] else Difference("reply", index, step, *results)

    @staticmethod
    def _let_expire(index, step, clients, key):
        # Long enough not to be over already when a busy machine carries out the command.
        replies = [client.call("PEXPIRE", key, "15") for client in clients]
        if replies[0] != replies[1]:
            return Difference("reply", index, step, *replies)
        deadline = time.monotonic() + EXPIRE_SECONDS
        for client in clients:
            while replies[0] == 1 and client.call("PTTL", key) != -2:
                if time.monotonic() > deadline:
                    return Difference("reply", index, step, "the key runs out", "the key stays")
        return None

    def _exchange_dumps(self, index, step, clients, key):
        dumps = [client.call("DUMP", key) for client in clients]
        if isinstance(dumps[0], Null) or isinstance(dumps[1], Null):
            return None if dumps[0] == dumps[1] else Difference("reply", index, step, *dumps)
        if not all(isinstance(d, bytes) and dump_payload.is_sound(d) for d in dumps):
            return Difference("reply", index, step, *dumps)
        bodies = [dump_payload.body_of(d) for d in dumps]
        if bodies[0] == bodies[1] or bodies[1][0] in (20, 21):
            return None  # 7.0 cannot read the set and stream types that came with 7.2.
        if bodies[0][0] == 0 and bodies[1][0] == 0:
            return Difference("reply", index, step, *dumps)
        exchanged = [dump_payload.seal(bodies[1]), dump_payload.seal(bodies[0])]
        replies = [client.call("RESTORE", "exchanged", "0", body, "REPLACE") for client,
                   body in zip(clients, exchanged)]
        if replies[0] != replies[1] or isinstance(replies[0], Error):
            return Difference("reply", index, step, *replies)
        values = [dataset.content(client, b"exchanged") for client in clients]
        for client in clients:
            client.call("DEL", "exchanged")
        return None if values[0] == values[1] else Difference("reply", index, step, *values)


def iterate(client, name, arguments):
    """All elements that a SCAN command returns, each once; an error is returned as it is."""
    key = [] if name == b"SCAN" else arguments[:1]
    options = arguments[len(key):]
    cursor, found = b"0", set()
    for _ in range(100000):
        reply = client.call(name, *key, cursor, *options)
        if not isinstance(reply, list):
            return reply
        cursor, batch = reply
        pairs = zip(batch[::2], batch[1::2]) if name in (b"HSCAN", b"ZSCAN") else batch
        found.update(pairs)
        if cursor == b"0":
            return found
    raise ReplyTimeout(f"{name.decode()} came to no end")
