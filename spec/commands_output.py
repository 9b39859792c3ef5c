"""Writes engine/command_facts.cc: the constant tables of AllCommandFacts() from spec/commands."""
import specs
from text_output import GENERATED, camel, constant, quoted

COMMAND_FLAGS = {
    "write": "kCommandWrite",
    "readonly": "kCommandReadonly",
    "denyoom": "kCommandDenyOom",
    "module": "kCommandModule",
    "admin": "kCommandAdmin",
    "pubsub": "kCommandPubSub",
    "noscript": "kCommandNoScript",
    "blocking": "kCommandBlocking",
    "loading": "kCommandLoading",
    "stale": "kCommandStale",
    "skip_monitor": "kCommandSkipMonitor",
    "skip_slowlog": "kCommandSkipSlowlog",
    "asking": "kCommandAsking",
    "fast": "kCommandFast",
    "no_auth": "kCommandNoAuth",
    "no_mandatory_keys": "kCommandNoMandatoryKeys",
    "no_async_loading": "kCommandNoAsyncLoading",
    "no_multi": "kCommandNoMulti",
    "movablekeys": "kCommandMovableKeys",
    "allow_busy": "kCommandAllowBusy",
    "protected": "kCommandProtected",
    "may_replicate": "kCommandMayReplicate",
    "touches_arbitrary_keys": "kCommandTouchesArbitraryKeys",
    "sentinel": "kCommandSentinel",
    "only_sentinel": "kCommandOnlySentinel",
    "special_keys": "kCommandSpecialKeys",
}
ACL_CATEGORIES = {
    "keyspace": "kAclKeyspace",
    "read": "kAclRead",
    "write": "kAclWrite",
    "set": "kAclSet",
    "sortedset": "kAclSortedSet",
    "list": "kAclList",
    "hash": "kAclHash",
    "string": "kAclString",
    "bitmap": "kAclBitmap",
    "hyperloglog": "kAclHyperLogLog",
    "geo": "kAclGeo",
    "stream": "kAclStream",
    "pubsub": "kAclPubSub",
    "admin": "kAclAdmin",
    "fast": "kAclFast",
    "slow": "kAclSlow",
    "blocking": "kAclBlocking",
    "dangerous": "kAclDangerous",
    "connection": "kAclConnection",
    "transaction": "kAclTransaction",
    "scripting": "kAclScripting",
}
KEY_FLAGS = {
    "RO": "kKeyReadOnly",
    "RW": "kKeyReadWrite",
    "OW": "kKeyOverwrite",
    "RM": "kKeyRemove",
    "access": "kKeyAccess",
    "update": "kKeyUpdate",
    "insert": "kKeyInsert",
    "delete": "kKeyDelete",
    "not_key": "kKeyNotKey",
    "incomplete": "kKeyIncomplete",
    "variable_flags": "kKeyVariableFlags",
}
ARGUMENT_TYPES = {
    "string": "kString",
    "integer": "kInteger",
    "double": "kDouble",
    "key": "kKey",
    "pattern": "kPattern",
    "unix-time": "kUnixTime",
    "pure-token": "kPureToken",
    "oneof": "kOneOf",
    "block": "kBlock",
}


def bits(where, words, names):
    for word in words:
        if word not in names:
            raise specs.SpecError(f"{where}: unknown word '{word}'")
    return " | ".join(names[word] for word in words) if words else "0"


def designated(fields):
    return "{" + ", ".join(f".{name} = {value}" for name, value in fields) + "}"


def full_name(command):
    return f"{command['container']}|{command['name']}" if "container" in command else command["name"]


def replacement(words):
    """["SET", "EX"] reads "`SET` with the `EX` argument": the commands come first, then their arguments."""
    commands = [word for i, word in enumerate(words) if i == 0 or " " in word or word.startswith(words[0])]
    arguments = [word for word in words if word not in commands]
    text = " or ".join(f"`{word}`" for word in commands)
    if arguments:
        plural = "s" if len(arguments) > 1 else ""
        text += " with the " + " and ".join(f"`{word}`" for word in arguments) + f" argument{plural}"
    return text


def key_spec(where, spec):
    fields = [("flags", bits(where, spec["flags"], KEY_FLAGS))]
    begin = spec["begin_search"]
    fields.append(("begin", f"BeginSearch::{constant(begin['type'])}"))
    if begin["type"] == "index":
        fields.append(("index", begin["pos"]))
    elif begin["type"] == "keyword":
        fields += [("keyword", quoted(begin["keyword"])), ("start_from", begin["startfrom"])]
    find = spec["find_keys"]
    if find["type"] == "range":
        fields.append(("find", "FindKeys::kRange"))
        fields += [("last_key", find["lastkey"]), ("step", find["step"]), ("limit", find["limit"])]
    elif find["type"] == "keynum":
        fields.append(("find", "FindKeys::kKeyNum"))
        fields += [("step", find["step"]), ("key_count_index", find["keynumidx"]), ("first_key", find["firstkey"])]
    if spec.get("notes"):
        fields.append(("notes", quoted(spec["notes"])))
    return designated(fields)


