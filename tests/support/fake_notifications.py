# SPDX-License-Identifier: GPL-3.0-or-later
"""A notification service on the test's own session bus: keeps what it is shown, and can press the
buttons. It has a thread, a main context and a connection of its own."""

import os
import threading

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
XML = """<node><interface name="org.freedesktop.Notifications">
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="GetServerInformation"><arg type="s" direction="out"/><arg type="s" direction="out"/>
<arg type="s" direction="out"/><arg type="s" direction="out"/></method>
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
<arg type="a{sv}" direction="in"/><arg type="i" direction="in"/><arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
<signal name="ActionInvoked"><arg type="u"/><arg type="s"/></signal>
<signal name="NotificationClosed"><arg type="u"/><arg type="u"/></signal>
</interface></node>"""


class Shown:
    def __init__(self, title, body, actions):
        self.title, self.body = title, body
        self.actions = dict(zip(actions[1::2], actions[::2]))  # label → name

    def __repr__(self):
        return "%s: %s %r" % (self.title, self.body, sorted(self.actions))


class FakeNotifications:
    def __init__(self):
        self.shown, self.closed, self.badges, self.last = {}, [], [], 0
        self.ready = threading.Event()
        self.context = GLib.MainContext()
        self.loop = GLib.MainLoop(self.context)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        assert self.ready.wait(20), "the notification service did not start"

    def serve(self):
        self.context.push_thread_default()
        self.bus = Gio.DBusConnection.new_for_address_sync(
            os.environ["DBUS_SESSION_BUS_ADDRESS"], Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        interface = Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0]
        self.bus.register_object(PATH, interface, self.call, None, None)
        self.bus.signal_subscribe(None, "com.canonical.Unity.LauncherEntry", "Update", None, None,
                                  Gio.DBusSignalFlags.NONE, self.badge)
        self.bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                           GLib.Variant("(su)", (NAME, 6)), None, Gio.DBusCallFlags.NONE, -1, None)
        self.ready.set()
        self.loop.run()
        self.bus.close_sync(None)

    def call(self, bus, sender, path, interface, method, parameters, invocation):
        if method == "GetCapabilities":
            invocation.return_value(GLib.Variant("(as)", (["actions", "body"],)))
        elif method == "GetServerInformation":
            invocation.return_value(GLib.Variant("(ssss)", ("fake", "test", "1", "1.2")))
        elif method == "Notify":
            _, replaces, _, title, body, actions, _, _ = parameters.unpack()
            if not replaces:
                self.last += 1
            number = replaces or self.last
            self.shown[number] = Shown(title, body, actions)
            invocation.return_value(GLib.Variant("(u)", (number,)))
        else:
            number, = parameters.unpack()
            self.closed.append(self.shown.pop(number, None))
            invocation.return_value(None)

    def badge(self, bus, sender, path, interface, signal, parameters):
        _, values = parameters.unpack()
        self.badges.append(values["count"] if values["count-visible"] else 0)

    def find(self, text):
        """(number, what is shown) of the one with that text, or None."""
        return next((pair for pair in list(self.shown.items()) if text in pair[1].title + "\n" + pair[1].body), None)

    def press(self, number, label):
        """label None: the notification itself."""
        action = "default" if label is None else self.shown[number].actions[label]
        self.bus.emit_signal(None, PATH, NAME, "ActionInvoked", GLib.Variant("(us)", (number, action)))

    def close(self):
        self.loop.quit()
        self.thread.join(20)
