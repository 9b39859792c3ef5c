"""Servers that replicate: processes of either kind, Hearth or the real one, and what a test asks of them.

A Node is a Server (support/server.py) on a loopback port and a unix socket in a folder of its own; kill(), restart()
and stop() come from there, and restart() keeps port and folder. Timings are short, so that what a primary or replica
does once in a while happens within a second.
"""

import itertools
import os
import signal
import time

import redis

from differential import dataset
from support.info import info_fields
from support.resp import ConnectionClosed, Error, ReplyTimeout, Simple
from support.server import Server, wait_for

KINDS = ("hearth", "redis")
ROLES = {"hearth": "hearth", "redis": "oracle"}  # the words of support/server.py
# The pairs (primary, replica) of continuous integration. That of two real servers checks the tests themselves:
# HEARTH_REPLICATION_PAIRS=redis-redis.
PAIRS = [tuple(pair.split("-")) for pair in
         os.environ.get("HEARTH_REPLICATION_PAIRS", "hearth-hearth,hearth-redis,redis-hearth").split(",")]
PAIR_NAMES = ["-".join(pair) for pair in PAIRS]
# Where the pair is two real servers, so are single nodes and chains.
ONLY_REAL = all(pair == ("redis", "redis") for pair in PAIRS)
QUICK = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--hz", "100",
         "--shutdown-timeout", "1", "--enable-debug-command", "yes"]
SYNC_SECONDS = 30.0
SETTLE_SECONDS = 8.0


class Node(Server):
    """Node(kind, "--option", value, ..., password="x", primary=other node). A password is asked of clients and
    replicas, and given to a primary."""

    def __init__(self, kind, *arguments, password=None, primary=None, wait=True, **options):
        self.kind = kind
        self.password = password
        words = [*QUICK, *arguments]
        if password:
            words += ["--requirepass", password, "--masterauth", password]
        if primary is not None:
            words += ["--replicaof", f"127.0.0.1 {port_of(primary)}"]
        super().__init__(ROLES[kind], *words, tcp=True, wait=wait, **options)

    def __repr__(self):
        return f"{self.kind}:{self.port}"

    # -- Talking to it.

    def client(self, timeout=10.0, tcp=False):
        """A raw client (support/resp.py) that has given the password."""
        client = super().client(timeout, tcp)
        if self.password:
            client.call("AUTH", self.password)
        return client

    def redis(self, database=0, timeout=10.0):
        """A client of redis-py."""
        return redis.Redis(unix_socket_path=self.address, db=database, password=self.password, socket_timeout=timeout)

    def call(self, *arguments, timeout=10.0):
        """The reply of one command on a connection of its own."""
        with self.client(timeout) as client:
            return client.call(*arguments)

    def answers(self):
        try:
            reply = self.call("PING", timeout=2.0)
            return not (isinstance(reply, Error) and reply.value.startswith(b"LOADING"))
        except (OSError, ConnectionClosed, ReplyTimeout):
            return False

    # -- What it says of itself.

    def info(self, section="replication"):
        return info_fields(self.call("INFO", section))

    def count(self, field, section="stats"):
        """A number of INFO; by default one of its statistics, as sync_full."""
        return int(self.info(section)[field])

    @property
    def offset(self):
        return int(self.info()["master_repl_offset"])

    def replicas(self):
        """Its replicas as INFO has them: [{"ip", "port", "state", "offset", "lag"}]."""
        fields = self.info()
        names = itertools.takewhile(fields.__contains__, (f"slave{i}" for i in itertools.count()))
        return [dict(pair.split("=") for pair in fields[name].split(",")) for name in names]

    def online(self):
        return [replica for replica in self.replicas() if replica["state"] == "online"]

    def link_is_up(self):
        return self.info().get("master_link_status") == "up"

    # -- Roles.

    def replicate(self, primary, host="127.0.0.1"):
        """REPLICAOF a node, a proxy or a port; one that it follows already will do."""
        self._change_role(host, port_of(primary))

    def promote(self):
        self._change_role("NO", "ONE")

    def _change_role(self, *words):
        """While a copy is being loaded, no role can be changed."""
        reply = wait_for(lambda: self._unless_loading(self.call("REPLICAOF", *words)), 30, f"{self} to have loaded")
        assert isinstance(reply, Simple) and reply.value.startswith(b"OK"), reply

    @staticmethod
    def _unless_loading(reply):
        return None if isinstance(reply, Error) and reply.value.startswith(b"LOADING") else reply

    # -- The process.

    def freeze(self):
        """It keeps its connections and does nothing until thaw()."""
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def stop(self, keep_folder=False):
        if self.is_running():
            self.thaw()
        super().stop(keep_folder)


