#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What surrounds the conversation: accounts, state, search, notifications, preferences, help. The real
window against a real backend; a notification service of the test's own. Run inside with-screen.sh."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Daemon, run_tests, wait_for  # noqa: E402
from desk_ui import Window  # noqa: E402
from fake_notifications import FakeNotifications  # noqa: E402
from stub_bot_api import StubBotApi  # noqa: E402

PASSWORD = "correct horse"
KEYRING = {"SECRET_BACKEND": "file", "SECRET_FILE_TEST_PASSWORD": "pw"}
KEPT = {**KEYRING, "GSETTINGS_BACKEND": "keyfile"}


class Shop:
    """A backend with a bot, and two managers."""

    def __init__(self, site, name="server"):
        self.bot = StubBotApi()
        self.server = Daemon(site, name, config=self.bot.config(), environment={"BOT_TOKEN": self.bot.token})
        for user in ("ivan", "maria"):
            self.server.add_user(user)
        self.tokens = {user: self.server.create_token(user) for user in ("ivan", "maria")}
        self.server.start()

    def rest(self, user="ivan"):
        return self.server.rest(self.tokens[user])

    def says(self, number, name, text):
        self.bot.person_says(number, name, text)

    def unread(self, number):
        return self.rest().get("/api/v1/crm/chats/telegram/%d" % number)["data"]["unread"]


def open_direct(site, shop, cache="cache", environment=None):
    return Window(site, ["--cache", site.path / cache, "--server", shop.server.url],
                  {"FRONTDESK_TOKEN": shop.tokens["ivan"], **(environment or {})})


def live(window, seconds=30):
    window.wait("the state up to date", seconds, role="label", text="Up to date")


def open_chat(window, name):
    window.point(window.wait("the chat of " + name, chat=name))
    window.wait("the composer", role="text", name="Reply")


def row(window, text):
    return next((found for found in window.find_all(role="panel", text=text)), None)


def type_into(window, name, text, role="text"):
    window.wait(name, role=role, name=name).set_text(text)


def sign_in(window, url, user, secret):
    """In the form; user None: by token."""
    window.wait("the form", name="Server Address")
    window.find(name="Server Address", role="text").set_text(url)
    window.find(name="User Name", role="text").set_text(user)
    window.find(name="Password", role="text").set_text(secret)
    button(window, "Sign In")


def button(window, name, seconds=20):
    def look():
        return next((found for found in window.find_all(role="push button", name=name) if found.sensitive), None)
    wait_for("the button " + name, look, seconds).act()


def main_menu(window):
    window.key("F10")


# ── Accounts ────────────────────────────────────────────────────────────────────────────────────


def test_accounts(site):
    """Sign in by password and by token, wrong ones, two accounts side by side, sign out with keep and erase."""
    shop, other = Shop(site), Shop(site, "other")
    shop.says(101, "Olena", "Is the red one in stock?")
    other.says(202, "Minh", "Hello from the other shop")
    window = Window(site, [], KEYRING)
    button(window, "Sign In")

    sign_in(window, "http://127.0.0.1:1", "ivan", PASSWORD)
    window.wait("a server that does not answer", text="does not answer")
    sign_in(window, shop.server.url, "ivan", "wrong")
    window.wait("a wrong password", text="Wrong user name or password")
    sign_in(window, shop.server.url, "ivan", PASSWORD)
    window.wait("the chat", chat="Olena")
    live(window)

    window.key("ctrl+alt+2")  # there is no second one yet
    main_menu(window)
    window.click("add an account", text="Add Account…")
    sign_in(window, other.server.url, "maria", PASSWORD)
    window.wait("the chat of the second account", chat="Minh")
    assert window.find(chat="Olena") is None, "the chats of two accounts in one list"
    window.key("ctrl+alt+1")
    window.wait("the chat of the first account", chat="Olena")
    window.wait_gone("that of the second", chat="Minh")
    shop.says(101, "Olena", "Are you there?")
    window.wait("news in the account that was left and shown again", role="panel", text="Are you there?")
    window.close()

    window = Window(site, [], KEYRING)  # both are open again
    window.wait("the account used last", chat="Minh")
    wait_for("the other account", lambda: (window.key("ctrl+alt+2"), window.find(chat="Olena"))[1])
    window.close()


