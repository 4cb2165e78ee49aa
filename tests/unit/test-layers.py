#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards the layers: every #include in src/ is one that the tables in src/README.md allow.

    test-layers.py SRC

It reads the tables themselves, so that they cannot drift from the code. Before it judges the tree
it judges small trees that are wrong in one place each: a guard that lets those pass is broken.
"""

import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*(?:include|import)\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
CELL = re.compile(r"`([^`]+)`")


def read_table(text, first_column):
    """The rows below the heading row whose first cell is first_column, as lists of cells."""
    rows, inside = [], False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            if inside:
                break
        elif cells[0] == first_column:
            inside = True
        elif inside and not set(line) <= set("|-: "):
            rows.append(cells)
    return rows


def folders_of(src):
    return {str(path.parent.relative_to(src)) for path in src.rglob("*")
            if path.suffix in (".c", ".h")}


def check_tables(text, src):
    rows = read_table(text, "folder")
    layers, libraries = {}, {}
    if not rows:
        yield "src/README.md has no table of layers"
    for cells in rows:
        names = CELL.findall(cells[0])
        if len(cells) != 3 or len(names) != 1:
            yield "a row of the layer table is not | `folder` | holds | may include |: " + cells[0]
            continue
        allowed = CELL.findall(cells[2])
        for name in allowed:
            if name not in layers:
                yield "%s may include %s, which does not stand above it" % (names[0], name)
        if names[0] in layers:
            yield "%s stands twice in the table" % names[0]
        layers[names[0]] = set(allowed) | {names[0]}
    for cells in read_table(text, "header"):
        for header in CELL.findall(cells[0]):
            libraries[header] = set(CELL.findall(cells[-1]))
    for folder in sorted(folders_of(src) - set(layers)):
        yield "src/%s is not in the table" % folder
    for folder in sorted(layers):
        if not (src / folder).is_dir():
            yield "the table names %s, which does not exist" % folder
    yield layers, libraries


def check_file(path, src, layers, libraries):
    folder = str(path.parent.relative_to(src))
    for own, outside in INCLUDE.findall(path.read_text(encoding="utf-8")):
        where = "%s includes %s" % (path.relative_to(src), own or outside)
        for header, only in libraries.items():
            if (outside or own).startswith(header) and folder not in only:
                yield where + ", which is for %s only" % ", ".join(sorted(only))
        if not own or "/" not in own:  # config.h and what the build generates have no folder
            if own and (path.parent / own).exists():
                yield where + ": write the path from src/"
            continue
        target = str(pathlib.PurePosixPath(own).parent)
        if ".." in own or not (target == folder or (src / own).is_file()):  # own: may be generated
            yield where + ", which is no file under src/"
        elif target not in layers.get(folder, ()):
            yield where + ", which its layer does not allow"


def check(src):
    faults, tables = [], None
    text = (src / "README.md").read_text(encoding="utf-8")
    for fault in check_tables(text, src):
        if isinstance(fault, str):
            faults.append(fault)
        else:
            tables = fault
    for path in sorted(src.rglob("*")):
        if path.suffix in (".c", ".h"):
            faults += check_file(path, src, *tables)
    return faults


GOOD = {
    "README.md": "| folder | holds | may include |\n|---|---|---|\n| `low` | | – |\n"
                 "| `side` | | `low` |\n| `high` | | `low`, `side` |\n\n"
                 "| header | only in |\n|---|---|\n| `gtk/` | `high` |\n",
    "low/a.h": "#include <glib.h>\n",
    "low/a.c": '#include "config.h"\n#include "low/a.h"\n',
    "side/b.h": '#include "low/a.h"\n',
    "high/c.c": '#include "low/a.h"\n#include "side/b.h"\n#include <gtk/gtk.h>\n',
}
BAD = {
    "an include that goes up": {"low/a.c": '#include "side/b.h"\n'},
    "an include that goes up, spelled widely": {"low/a.c": '  #  include "side/b.h"\n'},
    "an include without a folder": {"low/a.c": '#include "a.h"\n'},
    "an include by a relative path": {"low/a.c": '#include "../side/b.h"\n'},
    "a library in the wrong folder": {"low/a.c": "#include <gtk/gtk.h>\n"},
    "a folder that is not in the table": {"new/d.c": ""},
    "a row without a folder": {"README.md": GOOD["README.md"].replace(
        "\n\n", "\n| `gone` | | `low` |\n\n", 1)},
    "a table with a cycle": {"README.md": GOOD["README.md"].replace("| – |", "| `high` |")},
    "no table": {"README.md": ""},
}


def faults_of(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return check(pathlib.Path(folder))


def main():
    wrong = ["the guard finds fault with a good tree: " + fault for fault in faults_of(GOOD)]
    wrong += ["the guard does not see " + name for name, change in BAD.items()
              if not faults_of({**GOOD, **change})]
    wrong += check(pathlib.Path(sys.argv[1]))
    for fault in wrong:
        print(fault)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
