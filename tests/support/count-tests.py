#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts what meson's testlog.json holds and says it in one line.

A TAP program counts by its cases, everything else as one test. Exits with 0 only if something
passed and nothing failed or was skipped without leave.
"""

import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b[^#\n]*(?:#\s*(SKIP|TODO)\b)?", re.I | re.M)
# Tests which a sanitizer's run or a machine without the feature may leave out: none so far.
MAY_SKIP = ()


def cases_of(test):
    """(passed, failed, skipped) of one entry of the log."""
    result = test["result"]
    cases = CASE.findall(test.get("stdout") or "")
    if result == "SKIP":
        return 0, 0, max(1, sum(1 for _, how in cases if how))
    passed = sum(1 for bad, how in cases if not bad and not how)
    skipped = sum(1 for bad, how in cases if how)
    failed = sum(1 for bad, how in cases if bad and not how)
    if result in ("OK", "EXPECTEDFAIL"):
        return (passed, 0, skipped) if passed or skipped else (1, 0, 0)
    return passed, max(1, failed), skipped


def main():
    passed = failed = skipped = unexpected = 0
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            numbers = cases_of(test)
            passed, failed, skipped = (a + b for a, b in zip((passed, failed, skipped), numbers))
            if numbers[1]:
                print("failed:", test["name"])
            if numbers[2]:
                print("skipped:", test["name"])
                unexpected += not test["name"].endswith(MAY_SKIP) if MAY_SKIP else 1
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 0 if passed and not failed and not unexpected else 1


if __name__ == "__main__":
    sys.exit(main())
