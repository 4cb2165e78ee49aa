#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time from exec to the first frame with the inbox painted, with 10,000 chats cached, against an empty
libadwaita window; both warm, in turn, under one display. Prints medians and ratios of the time, of
the processor time until then (steadier on a busy machine) and of the memory; for the inbox also the
longest stall of the main loop from its first frame to two seconds after.
Usage: bench-start.py FRONTDESK SEED-CACHE EMPTY-WINDOW [CHATS [ROUNDS]]"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time


QUIET_S = 0.3    # an empty window has nothing more to do
WATCHED_S = 2.0  # the rest of the list is filled after the first frame


def read_marks(stream, marks, stalls, ready):
    """Marks as (time, processor time), stalls as (end, length), all in microseconds."""
    for line in stream:
        word, *numbers = line.split()[:3] or [""]
        if len(numbers) == 2 and all(number.isdigit() for number in numbers):
            pair = tuple(int(number) for number in numbers)
            if word == "stall":
                stalls.append(pair)
            else:
                marks.setdefault(word, pair)
        if word == "inbox-ready":
            ready.set()
    ready.set()


def read_memory(pid):
    try:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as rollup:
            return next(int(l.split()[1]) for l in rollup if l.startswith("Pss:")) / 1024
    except (OSError, StopIteration):
        return 0


def measure(command, environment, watched_s):
    """Milliseconds, processor milliseconds, MiB, milliseconds of the longest stall."""
    begin = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    marks, stalls, ready = {}, [], threading.Event()
    reader = threading.Thread(target=read_marks, args=(process.stderr, marks, stalls, ready))
    reader.start()
    ready.wait(60)
    time.sleep(watched_s)
    memory = read_memory(process.pid)
    process.terminate()
    process.wait()
    reader.join()
    if "inbox-ready" not in marks:
        raise SystemExit("%s never said inbox-ready" % command[0])
    painted, spent = marks["inbox-ready"]
    first = marks.get("first-frame", marks["inbox-ready"])[0]
    longest = max((length for end, length in stalls if first <= end - length <= first + 2000000), default=0)
    if os.environ.get("BENCH_START_MARKS"):
        line = ["%s %.1f/%.1f" % (n, (t - begin) / 1000, c / 1000) for n, (t, c) in marks.items()]
        line += ["stall %.1f@%.1f" % (l / 1000, (e - begin) / 1000) for e, l in stalls]
        print("  " + "  ".join(line))
    return (painted - begin) / 1000, spent / 1000, memory, longest / 1000


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
        programs = {"empty window": ([empty], QUIET_S),
                    "inbox": ([frontdesk, "--cache", cache], WATCHED_S)}
        results = {name: [] for name in programs}
        for turn in range(rounds + 1):
            for name, (command, watched_s) in programs.items():
                result = measure(command, environment, watched_s)
                if turn > 0:  # the first one warms up
                    results[name].append(result)
        medians = {}
        for name, values in results.items():
            medians[name] = [statistics.median(v[i] for v in values) for i in range(4)]
            print("%-13s %7.1f ms  %7.1f ms processor  %6.1f MiB" % (name, *medians[name][:3]))
        ratios = [medians["inbox"][i] / medians["empty window"][i] for i in range(3)]
        print("ratio         %7.2f     %7.2f               %6.2f" % tuple(ratios))
        worst = max(v[3] for v in results["inbox"])
        print("longest stall %7.1f ms, at worst %.1f ms" % (medians["inbox"][3], worst))
    return 0


if __name__ == "__main__":
    sys.exit(outer())
