#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leads a short conversation through the real application, and leaves pictures of it.

    with-screen.sh demo_drive.py FOLDER

Opens a chat, reads, answers, receives an answer, goes offline (the backend is stopped), reads and
queues a reply, comes back, and sees it delivered. Every step must be seen on the screen and, where
it has an effect, at the backend; otherwise it ends with exit code 1.
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from desk_run import Daemon, Site, wait_for  # noqa: E402
from desk_ui import Window  # noqa: E402

CHAT, NAME = "demo/aiko.tanaka", "Aiko Tanaka"
ASKED = "Could you ship a rocking chair to Japan?"
OTHER, OTHER_SAID = "Emma Hartley", "I pinned them to the length I'd like"
FIRST = "Hello Aiko! Yes, we ship to Japan; it takes about two weeks."
QUEUED = "I will send you the exact price in a minute."
QUIET = {"FRONTDESK_DEMO_PACE_S": "0"}  # customers answer, and do not write first


class Story:
    """The transcript and the pictures, in one order."""

    def __init__(self, folder):
        self.folder, self.number, self.start = pathlib.Path(folder), 0, time.monotonic()
        self.transcript = open(self.folder / "transcript.txt", "w", encoding="utf-8")

    def tell(self, text):
        line = "%6.1f s  %s" % (time.monotonic() - self.start, text)
        print(line, flush=True)
        self.transcript.write(line + "\n")
        self.transcript.flush()

    def picture(self, window, title):
        self.number += 1
        name = "%02d-%s.png" % (self.number, title)
        window.screenshot(self.folder / name)
        self.tell("picture %s" % name)


def message_row(window, text, *states):
    """The row of a message as a screen reader hears it, in one of the states: the last words of its name
    as a whole, since "Waiting to be sent" has "sent" in it, too."""
    for row in window.find_all(role="panel", text=text):
        if not states or row.name.rpartition(", ")[2].lower() in states:
            return row
    return None


def open_chat(window, name, said):
    window.point(window.wait("the chat of " + name, chat=name))
    wait_for("the history of " + name, lambda: message_row(window, said))


def write(window, text):
    window.wait("the composer", role="text", name="Reply").set_text(text)
    wait_for("the send button", lambda: (window.find(role="push button", name="Send") or window.root).sensitive)
    window.click("the send button", role="push button", name="Send")


def stored(server, token, text):
    return [m for m in server.rest(token).everything().values() if m["text"] == text]


def converse(story, site, server):
    token = server.demo_token()
    story.tell("the backend listens on %s, with simulated customers" % server.url)
    window = Window(site, ["--cache", site.path / "cache", "--server", server.url], {"FRONTDESK_TOKEN": token})
    window.wait("the list of chats", chat=NAME)
    window.wait("the state", role="label", text="Up to date")
    story.picture(window, "inbox")

    open_chat(window, NAME, ASKED)
    story.tell("opened the chat of %s and read: %s" % (NAME, ASKED))
    wait_for("the read marker at the backend", lambda: server.rest(token).get(
        "/api/v1/crm/chats/" + CHAT)["data"]["unread"] == 0)
    story.picture(window, "chat")

    write(window, FIRST)
    wait_for("the reply on the screen", lambda: message_row(window, FIRST))
    story.tell("answered: " + FIRST)
    wait_for("the reply at the backend, once", lambda: len(stored(server, token, FIRST)) == 1)
    wait_for("the mark of delivery", lambda: message_row(window, FIRST, "sent", "delivered", "read"))
    story.tell("the reply is marked: " + message_row(window, FIRST, "sent", "delivered", "read").name)
    story.picture(window, "answered")

    def customer_answered():
        found = [m for (chat, seq), m in sorted(server.rest(token).everything().items())
                 if chat == CHAT and m["direction"] == "incoming" and m["chat_seq"] > stored(server, token, FIRST)[0]["chat_seq"]]
        return found and found[-1]["text"]

    answer = wait_for("an answer of the customer", customer_answered, 60)
    wait_for("the answer on the screen", lambda: message_row(window, answer))
    story.tell("%s answers: %s" % (NAME, answer))
    story.picture(window, "customer-answers")

    server.stop()
    offline = window.wait("the state offline", 60, role="label", text="Offline: complete to")
    story.tell("the backend is stopped; the window says: " + offline.name)
    open_chat(window, OTHER, OTHER_SAID)
    story.tell("offline, read the chat of " + OTHER)
    story.picture(window, "offline-reading")
    open_chat(window, NAME, answer)
    write(window, QUEUED)
    row = wait_for("the queued reply", lambda: message_row(window, QUEUED, "waiting to be sent"))
    story.tell("offline, queued a reply: " + row.name)
    story.picture(window, "offline-queued")

    server.start()
    story.tell("the backend is back on " + server.url)
    window.wait("the state up to date", 90, role="label", text="Up to date")
    wait_for("the queued reply at the backend", lambda: stored(server, token, QUEUED), 60)
    row = wait_for("the mark of delivery", lambda: message_row(window, QUEUED, "sent", "delivered", "read"), 60)
    story.tell("delivered: " + row.name)
    story.picture(window, "delivered")
    for text in (FIRST, QUEUED):
        count = len(stored(server, token, text))
        assert count == 1, "%r stands %d times at the backend" % (text, count)
    story.tell("both replies are at the backend exactly once")
    window.close()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    story = Story(folder)
    with Site("frontdesk-demo-") as site:
        server = Daemon(site, demo=True, environment=QUIET).start()
        try:
            converse(story, site, server)
        except Exception as failure:
            story.tell("FAILED: %s" % failure)
            for log in sorted(site.path.glob("*.log")):
                sys.stderr.write("%s:\n%s\n" % (log.name, log.read_text(encoding="utf-8", errors="replace")[-3000:]))
            raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
