#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the sound of a new message: two soft notes, a fifth apart. make-sound.py FILE"""

import math
import struct
import sys
import wave

RATE, LENGTH_S = 22050, 0.42
NOTES = ((0.0, 659.26), (0.11, 987.77))  # when (s), pitch (Hz)


def loudness(at):
    """At a time after the stroke: a quick rise, a slow fall."""
    return min(at / 0.008, 1) * math.exp(-at * 11) if at >= 0 else 0


def sample(at):
    value = 0.0
    for start, pitch in NOTES:
        phase = 2 * math.pi * pitch * (at - start)
        value += loudness(at - start) * (math.sin(phase) + 0.25 * math.sin(2 * phase))
    return value * 0.28 * min(1, (LENGTH_S - at) / 0.04)


with wave.open(sys.argv[1], "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(RATE)
    for index in range(int(RATE * LENGTH_S)):
        file.writeframes(struct.pack("<h", int(32767 * sample(index / RATE))))
