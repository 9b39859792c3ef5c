"""Random histories: links are cut, nodes die and return, move below others and become primaries, all under load. In the
end everybody has the same data.

HEARTH_REPLICATION_STEPS=500 makes a long one; the seed says which.
"""

import os
import random

import pytest

from replication.load import Load
from replication.nodes import ONLY_REAL, assert_same_data
from support.server import wait_for

STEPS = int(os.environ.get("HEARTH_REPLICATION_STEPS", "10"))
RATE = 1000
KINDS = [["redis"] * 4] if ONLY_REAL else [["hearth"] * 4, ["hearth", "redis", "hearth", "redis"]]
OPTIONS = {"hearth": ["--appendonly", "yes"], "redis": ["--repl-diskless-sync", "no"]}


class History:
    """Nodes with a proxy in front of each; the tree of who follows whom."""

    def __init__(self, node, proxy, prng, kinds):
        self.prng = prng
        self.nodes = [node(kind, *OPTIONS[kind], *prng.choice([[], ["--save", "3600 1"]])) for kind in kinds]
        self.proxies = {one: proxy(one) for one in self.nodes}
        self.primary = self.nodes[0]
        self.above = {}
        for one in self.nodes[1:]:
            self.follow(one, self.primary)

    def follow(self, one, other):
        self.above[one] = other
        one.replicate(self.proxies[other])

    def replicas(self):
        return [one for one in self.nodes if one is not self.primary]

    def is_below(self, one, other):
        while one is not None and one is not other:
            one = self.above.get(one)
        return one is other

    # -- What may happen.

    def cut(self):
        for between in self.proxies.values():
            between.cut()

    def stall_for_a_while(self, load):
        between = self.prng.choice(list(self.proxies.values()))
        between.stall()
        before = load.written
        wait_for(lambda: load.written > before + 100, 30, "the load")
        between.resume()

    def kill(self):
        one = self.prng.choice(self.replicas())
        one.kill()
        self.return_of(one)

    def end(self):
        one = self.prng.choice(self.replicas())
        one.signal(15)
        one.wait_for_exit()
        self.return_of(one)

    def return_of(self, one):
        """Its command line names no primary: that is how a forgetful operator starts it."""
        one.restart()
        self.follow(one, self.above[one])

    def move(self):
        one = self.prng.choice(self.replicas())
        self.follow(one, self.prng.choice([other for other in self.nodes if not self.is_below(other, one)]))

    def promote(self):
        """One takes over; the others go below it, or stay where they are below one that does."""
        new = self.prng.choice(self.replicas())
        old, self.primary = self.primary, new
        new.promote()
        del self.above[new]
        for one in self.nodes:
            if one is not new and (one is old or not self.is_below(one, new)):
                self.follow(one, new)


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
def test_everybody_has_the_same_data_in_the_end(node, proxy, seed, kinds):
    history = History(node, proxy, random.Random(seed), kinds)
    for step in range(STEPS):
        event = history.prng.choice(["cut", "cut", "stall_for_a_while", "kill", "end", "move", "move", "promote"])
        print(f"step {step}: {event}; primary {history.primary}")
        with Load(history.primary, seed + step, RATE) as load:
            wait_for(lambda: load.written > 150, 30, "the load")
            if event == "stall_for_a_while":
                history.stall_for_a_while(load)
            else:
                getattr(history, event)()
    assert_same_data(history.primary, *history.replicas(), seconds=60)
