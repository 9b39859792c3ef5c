"""One module for each command group. A module offers MAKERS, a list of (weight, maker); see grammar.py.

A new group is one new file here: its name is the name of the group.
"""

import importlib
import pathlib


def names():
    folder = pathlib.Path(__file__).parent
    return sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")


def load(group):
    return importlib.import_module(f"differential.families.{group}")