def port_of(target):
    return target if isinstance(target, int) else target.port


def wait_online(primary, count=1, seconds=SYNC_SECONDS):
    """Until the primary says that so many replicas are online."""
    wait_for(lambda: len(primary.online()) >= count, seconds, f"{count} replicas online at {primary}")


def is_in_sync(primary, replica):
    """The link is up, and both are at the same offset of the same history."""
    mine = replica.info()
    upstream = primary.info()
    return (mine.get("master_link_status") == "up" and mine["slave_repl_offset"] == upstream["master_repl_offset"]
            and mine["master_repl_offset"] == upstream["master_repl_offset"]
            and mine["master_replid"] == upstream["master_replid"])


def wait_in_sync(primary, *replicas, seconds=SYNC_SECONDS):
    """Until each replica, at any depth below `primary`, has all that the primary has written. Nobody may be writing."""
    for replica in replicas:
        try:
            wait_for(lambda: is_in_sync(primary, replica), seconds, f"{replica} in sync with {primary}")
        except AssertionError as error:
            raise AssertionError(f"{error}\nprimary {primary.info()}\nreplica {replica.info()}") from error


def digest(client):
    """DEBUG DIGEST, or None where the server does not know it."""
    reply = client.call("DEBUG", "DIGEST", timeout=30.0)
    return reply.value if isinstance(reply, Simple) else None


def beside_digest(client):
    """What a digest leaves out: when keys expire, and the groups of streams."""
    found = {}
    for database in range(dataset.DATABASES):
        client.call("SELECT", database)
        names = sorted(dataset.keys(client))
        times = client.pipeline([["PEXPIRETIME", name] for name in names])
        groups = client.pipeline([["XINFO", "GROUPS", name] for name in names])
        found.update({(database, name): (expiry, [] if isinstance(group, Error) else group)
                      for name, expiry, group in zip(names, times, groups)})
    return found


def difference(one, other):
    """What differs first between the data of two nodes, or None. Neither may be behind the other."""
    with one.client(30.0) as left, other.client(30.0) as right:
        digests = digest(left), digest(right)
        # Digests tell zeros of either sign apart, which are the same: what counts is then looked at key by key.
        if digests[0] != digests[1] or None in digests:
            if found := dataset.compare(left, right, encodings=False):
                return found
        leftovers = beside_digest(left), beside_digest(right)
        for key in sorted({*leftovers[0], *leftovers[1]}):
            if leftovers[0].get(key) != leftovers[1].get(key):
                return f"{key}: {leftovers[0].get(key)}", f"{key}: {leftovers[1].get(key)}"
    return None


def assert_same_data(primary, *replicas, seconds=SYNC_SECONDS):
    """Waits until nothing is under way; then all nodes have the same data. What runs out between the reading of one
    node and of the other differs for a moment: a comparison is repeated for a while before it counts."""
    for replica in replicas:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            wait_in_sync(primary, replica, seconds=seconds)
            found = difference(primary, replica)
            if found is None or time.monotonic() > deadline:
                break
        assert found is None, f"{primary} and {replica}: {found[0]} / {found[1]}"
