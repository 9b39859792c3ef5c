"""Networks that fail, between real processes in network namespaces. The long runs are those of partitions.py."""

import os
import random

import pytest

from sentinel import netns, partitions

SEED = int(os.environ.get("HEARTH_SEED", random.SystemRandom().getrandbits(32)))
SIDES = {"isolated": ["s0", "c0"], "halves": ["s0", "s1", "t0", "c0"]}


@pytest.fixture(scope="module")
def network():
    reason = netns.why_not()
    if reason:
        pytest.skip(reason)
    network = netns.Network(partitions.HOSTS)
    yield network
    network.close()


@pytest.mark.parametrize("side", SIDES.values(), ids=SIDES.keys())
def test_a_primary_that_is_cut_off_is_replaced_and_all_agree_once_the_network_has_healed(network, side):
    print(f"HEARTH_SEED={SEED}")
    played = partitions.play(network, "hearth", "split", random.Random(SEED), partitions.until_switched(side))
    assert played.acknowledged > 0
    assert played.switched
