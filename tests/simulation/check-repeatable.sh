#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# One seed gives one hash, and another seed another one: $1 is the simulator.
set -eu
one=$("$1" --seed 11 --steps 6000 2>/dev/null | tail -1)
two=$("$1" --seed 11 --steps 6000 2>/dev/null | tail -1)
other=$("$1" --seed 12 --steps 6000 2>/dev/null | tail -1)
echo "$one"
echo "$other"
[ "$one" = "$two" ] || { echo "not repeatable: $two"; exit 1; }
[ "${one##*hash=}" != "${other##*hash=}" ] || { echo "the seed has no effect"; exit 1; }
