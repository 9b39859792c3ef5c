"""Reads and checks spec/commands/*.json and spec/config/*.json. Every mistake names its file and entry."""
import json
import re


class SpecError(Exception):
    pass


DIRECTIVE_TYPES = {
    "bool", "integer", "memory", "octal", "enum", "flags", "string", "addresses", "output-buffer-limits", "directory",
    "percentiles", "notify-flags", "oom-scores", "primary-address", "save-points",
}
DIRECTIVE_FIELDS = {
    "name", "alias", "quiet_names", "member", "type", "enum", "percent", "min", "max", "default", "values",
    "immutable", "flags", "origin", "status", "summary",
}
DIRECTIVE_FLAGS = {"sensitive", "hidden", "protected", "deny_loading", "volatile", "multi_arg"}
COMMAND_FIELDS = {
    "name", "container", "group", "since", "origin", "arity", "flags", "acl_categories", "key_range", "key_specs", "tips",
    "summary", "complexity", "system", "deprecated_since", "replaced_by", "history", "arguments", "reply", "status",
}

# The order of the topics in the documentation; a new file in spec/config has to be named here.
TOPIC_ORDER = [
    "network", "tls", "process", "logging", "security", "clients", "memory", "encodings", "persistence", "replication",
    "cluster", "diagnostics",
]


def load_json(path):
    try:
        return json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise SpecError(f"{path.name}: {error}") from error


def check_fields(where, entry, allowed, required):
    for field in entry:
        if field not in allowed:
            raise SpecError(f"{where}: unknown field '{field}'")
    for field in required:
        if field not in entry:
            raise SpecError(f"{where}: field '{field}' is missing")


def check_directive(where, directive):
    check_fields(where, directive, DIRECTIVE_FIELDS, ["name", "type", "default", "status", "summary"])
    if directive["type"] not in DIRECTIVE_TYPES:
        raise SpecError(f"{where}: unknown type '{directive['type']}'")
    if directive["status"] not in ("active", "stored"):
        raise SpecError(f"{where}: status is 'active' or 'stored', not '{directive['status']}'")
    for flag in directive.get("flags", []):
        if flag not in DIRECTIVE_FLAGS:
            raise SpecError(f"{where}: unknown flag '{flag}'")
    if directive["type"] in ("enum", "flags") and directive["default"] not in directive["values"]:
        raise SpecError(f"{where}: the default is none of the values")
    if directive["type"] in ("integer", "memory", "octal"):
        if not directive["min"] <= directive["default"] <= directive["max"]:
            raise SpecError(f"{where}: the default is out of bounds")


def load_topics(spec):
    """The topics in order, each {'topic': title, 'directives': [...]}; names are unique over all of them."""
    found = {path.stem: path for path in (spec / "config").glob("*.json")}
    for stem in found:
        if stem not in TOPIC_ORDER:
            raise SpecError(f"config/{stem}.json is not in TOPIC_ORDER of specs.py")
    topics = []
    names = {}
    for stem in TOPIC_ORDER:
        topic = load_json(found[stem])
        for directive in topic["directives"]:
            where = f"config/{stem}.json, {directive.get('name')}"
            check_directive(where, directive)
            spellings = [directive["name"], *directive.get("quiet_names", [])]
            if "alias" in directive:
                spellings.append(directive["alias"])
            for name in spellings:
                if name in names:
                    raise SpecError(f"{where}: '{name}' is already a name of {names[name]}")
                names[name] = directive["name"]
        topics.append(topic)
    return topics


def all_directives(topics):
    """Every directive, sorted by name."""
    return sorted((d for topic in topics for d in topic["directives"]), key=lambda d: d["name"])


def load_sentinel(spec):
    """The directives of a Sentinel's configuration file, in the order in which people look for them."""
    directives = load_json(spec / "sentinel.json")["directives"]
    for directive in directives:
        fields = ["words", "default", "also", "kept", "origin", "summary"]
        check_fields(f"sentinel.json, {directive.get('words')}", directive, fields, ["words", "summary"])
    return directives


def load_commands(spec):
    """Top-level commands by name; each gets 'subcommands', a list in order of name."""
    commands = {}
    subcommands = []
    for path in sorted((spec / "commands").glob("*.json")):
        for command in load_json(path)["commands"]:
            where = f"commands/{path.name}, {command.get('name')}"
            required = ["name", "group", "since", "arity", "flags", "acl_categories", "summary", "status"]
            check_fields(where, command, COMMAND_FIELDS, required)
            if not re.fullmatch(r"[a-z0-9_-]+", command["name"]):
                raise SpecError(f"{where}: names are lower case")
            command["subcommands"] = []
            if "container" in command:
                subcommands.append((where, command))
            elif command["name"] in commands:
                raise SpecError(f"{where}: a second command of this name")
            else:
                commands[command["name"]] = command
    for where, command in subcommands:
        if command["container"] not in commands:
            raise SpecError(f"{where}: its container '{command['container']}' does not exist")
        commands[command["container"]]["subcommands"].append(command)
    for command in commands.values():
        command["subcommands"].sort(key=lambda c: c["name"])
    return [commands[name] for name in sorted(commands)]
