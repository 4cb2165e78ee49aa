# SPDX-License-Identifier: GPL-3.0-or-later
"""A hand and an eye for the application, by the accessibility interface. Needs /usr/bin/python3
(python3-gi, gir1.2-atspi-2.0) inside with-screen.sh.

    window = Window(site, ["--demo"])                 # starts frontdesk
    window.point(window.wait("a row", chat="Aiko Tanaka"))
    window.click(role="button", name="Send")

Nodes are found by role, by name (whole) or by text (part of name, description or content), top
down. What GTK 4.8 does not do is worked around here, once: text is asked for with an explicit
end, rows have no actions and are clicked with the pointer, focus is given by clicking.
"""

import os
import subprocess
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

from desk_run import BUILD, SLOWNESS, SOURCE, app_program, wait_for  # noqa: E402

APPLICATION = "frontdesk"
ROWS = ("panel", "grouping")  # what GTK 4.8 calls a row of ours, and later versions


def drain():
    """Bounded: the connection of an application that died is ready for ever."""
    context = GLib.MainContext.default()
    for _ in range(2000):
        if not context.iteration(False):
            break


# What libatspi hears of changes comes too late: ask each time. But states it must be allowed to keep until the next
# look_again(): when an application hands over its items at once, as a slow start makes it do, libatspi looks into their
# states within the handler of that answer, and asking then waits for itself for ever.
Atspi.get_desktop(0).set_cache_mask(Atspi.Cache.STATES)


def safely(call, otherwise):
    """A node may vanish between two questions; that is no failure."""
    try:
        return call()
    except GLib.Error:
        return otherwise


class Node:
    def __init__(self, accessible):
        self.accessible = accessible

    @property
    def role(self):
        return safely(self.accessible.get_role_name, "")

    @property
    def name(self):
        return safely(self.accessible.get_name, "") or ""

    @property
    def content(self):
        """What a text widget holds, or ""."""
        def get():
            text = self.accessible.get_text_iface()
            return Atspi.Text.get_text(text, 0, Atspi.Text.get_character_count(text)) if text else ""
        return safely(get, "") or ""

    @property
    def text(self):
        return " ".join(filter(None, (self.name, safely(self.accessible.get_description, ""), self.content)))

    def has(self, state):
        return safely(lambda: self.accessible.get_state_set().contains(state), False)

    @property
    def visible(self):
        """GTK 4.8 never says that something is showing; what is visible may be scrolled away."""
        return self.has(Atspi.StateType.VISIBLE)

    @property
    def sensitive(self):
        return self.has(Atspi.StateType.SENSITIVE)

    def children(self):
        count = safely(self.accessible.get_child_count, 0)
        for index in range(count):
            child = safely(lambda: self.accessible.get_child_at_index(index), None)
            if child is not None:
                yield Node(child)

    def walk(self):
        yield self
        for child in self.children():
            if child.visible:
                yield from child.walk()

    def find_all(self, role=None, name=None, text=None, chat=None):
        """chat: the row of the chat with that person, as a screen reader hears it: "Olena, telegram, 12:33: …"."""
        for node in self.walk():
            if (role is None or node.role == role) and (name is None or node.name == name) \
                    and (text is None or text in node.text) \
                    and (chat is None or node.role in ROWS and node.name.startswith(chat + ", ")):
                yield node

    def find(self, **wanted):
        return next(self.find_all(**wanted), None)

    def extents(self):
        box = self.accessible.get_extents(Atspi.CoordType.WINDOW)
        return box.x, box.y, box.width, box.height

    def act(self):
        """The first action of a button and the like."""
        action = self.accessible.get_action_iface()
        assert action is not None and action.get_n_actions() > 0, "%s %r has no action" % (self.role, self.name)
        action.do_action(0)

    def set_text(self, text):
        editable = self.accessible.get_editable_text_iface()
        assert editable is not None, "%s %r cannot be edited" % (self.role, self.name)
        assert editable.set_text_contents(text), "the text was not taken"


class Window:
    """A running application."""

    def __init__(self, site, arguments, environment=None):
        schemas = str(BUILD / "data")
        icons = "%s:%s" % (SOURCE / "data", os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share")
        self.log_path = site.path / "frontdesk.log"
        keep = {key: os.environ[key] for key in os.environ
                if key in ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "GDK_BACKEND", "GSK_RENDERER")}
        with open(self.log_path, "ab") as log:
            self.process = site.start([app_program(), *map(str, arguments)], stdout=log, stderr=log,
                                      environment={"GSETTINGS_SCHEMA_DIR": schemas, "XDG_DATA_DIRS": icons, **keep, **(environment or {})})
        self.root = None
        self.root = wait_for("the window", self.look_for_application, 30)

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def look_for_application(self):
        drain()
        assert self.process.poll() is None, "frontdesk ended with %s\n%s" % (self.process.returncode, self.log())
        for node in Node(Atspi.get_desktop(0)).children():
            if safely(node.accessible.get_process_id, 0) == self.process.pid and next(node.children(), None):
                return node
        return None

    def look_again(self):
        """What libatspi remembers of the children outlives their change now and then, whatever mask it was given."""
        drain()
        self.root.accessible.clear_cache()

    def find(self, **wanted):
        self.look_again()
        return self.root.find(**wanted)

    def find_all(self, **wanted):
        self.look_again()
        return list(self.root.find_all(**wanted))

    def wait(self, what, seconds=20, **wanted):
        def look():
            assert self.process.poll() is None, "frontdesk ended with %s\n%s" % (self.process.returncode, self.log())
            return self.find(**wanted)
        return wait_for(what, look, seconds)

    def wait_gone(self, what, seconds=20, **wanted):
        wait_for(what, lambda: self.find(**wanted) is None, seconds)

    def click(self, what, seconds=20, **wanted):
        """By its action where it has one, else with the pointer."""
        node = self.wait(what, seconds, **wanted)
        try:
            node.act()
        except (AssertionError, GLib.Error):
            self.point(node)
        return node

    def point(self, node):
        """Clicks into the middle of a node."""
        x, y, width, height = node.extents()
        assert width > 0 and height > 0, "%s %r has no place on the screen" % (node.role, node.name)
        self.xdo("mousemove", "--window", self.window_id(), str(x + width // 2), str(y + height // 2), "click", "1")

    def window_id(self):
        out = self.xdo("search", "--onlyvisible", "--pid", str(self.process.pid))
        ids = out.split()
        assert ids, "the window is not on the screen"
        return ids[-1]

    def key(self, *names):
        self.xdo("windowfocus", "--sync", self.window_id())
        self.xdo("key", *names)

    def xdo(self, *arguments):
        return subprocess.run(["xdotool", *arguments], check=True, capture_output=True, text=True, timeout=20).stdout

    def screenshot(self, path):
        """Of the whole screen, once it has stopped changing (for at most 3 s)."""
        last, deadline = None, time.monotonic() + 3 * SLOWNESS
        while True:
            drain()
            image = subprocess.run(["import", "-window", "root", "png:-"], check=True, capture_output=True, timeout=20).stdout
            if image == last or time.monotonic() > deadline:
                break
            last = image
        with open(path, "wb") as file:
            file.write(image)

    def dump(self, node=None, depth=0):
        """What can be seen, for a failure's report."""
        node = node or self.root
        if node.visible or depth == 0:
            content = node.content
            if node.name or content:
                yield "%s%s %r %s" % ("  " * depth, node.role, node.name, "" if content == node.name else repr(content))
            for child in node.children():
                yield from self.dump(child, depth + 1)

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
