#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real application on a filled cache without a server: a chat is opened, a reply typed and sent
offline, its row is seen as waiting, and something is searched. Driven through AT-SPI; starts its own
display and bus. Usage: smoke.py FRONTDESK SEED-CACHE"""

import os
import signal
import subprocess
import sys
import tempfile
import time

LIMIT = 30


def start_display(folder):
    read_end, write_end = os.pipe()
    display = subprocess.Popen(["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x800x24",
                                "-nolisten", "tcp"], pass_fds=[write_end],
                               stderr=subprocess.DEVNULL)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        number = pipe.readline().strip()
    for name in ("run", "home"):
        os.mkdir(os.path.join(folder, name), 0o700)
    os.environ.update(DISPLAY=":" + number, XDG_RUNTIME_DIR=os.path.join(folder, "run"),
                      HOME=os.path.join(folder, "home"), GDK_BACKEND="x11", GSK_RENDERER="cairo",
                      LC_ALL="C.UTF-8", GSETTINGS_BACKEND="memory", G_DEBUG="fatal-criticals",
                      NO_AT_BRIDGE="0")
    for name in ("WAYLAND_DISPLAY", "GTK_A11Y", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        os.environ.pop(name, None)
    return display


def outer():
    with tempfile.TemporaryDirectory() as folder:
        display = start_display(folder)
        try:
            return subprocess.call(["dbus-run-session", "--", sys.argv[0], "--inside", folder] + sys.argv[1:])
        finally:
            display.terminate()
            display.wait()


def start_registry():
    launcher = subprocess.Popen(["/usr/libexec/at-spi-bus-launcher", "--launch-immediately"],
                                stderr=subprocess.DEVNULL)
    address = ""
    end = time.monotonic() + LIMIT
    while not address and time.monotonic() < end:
        result = subprocess.run(["gdbus", "call", "--session", "-d", "org.a11y.Bus", "-o", "/org/a11y/bus",
                                 "-m", "org.a11y.Bus.GetAddress"], capture_output=True, text=True)
        parts = result.stdout.split("'")
        address = parts[1] if len(parts) > 1 else ""
    subprocess.run(["gdbus", "call", "--address", address, "-d", "org.freedesktop.DBus", "-o", "/", "-m",
                    "org.freedesktop.DBus.StartServiceByName", "org.a11y.atspi.Registry", "0"],
                   check=True, stdout=subprocess.DEVNULL)
    return launcher


class Driver:
    def __init__(self, process):
        import gi
        gi.require_version("Atspi", "2.0")
        from gi.repository import Atspi, GLib
        self.atspi, self.glib, self.process = Atspi, GLib, process

    def walk(self, node, depth=0):
        yield node
        if depth > 40:
            return
        for i in range(min(node.get_child_count(), 300)):
            child = node.get_child_at_index(i)
            if child is not None:
                yield from self.walk(child, depth + 1)

    def showing(self):
        desktop = self.atspi.get_desktop(0)
        for i in range(desktop.get_child_count()):
            application = desktop.get_child_at_index(i)
            if application is not None and application.get_process_id() == self.process.pid:
                yield from self.walk(application)

    def find(self, what, test):
        """The first accessible object that passes, waiting for it."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            while self.glib.MainContext.default().iteration(False):
                pass
            if self.process.poll() is not None:
                raise SystemExit("the application ended with %s" % self.process.returncode)
            try:
                for node in self.showing():
                    if test(node):
                        return node
            except self.glib.Error:
                pass  # the tree changed under us
            time.sleep(0.05)
        names = sorted({n.get_name() for n in self.showing() if n.get_name()})
        raise SystemExit("not found: %s; there is %s" % (what, names))

    def named(self, text):
        return self.find(text, lambda node: text in (node.get_name() or ""))

    def text_named(self, name):
        return self.find(name, lambda node: node.get_name() == name
                         and node.get_editable_text_iface() is not None)

    def click(self, node):
        box = node.get_extents(self.atspi.CoordType.WINDOW)
        x, y = box.x + box.width // 2, box.y + box.height // 2
        subprocess.run(["xdotool", "mousemove", "--window", self.window(), str(x), str(y), "click", "1"], check=True)

    def window(self):
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", "Frontdesk"],
                               capture_output=True, text=True).stdout.split()
        return found[-1]

    def key(self, *keys):
        subprocess.run(["xdotool", "key"] + list(keys), check=True)


def content(driver, node):
    text = node.get_text_iface()
    return driver.atspi.Text.get_text(text, 0, driver.atspi.Text.get_character_count(text)) if text else ""


def drive(driver):
    driver.named("Olena Kovalenko, telegram")
    subprocess.run(["xdotool", "windowfocus", driver.window()], check=True)
    driver.key("alt+Down", "alt+Down")
    driver.named("Great, how do I pay?")
    print("ok 1 - a chat is opened and read")

    entry = driver.text_named("Reply")
    entry.get_editable_text_iface().set_text_contents("By card, here is the link")
    send = driver.find("Send", lambda node: node.get_name() == "Send" and node.get_action_iface() is not None
                       and node.get_state_set().contains(driver.atspi.StateType.SENSITIVE))
    send.get_action_iface().do_action(0)
    driver.named("By card, here is the link, Waiting to be sent")
    print("ok 2 - a reply that is sent offline waits in its row")

    driver.find("the waiting reply in the list",
                lambda node: "You: By card, here is the link" in (node.get_name() or ""))
    print("ok 3 - the list shows the reply that waits, not the message before it")

    driver.click(driver.find("the chat of Olena", lambda node:
                             (node.get_name() or "").startswith("Olena Kovalenko, telegram")))
    driver.find("the cursor in the reply field", lambda node: node.get_name() == "Reply"
                and node.get_state_set().contains(driver.atspi.StateType.FOCUSED))
    subprocess.run(["xdotool", "type", "no more notes"], check=True)
    driver.find("what was typed", lambda node: node.get_name() == "Reply" and content(driver, node) == "no more notes")
    print("ok 4 - a click on a chat leads into its reply, and typing writes it")

    driver.key("ctrl+f")
    search = driver.find("the search entry", lambda node: "Search chats" in (node.get_name() or "")
                         and node.get_editable_text_iface() is not None)
    search.get_editable_text_iface().set_text_contents("warranty")
    driver.named("Daria Melnyk")
    driver.find("a hit", lambda node: "warranty" in (node.get_name() or ""))
    print("ok 5 - what is cached is found")


def inside(folder, frontdesk, seed):
    cache = os.path.join(folder, "cache")
    subprocess.run([seed, cache], check=True)
    launcher = start_registry()
    process = subprocess.Popen([frontdesk, "--cache", cache])
    try:
        drive(Driver(process))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        launcher.terminate()
        launcher.wait()
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        sys.exit(inside(*sys.argv[2:5]))
    sys.exit(outer())
