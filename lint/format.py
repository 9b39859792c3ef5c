#!/usr/bin/env python3
"""C++ formatting: reports the files that clang-format would change, or changes them with --fix.

`format.py [--fix] [files]`. Without clang-format 19 the check is skipped with a word about it, because other versions
format differently.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import sources

FOLDERS = ["src", "fuzz", "tools", "sim", "bench"]


def formatter():
    for name in ("clang-format-19", "clang-format"):
        path = shutil.which(name)
        if path and " 19." in subprocess.run([path, "--version"], capture_output=True, text=True).stdout:
            return path
    return None


def batches(files, count):
    return [files[i::count] for i in range(count) if files[i::count]]


def files_to_change(program, root, files):
    result = subprocess.run(
        [program, "--dry-run", "-Werror", "--ferror-limit=1", *files], cwd=root, capture_output=True, text=True
    )
    if result.returncode == 0:
        return []
    return sorted({line.split(":")[0] for line in result.stderr.split("\n") if "-Wclang-format" in line})


def check(root=sources.ROOT, files=None):
    findings = sources.Findings()
    program = formatter()
    if program is None:
        findings.warn("lint/format.py", 1, "clang-format 19 is not installed; formatting was not checked")
        return findings
    files = files or sources.walk(root, sources.CPP, FOLDERS)
    # One run stops reporting at its first bad file, so each file is a run of its own.
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for found in pool.map(lambda path: files_to_change(program, root, [path]), files):
            for path in found:
                findings.fail(path, 1, "not formatted; run ./x format")
    return findings


def fix(root, files):
    program = formatter()
    if program is None:
        print("format: clang-format 19 is not installed; ./x packages test installs it", file=sys.stderr)
        return 1
    files = files or sources.walk(root, sources.CPP, FOLDERS)
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        runs = pool.map(lambda part: subprocess.run([program, "-i", *part], cwd=root).returncode, batches(files, 4))
        return max(runs, default=0)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--fix" in arguments:
        sys.exit(fix(sources.ROOT, [name for name in arguments if name != "--fix"]))
    result = check(files=arguments)
    print("\n".join(result.failures + ["warning: " + text for text in result.warnings]))
    sys.exit(1 if result.failures else 0)
