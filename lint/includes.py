#!/usr/bin/env python3
"""Holds the floors of docs/architecture.md: a room includes only rooms on lower floors, and itself.

Rooms on one floor do not include each other, and the pure machines in */core/ include base/ alone. The libraries
that a room's CMakeLists.txt names are held to the same table.
"""

import re
import sys

import sources

# room -> floor, as in docs/architecture.md. A folder of src/ that is missing here is a failure.
FLOORS = {
    "base": 0,
    "env": 1,
    "resp": 1,
    "ds": 1,
    "settings": 1,
    "keyspace": 2,
    "net": 2,
    "rdb": 3,
    "log": 3,
    "aof": 4,
    "engine": 4,
    "script_libraries": 4,
    "commands": 5,
    "persistence": 5,
    "script": 5,
    "replication": 6,
    "cluster": 6,
    "sentinel": 6,
    "server": 7,
    "web": 8,
    "main.cc": 9,
}
CORE_FLOOR = 1
# Folders inside a room that are rooms of their own, with what builds and lint call them.
INNER_ROOMS = {"script/libraries": "script_libraries"}
# What stands around src/ may look at all of it.
TOP_FLOOR = max(FLOORS.values())

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
ROOM_RULE = re.compile(r"hearth_room\((.*?)\)", re.DOTALL)


def room_of(path):
    """The room of a path under src/: "ds", "sentinel/core", "script_libraries" or "main.cc"."""
    parts = path.split("/")
    inner = INNER_ROOMS.get("/".join(parts[:2]))
    if inner is not None:
        return inner
    if len(parts) > 2 and parts[1] == "core":
        return parts[0] + "/core"
    return parts[0]


def floor_of(room):
    if room.endswith("/core"):
        return CORE_FLOOR if room.split("/")[0] in FLOORS else None
    return FLOORS.get(room)


def may_use(room, used):
    """None if `room` may use `used`, else the reason why not."""
    if floor_of(used) is None:
        return f'"{used}" is not a room; floors are listed in lint/includes.py and docs/architecture.md'
    if room == used:
        return None
    if room.endswith("/core"):
        return None if used == "base" else f"{room} is a pure machine and includes base/ alone, not {used}/"
    if floor_of(used) < floor_of(room):
        return None
    direction = "sideways" if floor_of(used) == floor_of(room) else "upwards"
    return (
        f"{direction} include: {room}/ stands on floor {floor_of(room)}, {used}/ on floor {floor_of(used)};"
        " move what is shared to a lower room, or pass it in"
    )


def check_source(root, path, findings):
    inside = path[len("src/") :]
    room = room_of(inside)
    if floor_of(room) is None:
        findings.fail(path, 1, f'"{room}" has no floor in lint/includes.py and docs/architecture.md')
        return
    text = sources.read(root, path)
    for match in INCLUDE.finditer(text):
        included = match.group(1)
        line = sources.line_of(text, match.start())
        if "/" not in included:
            findings.fail(path, line, f'include "{included}" by its path from src/, "{room}/{included}"')
        elif included.startswith("."):
            findings.fail(path, line, f'include "{included}" by its path from src/, not relative to this file')
        else:
            reason = may_use(room, room_of(included))
            if reason:
                findings.fail(path, line, reason)


def check_link_rule(root, path, findings):
    """hearth_room(name DEPS a b ...) links only what name may include."""
    text = sources.read(root, path)
    for match in ROOM_RULE.finditer(text):
        words = match.group(1).split()
        room = words[0].replace("_core", "/core")
        if "DEPS" not in words or floor_of(room) is None:
            continue
        for word in words[words.index("DEPS") + 1 :]:
            if word.isupper():
                break
            reason = may_use(room, word.replace("_core", "/core"))
            if reason:
                findings.fail(path, sources.line_of(text, match.start()), reason)


def check(root=sources.ROOT):
    findings = sources.Findings()
    for path in sources.walk(root, sources.CPP, ["src"]):
        check_source(root, path, findings)
    for path in sources.walk(root, ("CMakeLists.txt",), ["src"]):
        check_link_rule(root, path, findings)
    for path in sources.walk(root, sources.CPP, ["fuzz", "tools", "sim", "bench"]):
        text = sources.read(root, path)
        for match in INCLUDE.finditer(text):
            target = match.group(1)
            if target.startswith(("src/", "../")):
                line = sources.line_of(text, match.start())
                findings.fail(path, line, f'include "{target}" by its path from src/, for example "base/result.h"')
    return findings


if __name__ == "__main__":
    result = check()
    print("\n".join(result.failures))
    sys.exit(1 if result.failures else 0)
