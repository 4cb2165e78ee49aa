#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the translations: every file of POTFILES.in exists, every language of LINGUAS is valid for
gettext, and the languages that are promised to be complete have nothing untranslated or fuzzy."""

import pathlib
import re
import subprocess
import sys

COMPLETE = {"uk"}


def lines_of(path):
    return [line for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip() and not line.startswith("#")]


def check_language(path, language):
    if not path.is_file():
        yield "%s: missing" % path
        return
    result = subprocess.run(["msgfmt", "--check", "--statistics", "-o", "/dev/null", str(path)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
    if result.returncode != 0:
        yield result.stdout.strip()
    elif language in COMPLETE and re.search(r"[1-9]\d* (fuzzy|untranslated)", result.stdout):
        yield "%s: %s" % (path, result.stdout.strip())


def main(root):
    root = pathlib.Path(root)
    faults = ["POTFILES.in: there is no " + name for name in lines_of(root / "po" / "POTFILES.in")
              if not (root / name).is_file()]
    for language in lines_of(root / "po" / "LINGUAS"):
        faults += check_language(root / "po" / (language + ".po"), language)
    for language in lines_of(root / "help" / "LINGUAS"):
        faults += check_language(root / "help" / language / (language + ".po"), language)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