# ── Notifications ───────────────────────────────────────────────────────────────────────────────


def test_notifications(site):
    """Shown, with both buttons, taken back when read; none for what is open, muted or disturbs; a badge."""
    shop, service = Shop(site), FakeNotifications()
    shop.says(101, "Olena", "First words")
    window = open_direct(site, shop)
    window.wait("the chat", chat="Olena")
    live(window)

    shop.says(101, "Olena", "Is it red?")
    number, shown = wait_for("a notification", lambda: service.find("Is it red?"))
    assert shown.title == "Olena" and sorted(shown.actions) == ["", "Mark as Read", "Reply"], shown
    wait_for("the badge", lambda: service.badges and service.badges[-1] > 0)
    service.press(number, "Mark as Read")
    wait_for("the chat to be read", lambda: shop.unread(101) == 0)
    wait_for("it to be taken back", lambda: service.find("Is it red?") is None)
    wait_for("no badge", lambda: service.badges[-1] == 0)

    shop.says(101, "Olena", "Or blue?")
    number, shown = wait_for("another notification", lambda: service.find("Or blue?"))
    service.press(number, "Reply")
    window.wait("the composer of the chat", role="text", name="Reply")
    wait_for("the chat to be read", lambda: shop.unread(101) == 0)

    shop.says(101, "Olena", "While it is open")
    window.wait("the message in the open chat", role="panel", text="While it is open")
    wait_for("it to be read", lambda: shop.unread(101) == 0)
    assert service.find("While it is open") is None
    main_menu(window)
    window.click("do not disturb", role="check menu item", text="Do Not Disturb")
    shop.says(202, "Minh", "Do not disturb")
    window.wait("the new chat", chat="Minh")
    main_menu(window)
    window.click("the log", role="menu item", text="Log")
    window.wait("the reason", role="label", text="shown: do not disturb")
    window.wait("the other reason", role="label", text="the chat was open")
    assert service.find("Do not disturb") is None
    window.close()
    service.close()


# ── Search ──────────────────────────────────────────────────────────────────────────────────────


def test_quick_switcher(site):
    """Ctrl+K: to a chat by letters of its name, to a command, and away with Escape."""
    shop = Shop(site)
    shop.says(101, "Olena", "About the coat")
    shop.says(202, "Minh", "About the chair")
    window = open_direct(site, shop)
    window.wait("the chats", chat="Minh")
    window.wait("the chats", chat="Olena")

    def switcher():
        window.key("ctrl+k")
        return window.wait("the switcher", name="A chat or a command", role="entry")
    switcher().set_text("oln")
    window.wait("the chat among the results", name="Olena, Telegram")
    window.key("Return")
    window.wait("the message of the chat", role="panel", text="About the coat")
    switcher().set_text("keyb shor")
    window.wait("the command", text="Keyboard Shortcuts")
    switcher_gone = lambda: window.find(name="A chat or a command", role="entry") is None  # noqa: E731
    window.key("Escape")
    wait_for("the switcher to go", switcher_gone)
    switcher().set_text("qqqq")
    window.wait("that there is nothing", role="label", text="Nothing Found")
    window.key("Escape")
    wait_for("the switcher to go", switcher_gone)
    window.close()


def test_reports(site):
    """Ctrl+Shift+R opens them, for a period that can be changed."""
    window = open_direct(site, Shop(site))
    live(window)
    window.key("ctrl+shift+r")
    window.wait("the reports", role="frame", name="Reports")
    window.wait("the period", name="Period")
    window.close()


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
