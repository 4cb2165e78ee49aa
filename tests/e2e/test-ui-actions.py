#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manager does with chats, at the window: against a real backend with customers on WhatsApp, through the
accessibility interface and the keyboard. Run inside with-screen.sh."""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import run_tests, wait_for  # noqa: E402
from desk_shop import Shop  # noqa: E402
from desk_ui import Window  # noqa: E402

OLENA, MINH, ANA = "380501112233", "84901234567", "34600111222"


class Desk:
    """The window over a shop with three customers."""

    def __init__(self, site):
        self.site, self.shop = site, Shop(site)
        self.shop.says(ANA, "Ana", "Hola")
        self.shop.says(MINH, "Minh", "Xin chào")
        self.shop.says(OLENA, "Olena", "Is the red one in stock?")
        self.open_window()
        self.choose("Olena")

    def open_window(self, online=True):
        self.window = Window(self.site, ["--cache", self.site.path / "cache", "--server", self.shop.server.url],
                             {"FRONTDESK_TOKEN": self.shop.tokens["ivan"]})
        if online:
            self.window.wait("being up to date", role="label", text="Up to date")

    def choose(self, name):
        self.window.point(self.window.wait("the chat", chat=name))
        wait_for("the chat's page", lambda: self.window.find(role="text", name="Reply"))

    def press(self, *keys):
        self.window.key(*keys)

    def type(self, text):
        self.window.xdo("windowfocus", "--sync", self.window.window_id())
        self.window.xdo("type", "--delay", "1", text)

    def toast(self, text):
        self.window.wait("the toast", role="label", name=text)

    def has(self, what, phone=OLENA, **values):
        """The backend has these values, and nothing else is under way."""
        wait_for(what, lambda: all(self.shop.chat(phone)[key] == value for key, value in values.items()))

    def row(self, text, *states):
        for found in self.window.find_all(role="panel", text=text):
            if not states or any(state in found.name for state in states):
                return found
        return None

    def close(self):
        self.window.close()
        self.shop.close()


def at_the_desk(test):
    def run(site):
        desk = Desk(site)
        try:
            test(desk)
        except BaseException:
            print("".join("# %s\n" % line for line in desk.window.dump()))
            raise
        finally:
            desk.close()
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@at_the_desk
def test_assign_and_unassign(desk):
    window = desk.window
    desk.press("ctrl+shift+a")
    window.wait("the list of managers", name="Me")
    desk.press("Return")  # me stands first
    desk.toast("Assigned to you")
    desk.has("the assignment to me", assignee="ivan")
    desk.press("ctrl+shift+a")
    window.wait("me as the one", name="Me, chosen")
    desk.type("mar")
    desk.press("Return")
    desk.has("the assignment to maria", assignee="maria")
    desk.press("ctrl+shift+a")
    window.wait("the list of managers", name="Nobody")
    desk.type("nob")
    desk.press("Return")
    desk.toast("Assigned to nobody")
    desk.has("no assignment", assignee=None)
    window.click("undo", role="push button", text="Undo")
    desk.has("what was before", assignee="maria")


@at_the_desk
def test_resolve_and_reopen(desk):
    window = desk.window
    desk.press("ctrl+shift+e")
    desk.toast("Resolved")
    desk.has("the state", state="resolved")
    window.wait("the other button", role="push button", name="Reopen")
    desk.shop.says(OLENA, "Olena", "One more question")
    desk.has("a chat that is open again", state="open")
    window.wait("the first button", role="push button", name="Resolve")
    window.click("the button", role="push button", name="Resolve")
    desk.has("the state", state="resolved")
    desk.press("ctrl+shift+o")
    desk.has("the state after the key", state="open")


@at_the_desk
def test_snooze_and_its_end(desk):
    window = desk.window
    desk.press("ctrl+shift+s")
    window.wait("the choices", name="Tomorrow")
    desk.press("Escape")
    window.wait_gone("the choices", role="list item", name="Tomorrow")
    window.click("the button", role="push button", name="Snooze")
    window.wait("next week", name="Next Week")
    desk.press("Down", "Down", "Return")
    window.wait("the toast", role="label", text="Snoozed until Mon")
    desk.has("the state", state="snoozed")
    assert desk.shop.chat(OLENA)["snoozed_until"], desk.shop.chat(OLENA)
    # the backend wakes it when the time has come
    desk.shop.wakes_soon(OLENA)
    desk.has("the chat that is awake", state="open")
    window.wait("the window that knows", role="push button", name="Resolve")


@at_the_desk
def test_labels_and_mute(desk):
    window = desk.window
    desk.press("ctrl+shift+l")
    window.wait("the labels", name="Add or Remove a Label")
    desk.type("vip")
    window.wait("the offer", text="New label “vip”")
    desk.press("Return")
    desk.toast("Label “vip” added")
    desk.has("the label", labels=["vip"])
    desk.press("ctrl+shift+l")
    window.wait("the label as set", name="vip, chosen")
    desk.type("vip")
    desk.press("Return")
    desk.has("no label", labels=[])
    desk.press("ctrl+shift+m")
    desk.toast("Muted: no notifications from this chat")
    wait_for("the mute at the backend", lambda: desk.shop.ivan.get("/api/v1/crm/chats/whatsapp/" + OLENA)["data"]["muted"])


@at_the_desk
def test_refused_and_offline(desk):
    window, shop = desk.window, desk.shop
    shop.server.stop()
    window.wait("offline", 60, role="label", text="Offline")
    desk.press("ctrl+shift+a")
    window.wait("me", name="Me")
    desk.press("Return")  # shown at once
    desk.toast("Assigned to you")
    shop.server.start()
    desk.has("the change that was queued", assignee="ivan")
    # refused: a colleague had other ideas in between
    shop.server.stop()
    window.wait("offline", 60, role="label", text="Offline")
    desk.press("ctrl+shift+a")
    window.wait("nobody", name="Nobody")
    desk.type("nob")
    desk.press("Return")
    desk.toast("Assigned to nobody")
    window.process.send_signal(signal.SIGSTOP)
    shop.server.start()
    shop.patch(OLENA, assignee="maria")
    window.process.send_signal(signal.SIGCONT)
    window.wait("the reason", 60, role="label", text="A colleague has changed this chat meanwhile")
    desk.has("what the colleague did", assignee="maria")
    window.click("the other way out", role="push button", text="Change Anyway")
    desk.has("what was wanted", assignee=None)


@at_the_desk
def test_note(desk):
    window = desk.window
    desk.press("ctrl+shift+n")
    window.wait("the mode", role="text", name="Internal note")
    desk.type("check the warehouse")
    desk.press("Return")
    wait_for("the note", lambda: desk.row("check the warehouse"))
    window.wait("the mode is over", role="text", name="Reply")
    wait_for("it at the backend", lambda: "check the warehouse" in desk.shop.texts(OLENA))
    assert desk.shop.graph.texts() == [], "a note never reaches the customer"
    # what was begun as a note in one chat is no reply in another
    desk.press("ctrl+shift+n")
    desk.choose("Minh")


@at_the_desk
def test_send_and_resolve(desk):
    window = desk.window
    window.wait("the composer", role="text", name="Reply").set_text("Yes, two left")
    wait_for("the send button", lambda: window.find(role="push button", name="Send").sensitive)
    desk.choose("Olena")
    desk.press("ctrl+Return")
    desk.has("the state", state="resolved")
    wait_for("the reply at the customer", lambda: desk.shop.graph.texts() == ["Yes, two left"])


@at_the_desk
def test_canned(desk):
    window, shop = desk.window, desk.shop
    desk.press("F10")
    window.click("the entry of the menu", text="Canned Replies")
    window.wait("the empty list", role="label", name="No Canned Replies")
    window.click("new", role="push button", name="New Canned Reply")
    window.wait("the form", role="text", name="Shortcut").set_text("hi")
    window.wait("the text", role="text", name="Text of the canned reply").set_text("Hello {{customer.name}}, {{manager.name}} here")
    window.click("save", role="push button", text="Save")
    window.wait("it in the list", text="/hi")
    canned, = shop.maria.get("/api/v1/crm/canned")["data"]
    assert (canned["shortcut"], canned["text"]) == ("hi", "Hello {{customer.name}}, {{manager.name}} here"), canned
    desk.press("Escape")
    desk.choose("Olena")
    desk.type("/h")
    window.wait("the offer", text="/hi")
    desk.press("Tab")
    wait_for("the text with its variables",
             lambda: window.find(role="text", name="Reply").content == "Hello Olena, ivan here")
    desk.press("Return")
    wait_for("it at the customer", lambda: shop.graph.texts() == ["Hello Olena, ivan here"])
    desk.type("/h")
    window.wait("the offer", text="/hi")
    desk.press("Escape")
    window.wait_gone("the offer", text="/hi: ")
    assert window.find(role="text", name="Reply").content == "/h"


@at_the_desk
def test_presence(desk):
    window = desk.window
    with desk.shop.colleague() as socket:
        socket.say("viewing", OLENA)
        window.wait("who looks", role="label", name="maria is viewing")
        socket.say("typing", OLENA)
        window.wait("who types", role="label", name="maria is typing…")
        window.wait("the end of typing", 30, role="label", name="maria is viewing")
    window.wait_gone("who looked", 60, role="label", name="maria is viewing")


@at_the_desk
def test_stale_reply(desk):
    window, shop = desk.window, desk.shop
    for number, button in ((0, "Edit"), (1, "Send Anyway")):
        shop.server.stop()
        window.wait("offline", 60, role="label", text="Offline")
        desk.choose("Olena")
        desk.type("my answer %d" % number)
        desk.press("Return")
        wait_for("the queued reply", lambda: desk.row("my answer %d" % number, "Waiting to be sent"))
        window.process.send_signal(signal.SIGSTOP)  # maria is the first to be back
        shop.server.start()
        status, body = shop.maria.send("whatsapp/" + OLENA, "maria was here %d" % number)
        window.process.send_signal(signal.SIGCONT)
        assert status == 201, (status, body)
        window.wait("the reply held back", 60, role="push button", name="Send Anyway")
        wait_for("the colleague's message", lambda: desk.row("maria was here %d" % number))
        window.click("a way out", role="push button", name=button)
        if button == "Edit":
            wait_for("the text back", lambda: window.find(role="text", name="Reply").content == "my answer 0")
            window.find(role="text", name="Reply").set_text("")
    wait_for("it at the customer", lambda: "my answer 1" in shop.graph.texts())
    assert "my answer 0" not in shop.graph.texts()


@at_the_desk
def test_closed_window_and_template(desk):
    window, shop = desk.window, desk.shop
    window.wait("the countdown", role="label", text="Window closes in")
    shop.says("4479001", "Late Larry", "hello?", ago_s=25 * 3600)
    desk.choose("Late Larry")
    window.wait("the explanation", role="label", text="The time for free replies is over")
    window.click("the template button", role="push button", text="Choose a Template…")
    window.wait("the customer as the first variable", role="text", name="Variable 1")
    assert not window.find(role="push button", text="Send Template").sensitive
    window.find(role="text", name="Variable 2").set_text("coat")
    window.wait("the preview", role="label", text="Hello Late Larry, your coat is ready.")
    window.click("send", role="push button", text="Send Template")
    sent = wait_for("the template at the platform", lambda: [m for m in shop.graph.sent if m["type"] == "template"])
    assert sent[0]["template"]["name"] == "order_ready", sent
    wait_for("it in the chat", lambda: desk.row("your coat is ready"))


@at_the_desk
def test_many_at_once(desk):
    window = desk.window
    desk.press("ctrl+alt+s")
    for name in ("Olena", "Minh"):
        window.click("a check", role="check box", name=name)
    window.wait("the count", role="label", name="2 chosen")
    window.click("resolve", role="push button", name="Resolve the Chosen")
    desk.toast("2 chats resolved")
    desk.has("Olena's state", OLENA, state="resolved")
    desk.has("Minh's state", MINH, state="resolved")
    desk.has("Ana's state", ANA, state="open")
    window.click("undo", role="push button", text="Undo")
    desk.has("Minh's state", MINH, state="open")


@at_the_desk
def test_filters(desk):
    window, shop = desk.window, desk.shop
    shop.patch(MINH, state="resolved")
    shop.patch(ANA, labels=["vip"], assignee="maria")
    window.wait_gone("the resolved chat", chat="Minh")
    desk.press("ctrl+1")  # All once more: whatever the state
    window.wait("the resolved chat", chat="Minh")
    window.wait("an open chat", chat="Ana")
    desk.press("ctrl+4")  # unassigned
    window.wait_gone("maria's chat", chat="Ana")
    desk.press("ctrl+1")
    window.wait("maria's chat", chat="Ana")


@at_the_desk
def test_profile(desk):
    window, shop = desk.window, desk.shop
    window.wait("the note", role="text", name="Note on the customer").set_text("likes red")
    wait_for("the note at the backend", lambda: shop.profile(OLENA)["note"] == "likes red")
    window.point(window.find(role="text", name="Phone"))
    desk.type("+380 50 111")
    desk.press("Return")
    wait_for("the phone at the backend", lambda: shop.profile(OLENA)["phone"] == "+380 50 111")
    window.close()
    shop.server.stop()
    desk.open_window(online=False)
    desk.choose("Olena")
    wait_for("the note from the cache", lambda: window_text(desk.window, "Note on the customer") == "likes red")
    assert window_text(desk.window, "Phone") == "+380 50 111"
    shop.server.start()


def window_text(window, name):
    node = window.find(role="text", name=name)
    return node and node.content


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