class Writer:
    """Collects the arrays that a command refers to before the command itself."""

    def __init__(self):
        self.out = []

    def array(self, type_name, name, entries):
        if not entries:
            return None
        body = "".join(f"    {entry},\n" for entry in entries)
        self.out.append(f"constexpr {type_name} {name}[] = {{\n{body}}};\n\n")
        return name

    def arguments(self, where, name, arguments):
        entries = []
        for number, argument in enumerate(arguments):
            inner = self.arguments(where, f"{name}_{number}", argument.get("arguments", []))
            kind = argument["type"]
            if kind not in ARGUMENT_TYPES:
                raise specs.SpecError(f"{where}: unknown type of argument '{kind}'")
            fields = [("name", quoted(argument["name"])), ("type", f"ArgumentType::{ARGUMENT_TYPES[kind]}")]
            if kind not in ("oneof", "block"):
                fields.append(("display_text", quoted(argument.get("display", argument["name"]))))
            if "token" in argument:
                fields.append(("token", quoted(argument["token"])))
            if "key_spec_index" in argument:
                fields.append(("key_spec_index", argument["key_spec_index"]))
            for field in ("since", "deprecated_since"):
                if field in argument:
                    fields.append((field, quoted(argument[field])))
            for field, member in (("optional", "is_optional"), ("multiple", "is_multiple"), ("multiple_token", "repeats_token")):
                if argument.get(field):
                    fields.append((member, "true"))
            if inner:
                fields.append(("arguments", inner))
            entries.append(designated(fields))
        return self.array("CommandArgument", name, entries)

    def command(self, command):
        """Writes the arrays of `command`; returns its initialiser."""
        name = full_name(command)
        suffix = camel(name.replace("|", "-"))
        subcommands = [self.command(subcommand) for subcommand in command["subcommands"]]
        fields = [("name", quoted(command["name"])), ("full_name", quoted(name))]
        if "container" in command:
            fields.append(("container", quoted(command["container"])))
        fields += [("group", quoted(command["group"])), ("since", quoted(command["since"])), ("arity", command["arity"])]
        fields.append(("flags", bits(name, command["flags"], COMMAND_FLAGS)))
        fields.append(("acl_categories", bits(name, command["acl_categories"], ACL_CATEGORIES)))
        first, last, step = command.get("key_range", (0, 0, 0))
        fields += [("first_key", first), ("last_key", last), ("key_step", step)]
        specs_array = self.array(
            "KeySpec", f"kKeySpecs{suffix}", [key_spec(name, spec) for spec in command.get("key_specs", [])])
        tips = self.array("std::string_view", f"kTips{suffix}", [quoted(tip) for tip in command.get("tips", [])])
        history = self.array(
            "CommandChange",
            f"kHistory{suffix}",
            [designated([("version", quoted(v)), ("description", quoted(t))]) for v, t in command.get("history", [])])
        arguments = self.arguments(name, f"kArguments{suffix}", command.get("arguments", []))
        nested = self.array("CommandFacts", f"kSubcommands{suffix}", subcommands)
        for member, array in (("key_specs", specs_array), ("tips", tips)):
            if array:
                fields.append((member, array))
        fields.append(("summary", quoted(command["summary"])))
        fields.append(("complexity", quoted(command.get("complexity", ""))))
        if command.get("system"):
            fields.append(("is_system_command", "true"))
        if "deprecated_since" in command:
            fields.append(("deprecated_since", quoted(command["deprecated_since"])))
            fields.append(("replaced_by", quoted(replacement(command["replaced_by"]))))
        for member, array in (("history", history), ("arguments", arguments), ("subcommands", nested)):
            if array:
                fields.append((member, array))
        fields.append(("origin", quoted(command["origin"])))
        status = command["status"]
        if isinstance(status, dict):
            ((kind, note),) = status.items()
            fields.append(("support", f"CommandSupport::{constant(kind)}"))
            fields.append(("support_note", quoted(note)))
        return designated(fields)


def source(commands):
    writer = Writer()
    entries = [writer.command(command) for command in commands]
    writer.array("CommandFacts", "kCommands", entries)
    return "".join([
        "// The table of commands.\n",
        GENERATED.format(source="spec/commands/*.json"),
        '#include "engine/command_facts.h"\n\nnamespace hearth::engine {\n\nnamespace {\n\n',
        *writer.out,
        "}  // namespace\n\n",
        "std::span<const CommandFacts> AllCommandFacts() { return kCommands; }\n\n}  // namespace hearth::engine\n",
    ])
