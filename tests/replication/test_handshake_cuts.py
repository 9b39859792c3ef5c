"""The handshake ends, or stands still, after any number of bytes in either direction; afterwards all is well.

A few positions are drawn from the seed; HEARTH_REPLICATION_POSITIONS=all takes every one (minutes for each test).
"""

import concurrent.futures
import os
import queue
import random
import re

import pytest

from replication.nodes import assert_same_data, wait_in_sync
from support.server import wait_for

EVERY_POSITION = os.environ.get("HEARTH_REPLICATION_POSITIONS") == "all"
SAMPLE = 5
WORKERS = 4


def positions(prng, length):
    """How many bytes may pass: the first ones and a sample, or every number."""
    if EVERY_POSITION:
        return list(range(length + 1))
    return [0, *prng.sample(range(1, length + 1), min(SAMPLE, length))]


def follower(node, proxy, kind, primary, *arguments):
    """A replica behind a proxy of its own."""
    replica, between = node(kind, *arguments), proxy(primary)
    replica.replicate(between)
    wait_in_sync(primary, replica)
    return replica, between


def small_primary(node, kind, *arguments):
    primary = node(kind, *arguments)
    with primary.client() as client:
        client.pipeline([["SET", "text", "v" * 50], ["RPUSH", "list", 1, 2, 3], ["HSET", "hash", "f", "v"],
                         ["SELECT", 3], ["SET", "elsewhere", "v", "PX", 10**9]])
    return primary


def begin_partial(replica, between):
    between.cut()


def begin_full(replica, between):
    """By a life of its own in between, the replica comes with another history."""
    replica.promote()
    replica.replicate(between)


def cut_once(primary, replica, between, direction, position, begin):
    before = between.limited()
    between.limit(**{direction: position})
    begin(replica, between)
    wait_for(lambda: between.limited() > before, 30, f"a link that ends after {position} bytes {direction}")
    between.limit()
    wait_in_sync(primary, replica)


def run_in_parallel(followers, work, task):
    """Each follower takes pieces of `work` until there are none."""
    left = queue.SimpleQueue()
    for piece in work:
        left.put(piece)

    def run(replica, between):
        while not left.empty():
            try:
                piece = left.get_nowait()
            except queue.Empty:
                return
            task(replica, between, *piece)

    with concurrent.futures.ThreadPoolExecutor(len(followers)) as pool:
        for finished in [pool.submit(run, *one) for one in followers]:
            finished.result()


def handshake_lengths(link):
    """Bytes of a whole handshake in both directions, and of all that has come to the replica, as a first link shows
    them."""
    answer = re.search(rb"\+(FULLRESYNC [0-9a-f]{40} \d+|CONTINUE[^\r]*)\r\n", link.to_replica)
    asked = re.search(rb"PSYNC\r\n\$\d+\r\n[^\r]+\r\n\$\d+\r\n-?\d+\r\n", link.to_primary)
    assert answer and asked, (link.to_primary, link.to_replica)
    return {"to_primary": asked.end(), "to_replica": answer.end(), "all": len(link.to_replica)}


@pytest.mark.parametrize("begin", [begin_partial, begin_full], ids=["partial", "full"])
def test_a_handshake_may_end_after_any_byte(node, proxy, pair, seed, begin):
    prng = random.Random(seed)
    primary = small_primary(node, pair[0])
    followers = [follower(node, proxy, pair[1], primary) for _ in range(WORKERS)]
    begin(*followers[0])
    wait_in_sync(primary, followers[0][0])
    lengths = handshake_lengths(followers[0][1].links[-1])
    work = [("to_primary", position, begin) for position in positions(prng, lengths["to_primary"])]
    work += [("to_replica", position, begin) for position in positions(prng, lengths["all"])]
    run_in_parallel(followers, work, lambda *task: cut_once(primary, *task))
    assert_same_data(primary, *(replica for replica, _ in followers))
    if begin is begin_partial:
        assert primary.count("sync_full") == WORKERS


def stall_once(primary, replica, between, direction, position):
    before, attempts = between.limited(), between.attempts
    between.limit(**{direction: position}, keep=True)
    begin_full(replica, between)
    wait_for(lambda: between.limited() > before, 30, f"a link that stands still after {position} bytes {direction}")
    between.limit()
    wait_for(lambda: between.attempts > attempts + 1, 30, "another attempt")
    wait_in_sync(primary, replica)


def test_a_handshake_that_stands_still_is_given_up(node, proxy, pair, seed):
    """One silent link for each worker, all at the same time: the real server waits five seconds for a reply."""
    prng = random.Random(seed)
    quick = ["--repl-timeout", "2"]
    primary = small_primary(node, pair[0], *quick)
    followers = [follower(node, proxy, pair[1], primary, *quick) for _ in range(WORKERS)]
    lengths = handshake_lengths(followers[0][1].links[0])
    work = [("to_primary", prng.randrange(lengths["to_primary"])), ("to_replica", prng.randrange(12)),
            ("to_replica", prng.randrange(12, lengths["to_replica"])), ("to_replica", lengths["to_replica"] + 200)]
    run_in_parallel(followers, work, lambda *task: stall_once(primary, *task))
    assert_same_data(primary, *(replica for replica, _ in followers))
