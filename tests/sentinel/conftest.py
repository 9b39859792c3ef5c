"""Fixtures of the Sentinel tests: servers and Sentinels of either kind that end with the test."""

import signal

import pytest

from sentinel.deployment import Deployment, Sentinel, Watched


@pytest.fixture
def ended(request):
    """A list of servers that are ended with the test; their folders stay when the test failed."""
    servers = request.node.started_servers = []
    yield servers
    for one in servers:  # Sentinels first, or they would act on what they see.
        if isinstance(one, Sentinel) and one.is_running():
            one.kill()
    for one in servers:
        if one.is_running():
            one.signal(signal.SIGCONT)
            one.kill()
    crashed = []
    for one in servers:
        if one.role == "hearth" and one.has_crashed():
            crashed.append(one.log()[-8000:])
        elif not getattr(request.node, "failed_in_call", False):
            one.remove_folder()
    if crashed:
        pytest.fail("the server crashed:\n" + "\n".join(crashed))


@pytest.fixture
def server(ended):
    """server(kind, *arguments, **options) -> Watched."""

    def begin(kind="hearth", *arguments, **options):
        ended.append(Watched(kind, *arguments, **options))
        return ended[-1]

    return begin


@pytest.fixture
def sentinel(ended):
    """sentinel(kind, configuration) -> Sentinel."""

    def begin(kind="hearth", configuration="", **options):
        ended.append(Sentinel(kind, configuration, **options))
        return ended[-1]

    return begin


@pytest.fixture
def deploy(server, sentinel):
    """deploy(servers=[kinds], sentinels=[kinds], ...) -> Deployment that knows itself."""

    def begin(**options):
        return Deployment(server, sentinel, **options)

    return begin
