"""The files that the lint looks at, and C++ text without its comments and literals.

Every check takes a root folder, so that lint_test.py can hold each of them against a planted mistake.
"""

import os
import re
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

CPP = (".cc", ".h")
SKIPPED_FOLDERS = {"__pycache__", "node_modules", "corpus"}


@dataclass
class Findings:
    """What a check found: failures break the build, warnings ask for a look."""

    failures: list = field(default_factory=list)
    warnings: list = field(default_factory=list)

    def fail(self, path, line, text):
        self.failures.append(f"{path}:{line}: {text}")

    def warn(self, path, line, text):
        self.warnings.append(f"{path}:{line}: {text}")


def walk(root, extensions, folders=None):
    """Paths relative to `root` of the files with one of `extensions`, sorted; build folders are left out."""
    found = []
    for start in folders if folders is not None else ["."]:
        for folder, subfolders, files in os.walk(os.path.join(root, start)):
            subfolders[:] = sorted(
                name
                for name in subfolders
                if name not in SKIPPED_FOLDERS
                and not (name.startswith(".") and name != ".ci")
                and not (folder_is_root(folder, root) and name.startswith("build"))
            )
            for name in sorted(files):
                if name.endswith(tuple(extensions)):
                    found.append(os.path.normpath(os.path.relpath(os.path.join(folder, name), root)))
    return sorted(set(found))


def folder_is_root(folder, root):
    return os.path.normpath(folder) == os.path.normpath(root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


_TOKEN = re.compile(
    r"""//[^\n]*                                  # line comment
      | /\*.*?\*/                                 # block comment
      | R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"   # raw string
      | "(?:\\.|[^"\\\n])*"                       # string
      | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'       # character, but not a digit separator
    """,
    re.VERBOSE | re.DOTALL,
)


def strip_cpp(text):
    """`text` with comments and the insides of literals blanked; every line keeps its number.

    #include lines keep their names, because the ban on system headers reads them.
    """

    def blank(match):
        token = match.group(0)
        if token.startswith('"'):
            line_start = text.rfind("\n", 0, match.start()) + 1
            if text[line_start : match.start()].strip().startswith("#include"):
                return token
        inner = re.sub(r"[^\n]", " ", token)
        return '""' + inner[2:] if token[0] in '"R' else inner

    return _TOKEN.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1
