#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time from exec to the first painted frame of the main window, and memory two seconds later, seen from
outside in the same way for each: an empty libadwaita window, Frontdesk with 10,000 cached chats, and the
chat programs Dino, Chatty and Polari as Debian packages them, with empty accounts. Warm, in turn,
under one display; medians. Needs the packages dino-im, chatty, polari, python3-xlib.
Usage: bench-peers.py FRONTDESK SEED-CACHE EMPTY-WINDOW [CHATS [ROUNDS]]"""

import os
import select
import statistics
import subprocess
import sys
import tempfile
import time

LEAST_WIDTH, LEAST_HEIGHT = 300, 200  # a smaller window is no main window
REST_S = 2.0


def tree(pid):
    """The process and all that it started: some programs are scripts around the real one."""
    found = [pid]
    for parent in found:
        try:
            with open("/proc/%d/task/%d/children" % (parent, parent), encoding="ascii") as children:
                found += [int(child) for child in children.read().split()]
        except OSError:
            pass
    return found


def read_memory(pids):
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as rollup:
                total += next(int(l.split()[1]) for l in rollup if l.startswith("Pss:")) / 1024
        except (OSError, StopIteration):
            pass
    return total


def read_processor_ms(pids):
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        except OSError:
            pass
    return total * 1000 / ticks


def first_paint(display, root, damage, begin, seconds):
    """Seconds until something was drawn into a big window that is mapped."""
    big = {}
    deadline = begin + seconds
    while time.monotonic() < deadline:
        while display.pending_events():
            event = display.next_event()
            if event.type == display.extension_event.DamageNotify and event.drawable.id in big:
                return time.monotonic() - begin
            if event.__class__.__name__ == "MapNotify" and event.window.id not in big:
                try:
                    size = event.window.get_geometry()
                except Exception:  # gone again
                    continue
                if size.width >= LEAST_WIDTH and size.height >= LEAST_HEIGHT:
                    big[event.window.id] = True
                    event.window.damage_create(damage.DamageReportRawRectangles)
                    display.sync()
        select.select([display], [], [], 0.002)
    return None


def measure(command, environment):
    from Xlib import X, display as xdisplay
    from Xlib.ext import damage

    display = xdisplay.Display()
    display.damage_query_version()
    root = display.screen().root
    root.change_attributes(event_mask=X.SubstructureNotifyMask)
    display.sync()
    begin = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    painted = first_paint(display, root, damage, begin, 30)
    if painted is None:
        process.kill()
        raise SystemExit("%s never showed a window" % command[0])
    spent = read_processor_ms(tree(process.pid))
    time.sleep(REST_S)
    memory = read_memory(tree(process.pid))
    for pid in reversed(tree(process.pid)):
        try:
            os.kill(pid, 15)
        except OSError:
            pass
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    display.close()
    return painted * 1000, spent, memory


def inside(arguments):
    frontdesk, seed, empty = arguments[:3]
    chats = arguments[3] if len(arguments) > 3 else "10000"
    rounds = int(arguments[4]) if len(arguments) > 4 else 7
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "home"), 0o700)
        environment = dict(os.environ, HOME=os.path.join(folder, "home"), GDK_BACKEND="x11", GSK_RENDERER="cairo",
                           GTK_A11Y="none", LC_ALL="C.UTF-8", GSETTINGS_BACKEND="memory", NO_AT_BRIDGE="1")
        environment.pop("WAYLAND_DISPLAY", None)
        cache = os.path.join(folder, "cache")
        subprocess.run([seed, cache, chats], check=True)
        programs = {"empty window": [empty], "Frontdesk": [frontdesk, "--cache", cache], "Dino": ["dino-im"],
                    "Chatty": ["chatty"], "Polari": ["polari"]}
        # The installed schemas for the others; ours stand in the build folder.
        own = dict(environment, GSETTINGS_SCHEMA_DIR=os.environ.get("GSETTINGS_SCHEMA_DIR", ""))
        environment.pop("GSETTINGS_SCHEMA_DIR", None)
        results = {name: [] for name in programs}
        for turn in range(rounds + 1):
            for name, command in programs.items():
                result = measure(command, own if name == "Frontdesk" else environment)
                if turn > 0:  # the first one warms up
                    results[name].append(result)
        base = [statistics.median(v[i] for v in results["empty window"]) for i in range(3)]
        print("%-13s %9s %12s %10s   (× empty window)" % ("", "painted", "processor", "memory"))
        for name, values in results.items():
            median = [statistics.median(v[i] for v in values) for i in range(3)]
            print("%-13s %6.0f ms %9.0f ms %6.1f MiB   %.2f  %.2f  %.2f"
                  % (name, *median, *(median[i] / max(base[i], 1) for i in range(3))))
    return 0


if __name__ == "__main__":
    if os.environ.get("DISPLAY") and "--inside" in sys.argv:
        sys.exit(inside(sys.argv[2:]))
    sys.exit(subprocess.call(["xvfb-run", "-a", "-s", "-screen 0 1280x800x24 -noreset", "dbus-run-session", "--",
                              "/usr/bin/python3", sys.argv[0], "--inside"] + sys.argv[1:]))
