"""Which commands Hearth claims to have: what spec/commands marks as missing is not sent to the servers.

A command's entry there is held to the code by a unit test (server/commands_test.cc), so nothing hides behind this.
"""

import functools
import json
import pathlib

SPEC = pathlib.Path(__file__).resolve().parents[2] / "spec" / "commands"


@functools.cache
def _missing():
    names = set()
    for path in SPEC.glob("*.json"):
        for command in json.loads(path.read_text())["commands"]:
            if isinstance(command["status"], dict) and "missing" in command["status"]:
                words = (command["container"], command["name"]) if "container" in command else (command["name"],)
                names.add(tuple(word.upper().encode() for word in words))
    return names


# Pseudo commands of the runner that carry a value from one server to the other.
NEEDS_DUMP = (b"@DUMP", b"@RESTORE")


def is_supported(arguments):
    """False for a request whose command the spec marks as missing."""
    words = [word.upper() for word in arguments[:2]]
    if words[0].startswith(b"@") and any(words[0].startswith(p) for p in NEEDS_DUMP):
        return (b"DUMP",) not in _missing()
    return (words[0],) not in _missing() and tuple(words) not in _missing()
