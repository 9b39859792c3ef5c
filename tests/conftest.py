"""Fixtures and options shared by all tests. Servers are started per test and ended by pid, whatever
happens."""

import os
import random

import pytest

from support.server import Server, binary_of


def pytest_addoption(parser):
    group = parser.getgroup("hearth")
    group.addoption("--seed", default=os.environ.get("HEARTH_SEED"), help="seed of the randomised tests")
    group.addoption("--commands", type=int, default=None,
                    help="generated commands for each differential test")
    group.addoption("--groups", default=None,
                    help="command groups of the differential tests, joined by commas")


@pytest.fixture
def seed(request):
    """A fresh seed, printed, or the one that was asked for."""
    value = request.config.getoption("--seed")
    value = int(value) if value is not None else random.SystemRandom().getrandbits(32)
    print(f"HEARTH_SEED={value}")
    return value


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        item.failed_in_call = True
        for server in getattr(item, "started_servers", []):
            tail = "\n".join(server.log().splitlines()[-40:])
            report.sections.append((f"log of {server.role} in {server.folder}", tail))


@pytest.fixture
def start(request):
    """start(role, *arguments, **options) -> Server, ended with the test; its folder stays when the test
    failed."""
    servers = request.node.started_servers = []

    def begin(role="hearth", *arguments, **options):
        server = Server(role, *arguments, **options)
        servers.append(server)
        return server

    yield begin
    crashed = []
    for server in servers:
        server.stop(keep_folder=True)
        if server.role == "hearth" and server.has_crashed():
            crashed.append(server.log()[-8000:])
        elif not getattr(request.node, "failed_in_call", False):
            server.remove_folder()
    if crashed:
        pytest.fail("the server crashed:\n" + "\n".join(crashed))


@pytest.fixture
def hearth(start):
    return start("hearth")


@pytest.fixture
def oracle(start):
    return start("oracle")


@pytest.fixture
def both(start):
    """The same server twice over: [Hearth, the oracle]."""
    return [start("hearth"), start("oracle")]


@pytest.fixture(params=["hearth", "oracle"])
def each(request, start):
    """Hearth and, as a check of the test itself, the oracle."""
    return start(request.param)


@pytest.fixture(params=["hearth", "oracle"])
def role(request):
    return request.param


@pytest.fixture(scope="session", autouse=True)
def binaries_exist():
    """A missing server fails the run instead of skipping it."""
    import shutil

    for role_name in ("hearth", "oracle"):
        if shutil.which(binary_of(role_name)) is None:
            pytest.exit(f"no server at {binary_of(role_name)}", returncode=3)
