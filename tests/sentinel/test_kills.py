"""kill -9 of Sentinels at random moments of failovers: their files load, and all agree in the end.

HEARTH_SENTINEL_KILL_ROUNDS says how many rounds; a failing one comes again with its HEARTH_SEED.
"""

import os
import random
import signal
import time

from sentinel.deployment import NAME
from support.info import info_fields
from support.server import wait_for

ROUNDS = int(os.environ.get("HEARTH_SENTINEL_KILL_ROUNDS", "3"))
SEED = int(os.environ.get("HEARTH_SEED", random.SystemRandom().getrandbits(32)))
AGREE_SECONDS = 90
SPAN_SECONDS = 1.2  # from the begin of a failover, in which Sentinels are killed


def epochs_of(sentinel):
    """{directive: epoch} of its file."""
    words = [line.split() for line in sentinel.lines()]
    return {line[1]: int(line[-1]) for line in words if line[1] in ("current-epoch", "config-epoch", "leader-epoch")}


def begin_failover(deployment, primary, random_):
    """Something that makes the Sentinels act; gives what undoes it."""
    kind = random_.choice(["ask", "kill", "stop"])
    if kind == "ask":
        random_.choice(deployment.sentinels).call("SENTINEL", "FAILOVER", NAME)
        return lambda: None
    if kind == "stop":
        primary.signal(signal.SIGSTOP)
        return lambda: primary.signal(signal.SIGCONT)
    primary.kill()
    return primary.restart


def kill_some(deployment, random_):
    """Kills one Sentinel after the other at random moments, each of which comes back after a random while."""
    begin = time.monotonic()
    moments = sorted(random_.uniform(0, SPAN_SECONDS) for _ in range(random_.randint(1, 4)))
    for moment in moments:
        wait_for(lambda at=moment: time.monotonic() - begin >= at, 30, "the moment", pause=0.001)
        victim = random_.choice(deployment.sentinels)
        if victim.is_running():
            victim.kill()
        if random_.random() < 0.5:
            restart(victim)
    for one in deployment.sentinels:
        if not one.is_running():
            restart(one)


def restart(sentinel):
    """With what it had saved: nothing of it may have gone back."""
    before = epochs_of(sentinel)
    identity = next(line for line in sentinel.lines() if line.startswith("sentinel myid "))
    sentinel.restart()
    assert identity in sentinel.lines()
    after = epochs_of(sentinel)
    assert all(after[name] >= epoch for name, epoch in before.items()), (before, after)


def why_not_agreed(deployment):
    ports = {one.primary_port() for one in deployment.sentinels}
    if len(ports) > 1:
        return f"the Sentinels name {ports}"
    for server in deployment.servers:
        fields = server.replication()
        is_chosen = server.port in ports
        if is_chosen and fields["role"] != "master":
            return f"{server} is to be the primary"
        if not is_chosen and (fields.get("master_port"), fields.get("master_link_status")) != (str(*ports), "up"):
            return f"{server} does not follow {ports}: {info_fields(server.call('INFO', 'replication'))}"
    for one in deployment.sentinels:
        if one.primary()["flags"] != "master" or any(r["flags"] != "slave" for r in one.replicas()):
            return f"{one} sees {one.primary()['flags']}, {[r['flags'] for r in one.replicas()]}"
    return ""


def test_sentinels_killed_during_failovers_come_back_and_agree(deploy):
    print(f"HEARTH_SEED={SEED}")
    random_ = random.Random(SEED)
    deployment = deploy()
    for number in range(ROUNDS):
        port = deployment.sentinels[0].primary_port()
        primary = next(one for one in deployment.servers if one.port == port)
        undo = begin_failover(deployment, primary, random_)
        kill_some(deployment, random_)
        undo()
        reason = [""]

        def is_agreed():
            reason[0] = why_not_agreed(deployment)
            return not reason[0]

        try:
            wait_for(is_agreed, AGREE_SECONDS, "all to agree", pause=0.05)
        except AssertionError as error:
            raise AssertionError(f"round {number} of seed {SEED}: {reason[0]}") from error
