#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""frontdeskd is killed between every two steps of a reply's way to the platform, and at random.

    test-delivery-crash.py FRONTDESKD [unittest's arguments]

DESK_CRASH_SEEDS (default 6) says how many random kills. Whatever the moment: a reply that was
answered with 201 exists once; nothing reaches the platform twice unless a person asks for it; what
is called sent was sent; and whoever repeats a request that was never answered doubles nothing.
"""

import http.client
import os
import random
import sys
import threading
import unittest

from bot_api import TOKEN, BotApi
from daemon_support import CRM, Daemon, wait_for

PROGRAM = None
CONFIG = """[connection shop]
platform=telegram
base_url=http://127.0.0.1:%d
token_env=SHOP_TOKEN
"""
POINTS = ("send-uncommitted", "send-committed", "send-answered", "due", "begin-uncommitted",
          "begin-committed", "sending", "answered", "finish-uncommitted", "finish-committed")
CHATS = (7, 8)
REPLIES = ["%d-%d" % (chat, n) for n in range(4) for chat in CHATS]


class KillingApi(BotApi):
    """Kills the daemon when the n-th sendMessage arrives, before or after taking it."""

    def __init__(self):
        super().__init__()
        self.kill_at, self.take, self.daemon, self.arrived = 0, False, None, 0

    def other(self, method, arguments):
        if method != "sendMessage":
            return super().other(method, arguments)
        self.arrived += 1
        if self.arrived != self.kill_at:
            return super().other(method, arguments)
        if self.take:
            self.sent.append(arguments["text"])
        self.daemon.process.kill()
        return None


class Crash(unittest.TestCase):
    def setUp(self):
        self.api = KillingApi()
        self.addCleanup(self.api.close)
        self.daemon = Daemon(PROGRAM, demo=False, config=CONFIG % self.api.port, start=False,
                             environment={"SHOP_TOKEN": TOKEN})
        self.api.daemon = self.daemon
        self.addCleanup(lambda: self.daemon.__exit__())
        self.daemon.start()
        self.token = self.daemon.token = self.daemon.add_user("ann", "correct horse")
        for number, chat in enumerate(CHATS):
            self.api.write(number + 1, "hello", chat=chat)
        for chat in CHATS:
            wait_for(lambda c=chat: self.messages(c), "the customers")

    def messages(self, chat):
        answer = self.daemon.request("GET", "%s/chats/telegram/%d/messages?before_seq=0&limit=100"
                                     % (CRM, chat))
        return answer.data[::-1] if answer.status == 200 else []

    def say(self, reply):
        """The status, or None if nobody answered."""
        try:
            return self.daemon.request(
                "POST", "%s/chats/telegram/%s/send" % (CRM, reply.split("-")[0]),
                {"text": reply, "client_message_id": reply}).status
        except (OSError, http.client.HTTPException):
            return None

    def revive(self, fault=None):
        if self.daemon.process.poll() is None:
            self.daemon.process.kill()
        self.daemon.process.wait()
        self.daemon.process.stdout.close()
        self.daemon.log.close()
        self.daemon.environment.pop("FRONTDESK_FAULT", None)
        if fault is not None:
            self.daemon.environment["FRONTDESK_FAULT"] = fault
        self.daemon.start()

    def replies(self):
        return {m["text"]: m["status"] for chat in CHATS for m in self.messages(chat)
                if m["direction"] == "outgoing"}

    def audit(self, what, answered):
        """After the last restart: everybody repeats what was not answered."""
        before = self.replies()
        for reply in answered:
            self.assertIn(reply, before, "%s: lost" % what)
        for reply in REPLIES:
            self.assertEqual(self.say(reply), 200 if reply in before else 201, (what, reply))
        wait_for(lambda: "queued" not in self.replies().values(), what + ": everything is settled")
        for chat in CHATS:
            texts = [m["text"] for m in self.messages(chat) if m["direction"] == "outgoing"]
            self.assertEqual(sorted(texts), sorted(r for r in REPLIES if r[0] == str(chat)), what)
        settled = self.replies()
        for reply, status in settled.items():
            n = self.api.sent.count(reply)
            self.assertIn(status, ("sent", "unknown"), (what, reply))
            self.assertLessEqual(n, 1, "%s: %s reached the customer %d times" % (what, reply, n))
            if status == "sent":
                self.assertEqual(n, 1, "%s: %s is called sent" % (what, reply))
        # who is unknown stays so: also another start sends nothing
        sent = list(self.api.sent)
        self.revive()
        self.assertEqual(self.say(REPLIES[0]), 200)
        wait_for(lambda: self.daemon.request("GET", CRM + "/connections").data[0]["state"] == "ok",
                 "the connection")
        self.assertEqual((self.api.sent, self.replies()), (sent, settled), what)
        return settled

    def talk(self):
        answered = []
        for reply in REPLIES:
            status = self.say(reply)
            if status is None:
                break
            self.assertIn(status, (200, 201))
            answered.append(reply)
        return answered

    def run_fault(self, point, n):
        what = "%s:%d" % (point, n)
        self.revive(what)
        answered = self.talk()
        self.assertIsNotNone(wait_for(lambda: self.daemon.process.poll() is not None, what))
        self.revive()
        return self.audit(what, answered)


def add_point(point, n):
    def test(self):
        settled = self.run_fault(point, n)
        if point in ("send-uncommitted", "send-committed", "send-answered", "due",
                     "begin-uncommitted", "finish-committed"):
            # nothing may be in doubt but what each chat was just sending
            self.assertLessEqual(list(settled.values()).count("unknown"), len(CHATS), settled)
        if point in ("begin-committed", "sending", "answered", "finish-uncommitted"):
            self.assertIn("unknown", settled.values())

    setattr(Crash, "test_%s_%d" % (point.replace("-", "_"), n), test)


def add_arrival(take, n):
    def test(self):
        what = "the platform %s number %d" % ("took" if take else "did not take", n)
        self.api.take, self.api.kill_at = take, n
        answered = self.talk()
        wait_for(lambda: self.daemon.process.poll() is not None, what)
        self.revive()
        settled = self.audit(what, answered)
        self.assertIn("unknown", settled.values())

    setattr(Crash, "test_arrival_%s_%d" % ("taken" if take else "lost", n), test)


def add_random(seed):
    def test(self):
        what, dice, answered = "seed %d" % seed, random.Random(seed), []
        for _ in range(3):
            timer = threading.Timer(dice.uniform(0, 0.15), self.daemon.process.kill)
            timer.start()
            answered += self.talk()
            timer.join()
            self.revive()
        self.audit(what, answered)

    setattr(Crash, "test_random_%d" % seed, test)


for place in POINTS:
    for count in (1, 3):
        add_point(place, count)
for taken in (False, True):
    for count in (1, 4):
        add_arrival(taken, count)
for number in range(int(os.environ.get("DESK_CRASH_SEEDS", "6"))):
    add_random(number)

if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2)
