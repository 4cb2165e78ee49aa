#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time from exec to the first frame with the inbox painted, with 10,000 chats cached, against an empty
libadwaita window; both warm, in turn, under one display. Prints medians, memory and ratios.
Usage: bench-start.py FRONTDESK SEED-CACHE EMPTY-WINDOW [CHATS [ROUNDS]]"""

import os
import statistics
import subprocess
import sys
import tempfile
import time


def measure(command, environment):
    begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    ready, memory = None, 0
    for line in process.stderr:
        if line.startswith("inbox-ready "):
            ready = int(line.split()[1]) - begin
            break
    time.sleep(0.3)  # what is done after the first frame counts as memory, too
    try:
        with open("/proc/%d/smaps_rollup" % process.pid, encoding="ascii") as rollup:
            memory = next(int(l.split()[1]) for l in rollup if l.startswith("Pss:"))
    except (OSError, StopIteration):
        pass
    process.terminate()
    process.stderr.read()
    process.wait()
    if ready is None:
        raise SystemExit("%s never said inbox-ready" % command[0])
    return ready / 1000, memory / 1024


def outer():
    if os.environ.get("DISPLAY") and "--inside" in sys.argv:
        return inside(sys.argv[2:])
    return subprocess.call(["xvfb-run", "-a", "-s", "-screen 0 1280x800x24", "dbus-run-session", "--",
                            sys.argv[0], "--inside"] + sys.argv[1:])


def inside(arguments):
    frontdesk, seed, empty = arguments[:3]
    chats = arguments[3] if len(arguments) > 3 else "10000"
    rounds = int(arguments[4]) if len(arguments) > 4 else 9
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "home"), 0o700)
        environment = dict(os.environ, HOME=os.path.join(folder, "home"), GDK_BACKEND="x11",
                           GSK_RENDERER="cairo", GTK_A11Y="none", LC_ALL="C.UTF-8",
                           GSETTINGS_BACKEND="memory", FRONTDESK_TRACE="frames")
        environment.pop("WAYLAND_DISPLAY", None)
        cache = os.path.join(folder, "cache")
        subprocess.run([seed, cache, chats], check=True)
        programs = {"empty window": [empty], "inbox": [frontdesk, "--cache", cache]}
        results = {name: [] for name in programs}
        for turn in range(rounds + 1):
            for name, command in programs.items():
                result = measure(command, environment)
                if turn > 0:  # the first one warms up
                    results[name].append(result)
        medians = {}
        for name, values in results.items():
            medians[name] = [statistics.median(v[i] for v in values) for i in (0, 1)]
            print("%-13s %7.1f ms  %6.1f MiB" % (name, *medians[name]))
        print("ratio         %7.2f     %6.2f" % tuple(medians["inbox"][i] / medians["empty window"][i] for i in (0, 1)))
    return 0


if __name__ == "__main__":
    sys.exit(outer())
