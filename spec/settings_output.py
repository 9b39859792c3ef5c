"""Writes settings/settings.h (struct Settings) and settings/directive_table.cc (its directives) from spec/config."""
import specs
from text_output import GENERATED, camel, comment, constant, first_sentence, quoted, snake

INT64_MAX = 2**63 - 1

# Members of the types that have no plain scalar: their C++ type and initial value.
SPECIAL_MEMBERS = {
    "addresses": ("std::vector<std::string>", '{"*", "-::*"}'),
    "output-buffer-limits": (
        "OutputBufferLimits",
        "{OutputBufferLimit{0, 0, 0}, OutputBufferLimit{268435456, 67108864, 60}, OutputBufferLimit{33554432, 8388608, 60}}",
    ),
    "percentiles": ("std::vector<double>", "{50.0, 99.0, 99.9}"),
    "notify-flags": ("NotifyFlags", "{}"),
    "oom-scores": ("OomScores", "{0, 200, 800}"),
    "primary-address": ("PrimaryAddress", "{}"),
    "save-points": ("std::vector<SavePoint>", "{{3600, 1}, {300, 100}, {60, 10000}}"),
}


def member_name(directive):
    return directive.get("member", snake(directive["name"]))


def enum_name(directive):
    return directive.get("enum", camel(directive["name"]))


def number(value):
    if value == -(2**63):
        return "INT64_MIN"
    return f"{value}u" if value > INT64_MAX else str(value)


def member_type(directive):
    kind = directive["type"]
    if kind == "bool":
        return "bool"
    if kind in ("integer", "memory", "octal"):
        return "uint64_t" if directive["max"] > INT64_MAX else "int64_t"
    if kind == "enum":
        return enum_name(directive)
    if kind == "flags":
        return enum_name(directive)
    if kind in ("string", "directory"):
        return "std::string"
    return SPECIAL_MEMBERS[kind][0]


def initial_value(directive):
    kind = directive["type"]
    if kind == "bool":
        return " = true" if directive["default"] == "yes" else " = false"
    if kind in ("integer", "memory"):
        return f" = {number(directive['default'])}"
    if kind == "octal":
        return f" = 0{directive['default']:o}" if directive["default"] else " = 0"
    if kind == "enum":
        return f" = {enum_name(directive)}::{constant(directive['default'])}"
    if kind == "flags":
        return f" = {enum_name(directive)}::{constant(directive['default'])}"
    if kind in ("string", "directory"):
        return f" = {quoted(directive['default'])}" if directive["default"] else ""
    value = SPECIAL_MEMBERS[kind][1]
    return "" if value == "{}" else f" = {value}"


def enum_values(directive):
    """The words of an enumeration with their numbers; those of 'flags' are bits, the default being none of them."""
    if directive["type"] == "enum":
        return list(enumerate(directive["values"]))
    values = []
    bit = 1
    for word in directive["values"]:
        if word == directive["default"]:
            values.append((0, word))
        else:
            values.append((bit, word))
            bit *= 2
    return values


def enums(directives):
    """The C++ enumerations by name; directives may share one if their words are the same."""
    found = {}
    for directive in directives:
        if directive["type"] not in ("enum", "flags"):
            continue
        name = enum_name(directive)
        values = enum_values(directive)
        if name in found and found[name][1] != values:
            raise specs.SpecError(f"enum {name}: {directive['name']} has other words")
        found.setdefault(name, (directive, values))
    return found


