"""Sentinels over servers: processes of either kind, Hearth or the real one, with timings that make a failover take
about a second, and what a test asks of them."""

import os
import pathlib
import threading

import redis
import redis.sentinel

from support.info import info_fields
from support.resp import Client, ConnectionClosed, Map
from support.server import Server, free_port, hearth_binary, oracle_binary, wait_for

ROLES = {"hearth": "hearth", "redis": "oracle"}  # the words of support/server.py
NAME = "mymaster"
DOWN_AFTER_MS = 500
# Sentinels of Redis try again two of these after a vote that was split, and that happens.
FAILOVER_TIMEOUT_MS = 5000
SWITCH_SECONDS = 60.0
# What the real one has to be told so that it does not wait ten seconds for the next INFO or hello.
QUICK_DEBUG = {"info-period": 200, "publish-period": 200, "ping-period": 200, "ask-period": 200}


class Watched(Server):
    """A server that Sentinels watch."""

    def __init__(self, kind, *arguments, primary=None, **options):
        self.kind = kind
        words = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--hz", "100", *arguments]
        if primary is not None:
            words += ["--replicaof", f"127.0.0.1 {primary.port}"]
        super().__init__(ROLES[kind], *words, tcp=True, **options)

    def __repr__(self):
        return f"{self.kind}:{self.port}"

    def call(self, *arguments):
        """Once more if the connection is ended meanwhile: a Sentinel that has a server follow another kills its clients."""
        try:
            return self.call_once(*arguments)
        except ConnectionClosed:
            return self.call_once(*arguments)

    def call_once(self, *arguments):
        with self.client() as client:
            return client.call(*arguments)

    def replication(self):
        return info_fields(self.call("INFO", "replication"))

    def follows(self, primary):
        fields = self.replication()
        return (fields["role"] == "slave" and fields["master_port"] == str(primary.port)
                and fields["master_link_status"] == "up")


class Sentinel(Server):
    """A Sentinel with a configuration file of its own, which it rewrites."""

    def __init__(self, kind, configuration="", config_path=None, debug=True, **options):
        self.kind = kind
        self.configuration = configuration
        self.config_path = config_path
        self.debug = debug
        super().__init__(ROLES[kind], tcp=True, unix_socket=False, **options)

    def __repr__(self):
        return f"{self.kind}-sentinel:{self.port}"

    def _command(self, config, arguments, from_stdin, unix_socket):
        if self.config_path is None:
            self.config_path = self.folder / "sentinel.conf"
            head = f"# written by a test\nport {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            self.config_path.write_text(head + self.configuration)
        binary = hearth_binary() if self.kind == "hearth" else oracle_binary()
        return [binary, str(self.config_path), "--sentinel"]

    def wait_until_ready(self, seconds=15.0):
        super().wait_until_ready(seconds)
        if self.debug:
            words = [word for pair in QUICK_DEBUG.items() for word in pair]
            assert self.call("SENTINEL", "DEBUG", *words).value == b"OK"

    def call(self, *arguments, timeout=5.0):
        with Client(self.tcp, timeout) as client:
            return client.call(*arguments)

    def lines(self):
        """The lines "sentinel ..." of its file."""
        return [line for line in self.config_path.read_text().splitlines() if line.startswith("sentinel ")]

    @property
    def id(self):
        return self.call("SENTINEL", "MYID").decode()

    def primary(self, name=NAME):
        return fields_of(self.call("SENTINEL", "MASTER", name))

    def replicas(self, name=NAME):
        return [fields_of(one) for one in self.call("SENTINEL", "REPLICAS", name)]

    def sentinels(self, name=NAME):
        return [fields_of(one) for one in self.call("SENTINEL", "SENTINELS", name)]

    def primary_port(self, name=NAME):
        return int(self.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)[1])

    def events(self):
        return Events(self)


class Events:
    """What a Sentinel tells its subscribers: (name, text), in order."""

    def __init__(self, sentinel):
        self.seen = []
        self._client = Client(sentinel.tcp, 60.0)
        self._client.send("PSUBSCRIBE", "*")
        self._client.read()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        try:
            while True:
                message = self._client.read()
                if message[0] == b"pmessage":
                    self.seen.append((message[2].decode(), message[3].decode()))
        except Exception:  # the Sentinel has ended, or the test
            return

    def names(self):
        return [name for name, _ in list(self.seen)]

    def text(self, name):
        """The text of the first event of that name, waited for."""
        return wait_for(lambda: next((text for one, text in list(self.seen) if one == name), None), 15, name)

    def close(self):
        self._client.close()


class Deployment:
    """One primary with replicas, and Sentinels that all know one another when this returns."""

    def __init__(self, server, sentinel, servers=("hearth",) * 3, sentinels=("hearth",) * 3, quorum=2,
                 down_after_ms=DOWN_AFTER_MS, more="", arguments=()):
        self.primary = server(servers[0], *arguments)
        self.replicas = [server(kind, *arguments, primary=self.primary) for kind in servers[1:]]
        for replica in self.replicas:
            wait_for(lambda one=replica: one.follows(self.primary), 15, f"{replica} to follow")
        configuration = (f"sentinel monitor {NAME} 127.0.0.1 {self.primary.port} {quorum}\n"
                         f"sentinel down-after-milliseconds {NAME} {down_after_ms}\n"
                         f"sentinel failover-timeout {NAME} {FAILOVER_TIMEOUT_MS}\n{more}")
        self.sentinels = [sentinel(kind, configuration) for kind in sentinels]
        self.wait_until_known()

    @property
    def servers(self):
        return [self.primary, *self.replicas]

    def wait_until_known(self, seconds=15.0):
        for one in self.sentinels:
            wait_for(lambda s=one: len(s.replicas()) == len(self.replicas)
                     and all(r["flags"] == "slave" for r in s.replicas())
                     and len(s.sentinels()) == len(self.sentinels) - 1
                     and all(o["flags"] == "sentinel" for o in s.sentinels()), seconds, f"{one} to know all")

    def wait_until_switched(self, seconds=SWITCH_SECONDS):
        """Until all running Sentinels name the same new primary; gives that server."""
        def switched():
            ports = {one.primary_port() for one in self.sentinels if one.is_running()}
            return len(ports) == 1 and self.primary.port not in ports and ports.pop()

        port = wait_for(switched, seconds, "all Sentinels to agree on a new primary")
        return next(one for one in self.servers if one.port == port)

    def client(self, **options):
        """redis-py's Sentinel client over all of them."""
        return redis.sentinel.Sentinel([one.tcp for one in self.sentinels], socket_timeout=2.0, **options)


def fields_of(reply):
    """An instance map as {name: value}."""
    flat = [word.decode() for word in reply]
    return dict(zip(flat[::2], flat[1::2]))


def names_of(reply):
    return [word.decode() for word in reply[::2]]


def as_user(uid, command, folder, log):
    """A process that runs as somebody without rights, or None where we may not do that."""
    import subprocess
    if os.geteuid() != 0:
        return None
    with open(log, "ab") as out:
        return subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, user=uid, group=uid, extra_groups=[])
