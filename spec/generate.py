#!/usr/bin/env python3
"""Turns the facts in spec/commands/*.json, spec/config/*.json and spec/sentinel.json (the lines of a Sentinel's file) into
tables, documentation and hearth.conf.

    generate.py tables <folder>     engine/command_facts.cc, settings/settings.h and settings/directive_table.cc
    generate.py docs [--check]      docs/compatibility.md, docs/configuration.md and hearth.conf of this checkout

A file is rewritten only if its content changes, so that nothing is rebuilt without need. With --check nothing is
written: the exit code says whether the checked-in files are up to date.
"""
import pathlib
import sys

SPEC = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(SPEC))
sys.dont_write_bytecode = True

import commands_output  # noqa: E402
import docs_output  # noqa: E402
import settings_output  # noqa: E402
import specs  # noqa: E402


def write_if_changed(path, text):
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make_tables(folder):
    commands = specs.load_commands(SPEC)
    topics = specs.load_topics(SPEC)
    write_if_changed(folder / "engine/command_facts.cc", commands_output.source(commands))
    write_if_changed(folder / "settings/settings.h", settings_output.header(topics))
    write_if_changed(folder / "settings/directive_table.cc", settings_output.source(topics))


def make_docs(check):
    commands = specs.load_commands(SPEC)
    topics = specs.load_topics(SPEC)
    root = SPEC.parent
    outputs = {
        root / "docs/compatibility.md": docs_output.compatibility(commands, topics),
        root / "docs/configuration.md": docs_output.configuration(topics, specs.load_sentinel(SPEC)),
        root / "hearth.conf": docs_output.default_file(topics),
    }
    stale = [path for path, text in outputs.items() if not path.exists() or path.read_text() != text]
    if check:
        for path in stale:
            print(f"{path.relative_to(root)} is out of date: run spec/generate.py docs", file=sys.stderr)
        return 1 if stale else 0
    for path, text in outputs.items():
        write_if_changed(path, text)
    return 0


def main(arguments):
    try:
        if len(arguments) == 2 and arguments[0] == "tables":
            make_tables(pathlib.Path(arguments[1]))
            return 0
        if arguments and arguments[0] == "docs" and arguments[1:] in ([], ["--check"]):
            return make_docs(check=len(arguments) == 2)
    except specs.SpecError as error:
        print(f"spec: {error}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