def header(topics):
    directives = specs.all_directives(topics)
    out = [
        "// The current value of every directive of the configuration.\n",
        "// One object of it is owned by server/ (class Configuration) and written by it alone, on the engine thread;\n",
        "// all parts get a const Settings&. Other threads get copies of what they need through apply hooks.\n",
        GENERATED.format(source="spec/config/*.json"),
        "#pragma once\n\n#include <cstdint>\n#include <string>\n#include <vector>\n\n",
        '#include "settings/value_types.h"\n\nnamespace hearth::settings {\n\n',
    ]
    for name, (directive, values) in sorted(enums(directives).items()):
        base = "int" if directive["type"] == "flags" else "uint8_t"
        if directive["type"] == "flags":
            out.append("// Bits: a value is any sum of them.\n")
        out.append(f"enum class {name} : {base} {{\n")
        for value, word in values:
            out.append(f"  {constant(word)} = {value},\n")
        out.append("};\n\n")
    out.append("struct Settings {\n")
    for topic in topics:
        out.append(f"  // {topic['topic']}.\n\n")
        for directive in topic["directives"]:
            out.append(comment(f"{directive['name']}: {first_sentence(directive['summary'])}", "  "))
            out.append(f"  {member_type(directive)} {member_name(directive)}{initial_value(directive)};\n")
        out.append("\n")
    out.append("  // Lines that only a configuration file or the command line can hold, in their order.\n\n")
    out.append("  std::vector<FileLine> user_lines;\n")
    out.append("  std::vector<FileLine> sentinel_lines;\n")
    out.append("  std::vector<RenamedCommand> renamed_commands;\n")
    out.append("};\n\n}  // namespace hearth::settings\n")
    return "".join(out)


def default_text(directive):
    """The default in the words of CONFIG GET."""
    value = directive["default"]
    if directive["type"] == "octal":
        return f"{value:o}"
    return str(value)


def directive_flags(directive):
    flags = [f"kDirective{camel(flag)}" for flag in directive.get("flags", [])]
    if directive.get("immutable"):
        flags.append("kDirectiveImmutable")
    if directive["status"] == "stored":
        flags.append("kDirectiveStored")
    if directive.get("percent"):
        flags.append("kDirectivePercent")
    return " | ".join(flags) if flags else "0"


def table_entry(directive):
    member = f"&Settings::{member_name(directive)}"
    fields = [
        (".name", quoted(directive["name"])),
        (".alias", quoted(directive.get("alias", ""))),
        (".type", f"DirectiveType::{constant(directive['type'])}"),
        (".flags", directive_flags(directive)),
    ]
    if directive.get("quiet_names"):
        fields.insert(2, (".quiet_names", f"{constant('quiet-names')}Of{camel(directive['name'])}"))
    if "min" in directive:
        low, high = directive["min"], directive["max"]
        fields.append((".minimum", number(low)))
        fields.append((".maximum", number(high)))
    if directive["type"] in ("enum", "flags"):
        fields.append((".values", f"kValuesOf{enum_name(directive)}"))
    fields.append((".default_text", quoted(default_text(directive))))
    fields.append((".assign", f"AssignMember<{member}>"))
    fields.append((".format", f"FormatMember<{member}>"))
    fields.append((".is_equal", f"IsSameMember<{member}>"))
    fields.append((".copy", f"CopyMember<{member}>"))
    body = "".join(f"        {name} = {value},\n" for name, value in fields)
    return f"    Directive{{\n{body}    }},\n"


def source(topics):
    directives = specs.all_directives(topics)
    out = [
        "// The table of directives: names, bounds and access to the member of Settings.\n",
        GENERATED.format(source="spec/config/*.json"),
        '#include "settings/directive.h"\n#include "settings/directive_access.h"\n#include "settings/settings.h"\n\n',
        "namespace hearth::settings {\n\nnamespace {\n\n",
    ]
    for name, (_, values) in sorted(enums(directives).items()):
        out.append(f"constexpr NamedValue kValuesOf{name}[] = {{\n")
        out.extend(f"    {{{quoted(word)}, {value}}},\n" for value, word in values)
        out.append("};\n\n")
    for directive in directives:
        if directive.get("quiet_names"):
            words = ", ".join(quoted(word) for word in directive["quiet_names"])
            out.append(f"constexpr std::string_view kQuietNamesOf{camel(directive['name'])}[] = {{{words}}};\n\n")
    out.append("constexpr Directive kDirectives[] = {\n")
    out.extend(table_entry(directive) for directive in directives)
    out.append("};\n\n}  // namespace\n\n")
    out.append("std::span<const Directive> AllDirectives() { return kDirectives; }\n\n}  // namespace hearth::settings\n")
    return "".join(out)
