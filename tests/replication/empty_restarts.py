#!/usr/bin/env python3
"""The trap of a primary without persistence: it is killed under load and comes back at once, empty.

A round is: a generated load on a primary with two replicas, until both have data; kill -9 of the primary, and with it of
what was written to it; the primary again, on the same address. Then either a replica refuses it, or it copies the
emptiness. Where the data was kept, the replica that has most is promoted, and the others join it for the next round.

    empty_restarts.py [--rounds N] [--seed S] [redis] [hearth]

says of each kind of server in how many rounds both replicas kept the data, and in how many both lost it. The exit code
is 1 if Hearth did not keep it in all of them.
"""

import argparse
import contextlib
import pathlib
import random
import sys

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from replication.load import Load  # noqa: E402
from replication.nodes import Node, assert_same_data, wait_in_sync  # noqa: E402
from support.server import wait_for  # noqa: E402

RATE = 1500
ENOUGH_COMMANDS, ENOUGH_KEYS = 500, 20
REASON = "master_link_refused_reason"


def keys(one):
    return sum(int(value.split(",")[0].partition("=")[2]) for name, value in one.info("keyspace").items()
               if name.startswith("db"))


def refuses(replica):
    return bool(replica.info().get(REASON))


def received(replica):
    return int(replica.info()["slave_repl_offset"])


class Trial:
    """`begin(kind)` starts a node. The load of each round has a seed of its own."""

    def __init__(self, begin, primary_kind, replica_kind, seed):
        self.primary, *self.replicas = [begin(kind) for kind in (primary_kind, replica_kind, replica_kind)]
        self.kinds = primary_kind, replica_kind
        self.seed = seed
        self.rounds = self.kept = self.lost = 0
        for replica in self.replicas:
            replica.replicate(self.primary)

    def play(self):
        """One round: whether both replicas still have the data. Real ones never do."""
        with Load(self.primary, self.seed + self.rounds, RATE) as load:
            wait_for(lambda: load.written > ENOUGH_COMMANDS and min(map(keys, self.replicas)) > ENOUGH_KEYS, 30,
                     "data")
            self.primary.kill()
        # A primary of the real kind, as this one may have been a replica, leaves the copy that it got on disk.
        (self.primary.folder / "dump.rdb").unlink(missing_ok=True)
        had = max(map(received, self.replicas))
        self.primary.restart()
        for replica in self.replicas:
            wait_for(lambda: refuses(replica) or self.has_copied(replica), 30, f"{replica} has decided")
        self.rounds += 1
        if not all(map(refuses, self.replicas)):
            self.lost += max(map(keys, self.replicas)) == 0
            return False
        assert min(map(keys, self.replicas)) > ENOUGH_KEYS // 2
        assert not any(replica.link_is_up() for replica in self.replicas)
        self.replicas.sort(key=received, reverse=True)
        assert received(self.replicas[0]) >= had
        self.kept += 1
        self.go_on()
        return True

    def has_copied(self, replica):
        """It follows the primary as it is now."""
        return replica.link_is_up() and replica.info()["master_replid"] == self.primary.info()["master_replid"]

    def go_on(self):
        """With what was kept."""
        promoted, other = self.replicas
        promoted.promote()
        other.replicate(promoted)
        self.primary.replicate(promoted)
        wait_in_sync(promoted, other, self.primary)
        assert_same_data(promoted, other, self.primary)
        if self.kinds[0] == self.kinds[1]:
            self.primary, self.replicas = promoted, [other, self.primary]
            return
        # A primary of its kind goes on.
        self.primary.promote()
        for replica in self.replicas:
            replica.replicate(self.primary)
        wait_in_sync(self.primary, *self.replicas)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kinds", nargs="*", default=["redis", "hearth"], metavar="redis|hearth")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    has_failed = False
    for kind in arguments.kinds:
        with contextlib.ExitStack() as stack:
            trial = Trial(lambda of, stack=stack: stack.enter_context(Node(of)), kind, kind, arguments.seed)
            while trial.rounds < arguments.rounds:
                trial.play()
        has_failed |= kind == "hearth" and trial.kept != trial.rounds
        print(f"{kind}: {trial.rounds} rounds, data kept in {trial.kept}, lost in {trial.lost}", flush=True)
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
