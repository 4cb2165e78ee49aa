#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The window against a real backend, seen and used through the accessibility interface. Run inside
with-screen.sh."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, Daemon, Emulator, run_tests, wait_for  # noqa: E402
from desk_ui import Window  # noqa: E402

ASKED, ANSWER = "Is the red one in stock? <b>no markup</b>", "Yes, two left."


def telegram(site):
    emulator = Emulator(site)
    server = Daemon(site, environment={"SHOP_BOT_TOKEN": emulator.token}, config="""[connection shop-bot]
platform=telegram
base_url=%s
token_env=SHOP_BOT_TOKEN
""" % emulator.url)
    server.add_user("ivan")
    token = server.create_token("ivan")
    server.start()
    return emulator, server, token


def row(window, text, *states):
    for found in window.find_all(role="panel", text=text):
        if not states or any(state in found.name for state in states):
            return found
    return None


def answer(window, text):
    window.wait("the composer", role="text", name="Reply").set_text(text)
    wait_for("the send button", lambda: window.find(role="push button", name="Send").sensitive)
    window.click("the send button", role="push button", name="Send")


def test_a_person_on_telegram_and_the_window(site):
    emulator, server, token = telegram(site)
    window = Window(site, ["--cache", site.path / "cache", "--server", server.url], {"FRONTDESK_TOKEN": token})
    window.wait("the empty inbox", role="label", text="Up to date")
    emulator.person_says(101, "Olena", ASKED)
    window.point(window.wait("the new chat", chat="Olena"))
    wait_for("the message, as it was typed", lambda: row(window, ASKED))
    answer(window, ANSWER)
    wait_for("the mark of sending", lambda: row(window, ANSWER, "Sent", "Delivered", "Read"))
    seen = wait_for("the answer at the person", lambda: emulator.person_sees(101))
    assert seen == [ANSWER], seen
    emulator.person_says(101, "Olena", "Great, how do I pay?")
    wait_for("the next message", lambda: row(window, "Great, how do I pay?"))
    # the terminal beside the window: it reads, and sends through the window's engine
    terminal = Client(site, server.url, token)
    assert terminal.json("status")[0]["engine_running"] is True
    terminal.ok("send", "telegram/101", "By card, in the shop", "--wait", "20")
    wait_for("what the terminal sent", lambda: row(window, "By card, in the shop"))
    seen = wait_for("it at the person", lambda: emulator.person_sees(101))
    assert seen == ["By card, in the shop"], seen
    window.close()


def test_start_without_a_backend(site):
    """The cached inbox opens, is read and answered; the reply survives a kill, and goes out once."""
    emulator, server, token = telegram(site)
    emulator.person_says(101, "Olena", ASKED)
    client = Client(site, server.url, token)
    wait_for("the chat", lambda: (client.sync(), client.json("chats"))[1])
    server.stop()

    arguments, environment = ["--cache", client.cache, "--server", server.url], {"FRONTDESK_TOKEN": token}
    window = Window(site, arguments, environment)
    window.point(window.wait("the cached chat", chat="Olena"))
    wait_for("the cached message", lambda: row(window, ASKED))
    answer(window, ANSWER)
    wait_for("the queued reply", lambda: row(window, ANSWER, "Waiting to be sent"))
    window.wait("the state offline", 60, role="label", text="Offline")
    window.process.kill()
    window.process.wait()

    window = Window(site, arguments, environment)
    window.point(window.wait("the cached chat", chat="Olena"))
    wait_for("the reply after the kill", lambda: row(window, ANSWER, "Waiting to be sent"))
    server.start()
    wait_for("the mark of sending", lambda: row(window, ANSWER, "Sent"), 90)
    seen = wait_for("the answer at the person", lambda: emulator.person_sees(101))
    assert seen == [ANSWER], seen
    window.close()


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
