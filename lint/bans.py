#!/usr/bin/env python3
"""What the house does not use; every ban names its replacement.

A line that has a good reason says so: `// lint: allow <ban> because <reason>` on it or on the line above. A waiver
without a reason, or one that waives nothing, is a failure too.
"""

import re
import sys
from dataclasses import dataclass

import sources

SRC = ("src/",)
CPP_CODE = ("src/", "fuzz/", "tools/", "sim/", "bench/")
TESTS = ("*_test.cc", "*/test_*.h", "*/testing/*")
SYSTEM = ("src/env/posix/*", "src/base/log.*")


@dataclass(frozen=True)
class Ban:
    name: str
    pattern: str
    replacement: str
    folders: tuple = CPP_CODE  # where it holds: prefixes of the path
    extensions: tuple = sources.CPP
    allowed: tuple = ()  # where it does not: globs over the path
    raw: bool = False  # look at comments and literals too


BANS = (
    Ban("using-namespace", r"\busing\s+namespace\s+(?!std::(?:\w+_)?literals\b|std::literals)", "name what is used"),
    Ban("iostream", r"#include <iostream>|\bstd::(?:cout|cerr|clog|endl)\b", "base/log.h, or fmt::print in tools/"),
    Ban(
        "print",
        r"(?<![\w:.>])(?:std::|fmt::)?(?:v?f?printf|f?puts|putchar|perror|print)\s*\(",
        "base/log.h",
        SRC,
        allowed=("src/base/log.*", "src/base/assert.cc", "src/main.cc") + TESTS,
    ),
    Ban("sprintf", r"\bv?s(?:n)?printf\s*\(", "fmt::format_to_n, or base/numbers.h", allowed=("src/base/*",)),
    Ban("throw", r"\bthrow\b", "Result<T> of base/result.h, or HEARTH_ASSERT"),
    Ban("catch", r"\bcatch\s*\(", "a call that does not throw: exceptions do not cross folders"),
    Ban("parse", r"\b(?:std::)?(?:sto(?:i|l|ll|ul|ull|f|d)|ato[ifl]l?|strto[a-z]+)\s*\(", "base/numbers.h",
        allowed=("src/base/*",) + TESTS),
    Ban("thread-local", r"\bthread_local\b", "pass it in a constructor", allowed=("src/base/*",)),
    Ban("raw-new", r"(?<!operator )\bnew\b(?!\s*\()(?=\s*[A-Za-z_:])", "std::make_unique or a container",
        allowed=TESTS),
    Ban("raw-delete", r"(?<!=)(?<!operator)(?<!= )(?<!operator )\bdelete\b(?:\s*\[\s*\])?\s*[A-Za-z_:*(]",
        "std::unique_ptr or a container", allowed=TESTS),
    Ban("c-string", r"\b(?:strcpy|strncpy|strcat|strncat|strtok|gets|alloca)\s*\(",
        "std::string_view and base/bytes.h"),
    Ban("assert", r"(?<![\w_])assert\s*\(|#include <(?:cassert|assert\.h)>", "HEARTH_ASSERT of base/assert.h"),
    Ban("volatile", r"\bvolatile\b(?!\s+(?:std::)?sig_atomic_t)", "std::atomic", allowed=("src/base/*", "src/env/*")),
    Ban(
        "random",
        r"\bs?rand\s*\(|\bstd::(?:random_device|mt19937(?:_64)?|default_random_engine)\b",
        "base/prng.h, and env/random.h for secrets",
        allowed=TESTS,
    ),
    Ban(
        "clock",
        r"\b(?:system_clock|steady_clock|high_resolution_clock)\b|\b(?:clock_gettime|gettimeofday)\s*\(|"
        r"(?<![\w.>:])(?:std::|::)time\s*\(",
        "env/clock.h",
        SRC,
        allowed=SYSTEM + TESTS,
    ),
    Ban(
        "sleep",
        r"\b(?:u?sleep|nanosleep|sleep_for|sleep_until)\s*\(",
        "wait for the condition with a deadline; in the server, a timer of net/event_loop.h",
        allowed=SYSTEM,
    ),
    Ban(
        "python-sleep",
        r"\btime\.sleep\s*\(|\bfrom time import .*\bsleep\b",
        "wait for the condition with a deadline (tests/support/)",
        ("tests/",),
        (".py",),
        allowed=("tests/support/*",),
    ),
    Ban(
        "fork",
        r"(?<![\w.>])(?:std::|::)?(?:v?fork|system|popen|exec[lv]p?e?|posix_spawnp?|daemon)\s*\(",
        "nothing: the process never forks; work that takes long goes to a worker thread",
    ),
    Ban(
        "system-header",
        r"#include <(?:sys/(?!types\.h|uio\.h)\w+\.h|unistd\.h|fcntl\.h|poll\.h|netdb\.h|netinet/\w+\.h|arpa/inet\.h|"
        r"dirent\.h|ifaddrs\.h|syslog\.h)>",
        "the interfaces of env/",
        SRC,
        allowed=SYSTEM + ("src/base/*", "src/env/posix/*") + TESTS,
    ),
    Ban(
        "system-call",
        r"(?<![\w>])::(?:open(?:at)?|close|p?readv?|p?writev?|socket|bind|listen|accept4?|connect|recv|recvmsg|send|"
        r"sendmsg|fsync|fdatasync|rename|unlink|stat|fstat|mkdir|epoll_\w+|eventfd|poll|select|mmap|kill|ioctl|fcntl)"
        r"\s*\(",
        "the interfaces of env/",
        SRC,
        allowed=SYSTEM + TESTS,
    ),
    Ban(
        "mutable-static",
        r"(?m)^(?:[ \t]+static|(?:static|inline)(?:[ \t]+inline)?)[ \t]+(?!const\b|constexpr\b|constinit const\b|"
        r"inline const|void\b|auto \w+\()(?![^;\n={(]*\boperator\b)[\w:<>,* &]+[ \t&*]\w+(?:\[\w*\])?[ \t]*(?:=|\{|;)",
        "a member of an object that somebody owns",
        SRC,
        allowed=("src/base/*",),
    ),
    Ban(
        "mutable-global",
        r"(?m)^(?!static|inline|const|constexpr|using|typedef|extern|class|struct|enum|union|template|friend|namespace|"
        r"return|public|private|protected|goto|else|case|default|concept|requires|co_return)[A-Za-z_][\w:]*"
        r"(?:<[^;(){}]*>)?[ \t*&]+[a-z]\w*(?:\[\w*\])?[ \t]*(?:=[^;=]*|\{[^;]*\})?;",
        "a member of an object that somebody owns",
        SRC,
        allowed=("src/base/*",),
    ),
    Ban(
        "unordered",
        r"\bstd::unordered_(?:multi)?(?:map|set)\b",
        "std::map or a sorted vector: a pure machine takes no order from hashing",
        tuple(f"src/{room}/core/" for room in ("sentinel", "cluster", "replication")),
    ),
    Ban("later", r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b", "do it now, or list it in docs/compatibility.md",
        CPP_CODE + ("tests/", "lint/", "scripts/", "spec/", "cmake/"), (".cc", ".h", ".py", ".cmake", ".sh", ".js"),
        raw=True),
    Ban("machine-path", r"(?<![\w.$}{*/])/(?:work|root)(?:/|\b(?!\w))",
        "a path relative to the checkout, or an argument", ("",),
        (".cc", ".h", ".py", ".cmake", ".sh", ".md", ".txt", ".json", ".conf", ".yml", ".js", "x", "packages", "run"),
        raw=True),
)

