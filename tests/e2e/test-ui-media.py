#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a message can be, and attaching: the window against a real backend with the customers of the
demonstration. Run inside with-screen.sh."""

import pathlib
import sqlite3
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Daemon, run_tests, wait_for  # noqa: E402
from desk_ui import Window  # noqa: E402

CONFIG = """[connection demo]
platform=demo
[retention]
messages_per_chat=0
days=0
[limits]
requests_per_minute=0
"""


def start(site):
    server = Daemon(site, config=CONFIG, environment={"FRONTDESK_DEMO_PACE_S": "0"})
    server.add_user("ivan")
    token = server.create_token("ivan")
    server.start()
    window = open_window(site, server, token)
    return server, token, window


def open_window(site, server, token):
    window = Window(site, ["--cache", site.path / "cache", "--server", server.url], {"FRONTDESK_TOKEN": token})
    return window


def open_chat(window, person):
    window.point(window.wait("the chat of " + person, chat=person))


def fetch(server, attachment):
    with urllib.request.urlopen(server.url + "/api/v1" + attachment["url"], timeout=20) as answer:
        return answer.read()


def sent_files(server, token):
    """Of the messages that a manager sent: (caption, file name, bytes)."""
    return [(message["text"], attachment["filename"], fetch(server, attachment))
            for message in server.rest(token).everything().values()
            if message["direction"] == "outgoing" and message["sender"] == "manager"
            for attachment in message["attachments"] if attachment["filename"].startswith("attached")]


def attach(window, path):
    """By the button and the dialog for files, where a path may be typed."""
    window.click("the button", role="push button", name="Attach Files")
    window.wait("the dialog", role="label", text="Attach")
    window.xdo("type", "--delay", "20", str(path))
    window.key("Return")
    window.wait("the file above the entry", role="push button", name="Remove " + path.name)


def test_what_messages_are(site):
    server, _, window = start(site)
    open_chat(window, "Emma Hartley")
    # fetched by itself, and named by its file once it is seen
    window.wait("the picture", role="push button", name="sleeves.png").act()
    window.wait("the viewer", role="push button", name="Zoom In")
    window.wait("the picture in it", role="image", name="sleeves.png")
    window.key("Escape")
    window.wait_gone("the viewer", role="push button", name="Zoom In")
    open_chat(window, "Оксана Бондар")
    window.wait("the sticker", role="label", text="Sticker")
    window.wait("the voice message", role="label", text="Voice message")
    window.wait("its player", role="push button", name="Play")
    open_chat(window, "Marcus Webb")
    window.wait("the file", role="label", text="offer-1182.pdf")
    window.click("fetching it", role="push button", name="Download")
    window.wait_gone("the button once it is here", role="push button", name="Download")
    open_chat(window, "Тарас Коваль")
    window.wait("what cannot be shown", role="label", text="Unsupported message")
    open_chat(window, "Aiko Tanaka")
    window.wait("the place", role="push button", name="Open Map")
    window.close()


def test_attaching(site):
    """Attached, taken off, attached again, killed: the draft has it, and what arrives are the same bytes."""
    server, token, window = start(site)
    first, second = site.path / "attached one.txt", site.path / "attached two.bin"
    first.write_bytes(b"two left")
    second.write_bytes(bytes(range(256)) * 300)
    open_chat(window, "Emma Hartley")
    attach(window, first)
    window.click("taking it off", role="push button", name="Remove " + first.name)
    window.wait_gone("the file", role="push button", name="Remove " + first.name)
    attach(window, second)
    cache = site.path / "cache"
    wait_for("the draft on disk", lambda: second.name in draft_files(cache))
    window.process.kill()
    window.process.wait()
    second.unlink()

    window = open_window(site, server, token)
    open_chat(window, "Emma Hartley")
    window.wait("the file after the kill", role="push button", name="Remove " + second.name)
    window.wait("the composer", role="text", name="Reply").set_text("Look")
    wait_for("the send button", lambda: window.find(role="push button", name="Send").sensitive)
    window.click("the send button", role="push button", name="Send")
    wait_for("the file at the server", lambda: sent_files(server, token))
    assert sent_files(server, token) == [("Look", second.name, bytes(range(256)) * 300)]
    window.wait_gone("the file above the entry", role="push button", name="Remove " + second.name)
    window.close()


def draft_files(cache):
    """What the drafts in the caches name."""
    found = ""
    for path in cache.rglob("*.db"):
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as database:
            if database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'draft'").fetchone():
                found += " ".join(str(row) for row in database.execute("SELECT attachments FROM draft"))
    return found


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
