#!/usr/bin/env python3
"""All of the lint in one go: `./x lint [check ...]`. Ends with a line of counts; fails if any check failed."""

import sys

import bans
import format as formatting
import includes
import sizes

CHECKS = {"includes": includes.check, "sizes": sizes.check, "bans": bans.check, "format": formatting.check}


def main(names):
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"lint: there is no check '{unknown[0]}'; choose from {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    passed = failed = 0
    for name in names or CHECKS:
        findings = CHECKS[name]()
        for text in findings.warnings:
            print(f"warning: {text}")
        for text in findings.failures:
            print(text)
        if findings.failures:
            failed += 1
            print(f"lint {name}: {len(findings.failures)} to mend")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