WAIVER = re.compile(r"(?://|#) lint: allow ([\w-]+)(?: because (\S.*))?")


def matches_glob(path, globs):
    return any(re.fullmatch(re.escape(glob).replace(r"\*", ".*"), path) for glob in globs)


def waivers_of(path, text, findings):
    """{line: names waived there}; a waiver holds for its own line and the next one."""
    waived = {}
    known = {ban.name for ban in BANS}
    for number, line in enumerate(text.split("\n"), 1):
        match = WAIVER.search(line)
        if not match:
            continue
        if match.group(1) not in known:
            findings.fail(path, number, f"waiver of '{match.group(1)}', which is no ban")
        elif not match.group(2):
            findings.fail(path, number, "a waiver gives its reason: lint: allow <ban> because <reason>")
        else:
            waived[number] = match.group(1)
    return waived


def check_shape(path, text, findings):
    """A header opens with what it is, and is included once."""
    if not path.endswith(".h") or not path.startswith("src/"):
        return
    if not text.startswith("//"):
        findings.fail(path, 1, "a header opens with what the thing is, who owns it, which thread may call it")
    if "\n#pragma once\n" not in text:
        findings.fail(path, 1, "no #pragma once")


def check_file(root, path, findings):
    text = sources.read(root, path)
    bans = [
        ban
        for ban in BANS
        if path.startswith(ban.folders) and path.endswith(ban.extensions) and not matches_glob(path, ban.allowed)
    ]
    check_shape(path, text, findings)
    if not bans:
        return
    code = sources.strip_cpp(text) if path.endswith(sources.CPP) else text
    waived = waivers_of(path, text, findings) if path.endswith((".cc", ".h")) else {}
    used = set()
    for ban in bans:
        for match in re.finditer(ban.pattern, text if ban.raw else code):
            line = sources.line_of(text, match.start())
            for place in (line, line - 1):
                if waived.get(place) == ban.name:
                    used.add(place)
                    break
            else:
                found = " ".join(match.group(0).split())[:60]
                findings.fail(path, line, f"{ban.name}: '{found}' is banned here; instead: {ban.replacement}")
    for line in sorted(set(waived) - used):
        findings.fail(path, line, f"the waiver of '{waived[line]}' waives nothing; remove it")


def check(root=sources.ROOT):
    findings = sources.Findings()
    extensions = sorted({extension for ban in BANS for extension in ban.extensions})
    for path in sources.walk(root, extensions):
        check_file(root, path, findings)
    return findings


if __name__ == "__main__":
    result = check()
    print("\n".join(result.failures))
    sys.exit(1 if result.failures else 0)
