#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a C header with each NNN.sql as the string literal DESK_STORE_SCHEMA_NNN."""

import pathlib
import sys

output, *inputs = sys.argv[1:]
lines = ["/* Made by embed-schema.py. */", "#pragma once"]
for name in inputs:
    path = pathlib.Path(name)
    lines.append(f"#define DESK_STORE_SCHEMA_{path.stem} \\")
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'  "{text}\\n" \\')
    lines.append('  ""')
pathlib.Path(output).write_text("\n".join(lines) + "\n", encoding="utf-8")
