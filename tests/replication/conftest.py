"""Fixtures of the replication tests: nodes and proxies that end with the test."""

import signal

import pytest

from replication.nodes import PAIR_NAMES, PAIRS, Node
from replication.proxy import Proxy


@pytest.fixture
def node(request):
    """node(kind, *arguments, **options) -> Node, ended with the test; its folder stays when the test failed."""
    nodes = request.node.started_servers = []

    def begin(kind, *arguments, **options):
        one = Node(kind, *arguments, **options)
        nodes.append(one)
        return one

    yield begin
    for one in reversed(nodes):  # Replicas end before their primaries, which would wait for them.
        if one.is_running():
            one.thaw()
            one.signal(signal.SIGKILL if one.kind == "redis" else signal.SIGTERM)
    crashed = []
    for one in nodes:
        one.stop(keep_folder=True)
        if one.kind == "hearth" and one.has_crashed():
            crashed.append(one.log()[-8000:])
        elif not getattr(request.node, "failed_in_call", False):
            one.remove_folder()
    if crashed:
        pytest.fail("the server crashed:\n" + "\n".join(crashed))


@pytest.fixture
def proxy():
    """proxy(node) -> Proxy in front of it."""
    proxies = []

    def begin(target):
        proxies.append(Proxy(target.port))
        return proxies[-1]

    yield begin
    for one in proxies:
        one.close()


@pytest.fixture(params=PAIRS, ids=PAIR_NAMES)
def pair(request):
    """(kind of the primary, kind of the replica)."""
    return request.param
