#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks what our writer writes against data/api/schemas.json, unknown members refused."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

try:
    import desk_schema
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

# Fewer would mean that the program no longer writes what is to be checked.
FEWEST_SAMPLES = 90

# Runs under sanitizers, too.
output = subprocess.run([sys.argv[1]], check=True, stdout=subprocess.PIPE, env=os.environ).stdout
samples = [line.split("\t", 1) for line in output.decode("utf-8").splitlines()]
faults = 0
for kind, text in samples:
    try:
        desk_schema.validate(kind, desk_schema.loads(text))
    except (desk_schema.Mismatch, KeyError, ValueError) as error:
        faults += 1
        print("%s: %s\n  %s" % (kind, error, text))
print("%d samples of %d kinds, %d faults" % (
    len(samples), len({kind for kind, _ in samples}), faults))
sys.exit(1 if faults or len(samples) < FEWEST_SAMPLES else 0)
