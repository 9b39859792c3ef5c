"""Generated commands get the same replies, events and data from Hearth as from a real Redis.

Options: --seed N (or HEARTH_SEED), --commands N, --groups a,b. The long sessions are marked slow.
"""

import pytest

from differential import families
from differential.runner import SERVER_ARGUMENTS
from differential.session import run_session

COMMANDS = 4000
LONG_COMMANDS = 100000
DATA_TYPES = ["set", "sorted_set", "stream", "bitmap", "hyperloglog", "geo"]
DATA_TYPE_COMMANDS = 200000


def chosen_groups(config):
    asked = config.getoption("--groups")
    return asked.split(",") if asked else families.names()


def pytest_generate_tests(metafunc):
    if "group" in metafunc.fixturenames:
        metafunc.parametrize("group", chosen_groups(metafunc.config))


def check(start, seed, groups, commands):
    outcome = run_session(start("oracle", *SERVER_ARGUMENTS), start("hearth", *SERVER_ARGUMENTS), seed,
                          groups, commands)
    assert not outcome.report, outcome.report


def test_one_group_agrees_with_the_oracle(start, seed, request, group):
    check(start, seed, [group], request.config.getoption("--commands") or COMMANDS)


def test_all_groups_together_agree_with_the_oracle(start, seed, request):
    check(start, seed, chosen_groups(request.config), request.config.getoption("--commands") or 3 * COMMANDS)


@pytest.mark.slow
def test_a_long_mixed_session_agrees_with_the_oracle(start, seed, request):
    check(start, seed, chosen_groups(request.config), request.config.getoption("--commands") or LONG_COMMANDS)


@pytest.mark.slow
def test_a_long_session_of_the_larger_types_agrees_with_the_oracle(start, seed, request):
    check(start, seed, DATA_TYPES, request.config.getoption("--commands") or DATA_TYPE_COMMANDS)
