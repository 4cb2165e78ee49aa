#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators do: connections, dead letters, replay; and who is told that a connection fails.

    test-operations.py FRONTDESKD [unittest's arguments]
"""

import os
import socket
import sqlite3
import stat
import sys
import unittest

from bot_api import TOKEN, BotApi
from daemon_support import CRM, Daemon, wait_for

PROGRAM = None
CONFIG = """# first
[connection shop]
platform=telegram
base_url=http://127.0.0.1:%d
token_env=SHOP_TOKEN
"""
CHAT = CRM + "/chats/telegram/7"


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


class Case(unittest.TestCase):
    def setUp(self):
        self.api = BotApi()
        self.addCleanup(self.api.close)
        self.daemon = Daemon(PROGRAM, demo=False, config=CONFIG % self.api.port, start=False,
                             environment={"SHOP_TOKEN": TOKEN})
        self.config = os.path.join(self.daemon.data, "test.conf")
        self.addCleanup(lambda: self.daemon.__exit__())

    def start(self):
        self.daemon.start()
        if self.daemon.token is None:
            self.daemon.token = self.daemon.add_user("ann", "correct horse")

    def command(self, *arguments, text=None, code=0):
        done = self.daemon.run(*arguments, text=text)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def hear(self, number, text="hello"):
        self.api.write(number, text)
        wait_for(lambda: any(m["text"] == text for m in self.messages()), text)

    def messages(self):
        answer = self.daemon.request("GET", CHAT + "/messages?before_seq=0&limit=100")
        return answer.data[::-1] if answer.status == 200 else []

    def say(self, text):
        answer = self.daemon.request("POST", CHAT + "/send", {"text": text,
                                                              "client_message_id": text})
        self.assertEqual(answer.status, 201, answer)
        return answer.data["message"]["id"]

    def status(self, text):
        return [m["status"] for m in self.messages() if m["text"] == text][0]

    def connection(self):
        [one] = self.daemon.request("GET", CRM + "/connections", kind="connections_answer").data
        return one

    def notices(self):
        epoch = self.daemon.request("GET", CRM + "/changes").data["cursor"].split(":")[0]
        events = self.daemon.request("GET", CRM + "/changes?limit=1000&cursor=%s:0-0" % epoch,
                                     kind="changes_answer").data["events"]
        return [e["data"] for e in events if e["type"] == "notification"]


class Health(Case):
    def test_token(self):
        self.api.always["getMe"] = (401, "Unauthorized")
        self.start()
        one = wait_for(lambda: self.connection() if self.connection()["state"] == "down" else None,
                       "the refusal")
        self.assertEqual((one["name"], one["trouble"], one["title"]), ("shop", "token", "Telegram"))
        self.assertIn("token", one["reason"])
        self.assertIn("configuration", one["advice"])
        check = self.daemon.request("GET", "/health/ready", token=None,
                                    kind="health_answer").data["checks"]["shop"]
        self.assertEqual((check["status"], check["state"], check["since"]),
                         ("failing", "down", one["since"]))
        [notice] = wait_for(self.notices, "the notice")
        self.assertEqual((notice["kind"], notice["connection"], notice["trouble"], notice["since"]),
                         ("connection_failed", "shop", "token", one["since"]))
        line = self.command("connections", "list", "--config", self.config)
        self.assertIn("shop\ttelegram\tpoll\tdown\tsince " + one["since"], line)

        # a restart does not tell it again, and knows since when; a good token is told
        self.daemon.stop()
        self.assertIn("stopped", self.command("connections", "list", "--config", self.config))
        self.daemon.start()
        wait_for(lambda: self.connection()["state"] == "down", "the refusal")
        self.assertEqual(self.connection()["since"], one["since"])
        self.assertEqual(len(self.notices()), 1)
        self.daemon.stop()
        del self.api.always["getMe"]
        self.daemon.start()
        wait_for(lambda: self.connection()["state"] == "ok", "the recovery")
        wait_for(lambda: [n["kind"] for n in self.notices()]
                 == ["connection_failed", "connection_recovered"], "both notices")
        wait_for(lambda: "\tok\t" in self.command("connections", "list", "--config", self.config),
                 "the list")


class Check(Case):
    def test_check(self):
        self.api.webhook = {"url": "https://example.org/x", "pending_update_count": 3,
                            "allowed_updates": ["message", "message_reaction"]}
        text = self.command("connections", "check", "shop", "--config", self.config)
        for words in ("@shop_bot (Shop)", "https://example.org/x", "message, message_reaction",
                      "3 updates"):
            self.assertIn(words, text)
        self.assertEqual(self.api.calls, ["getMe", "getWebhookInfo"])  # it changes nothing
        self.api.always["getMe"] = (401, "Unauthorized")
        done = self.daemon.run("connections", "check", "--config", self.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("shop: problem: Telegram refuses the bot token", done.stdout)
        self.assertIn("shop: to do: ", done.stdout)
        self.command("connections", "check", "nobody", "--config", self.config, code=1)

    def test_add(self):
        os.chmod(self.config, 0o640)
        before = read(self.config)
        more = ("--config", self.config, "--platform", "telegram", "--set",
                "base_url=http://127.0.0.1:%d" % self.api.port)
        # two connections of one platform need prefixes: refused, and nothing stays
        text = self.command("connections", "add", "second", *more, text=TOKEN + "\n", code=1)
        self.assertIn("chat_prefix", text)
        self.assertIn(self.config, text)
        self.assertEqual(read(self.config), before)
        self.assertEqual(sorted(os.listdir(self.daemon.data)), ["test.conf"])

        first = before.replace("token_env=", "chat_prefix=a~\ntoken_env=")
        with open(self.config, "w", encoding="utf-8") as stream:
            stream.write(first)
        more += ("--set", "chat_prefix=b~")
        # a token that the platform refuses
        self.command("connections", "add", "second", *more, text="1:wrong\n", code=1)
        self.assertEqual(read(self.config), first)
        self.assertEqual(sorted(os.listdir(self.daemon.data)), ["test.conf"])
        # none
        self.command("connections", "add", "second", *more, text="", code=1)

        text = self.command("connections", "add", "second", *more, text=TOKEN + "\n")
        self.assertIn("@shop_bot", text)
        after = read(self.config)
        secret = os.path.join(self.daemon.data, "second.token")
        self.assertEqual(after, first + "\n[connection second]\nplatform=telegram\n"
                         "base_url=http://127.0.0.1:%d\nchat_prefix=b~\ntoken_file=%s\n"
                         % (self.api.port, secret))
        self.assertEqual(stat.S_IMODE(os.stat(secret).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.config).st_mode), 0o640)
        self.assertEqual(read(secret), TOKEN + "\n")
        self.command("check-config", self.config)
        self.command("connections", "check", "second", "--config", self.config)
        # twice
        self.assertIn("second", self.command("connections", "add", "second", *more, code=1,
                                             text=TOKEN + "\n"))
        self.assertEqual(read(secret), TOKEN + "\n")
        self.assertEqual(read(self.config), after)
        # by name of a variable, into a file that is a link, without asking
        link = os.path.join(self.daemon.data, "link.conf")
        os.symlink("test.conf", link)
        self.command("connections", "add", "third", "--config", link, "--platform", "telegram",
                     "--set", "chat_prefix=c~", "--secret-env", "token=THIRD_TOKEN", "--no-check")
        self.assertTrue(os.path.islink(link))
        self.assertTrue(read(self.config).endswith(
            "chat_prefix=c~\ntoken_env=THIRD_TOKEN\n"))

    def test_usage(self):
        for arguments in (["connections"], ["connections", "list"], ["connections", "drop", "x"],
                          ["connections", "add", "x", "--config", self.config],
                          ["deadletters"], ["deadletters", "retry"], ["deadletters", "discard"],
                          ["deadletters", "list", "--id", "3"], ["replay", "--all"],
                          ["replay", "--since", "yesterday"], ["replay", "now"]):
            self.command(*arguments, code=2)


class DeadLetters(Case):
    def setUp(self):
        super().setUp()
        self.start()
        self.hear(1)

    def die(self, *texts):
        self.api.always["sendMessage"] = (403, "Forbidden: bot was blocked by the user")
        ids = [self.say(text) for text in texts]
        for text in texts:
            wait_for(lambda t=text: self.status(t) == "failed", "the refusal of " + text)
        return ids

    def letters(self):
        return [line.split("\t") for line
                in self.command("deadletters", "list").splitlines() if "\t" in line]

    def test_retry(self):
        ids = self.die("one", "two", "three")
        letters = self.letters()
        self.assertEqual([letter[4] for letter in letters], ids)
        self.assertTrue(all(letter[2] == "shop" and "403" in letter[6] for letter in letters))
        self.assertNotIn("one", "".join(sum(letters, [])))  # no text of a message
        self.assertIn('frontdesk_jobs{state="dead"} 3',
                      self.daemon.request("GET", "/metrics", token=None).body.decode())
        hint = self.daemon.request("GET", "/health/ready", token=None,
                                   kind="health_answer").data["checks"]["dead_letters"]
        self.assertIn("deadletters list", hint["message"])
        del self.api.always["sendMessage"]
        self.assertIn("3 messages wait", self.command("deadletters", "retry", "--connection", "shop"))
        wait_for(lambda: self.status("three") == "sent", "the last of three")
        self.assertEqual(self.api.sent, ["one", "two", "three"])
        self.assertEqual(self.letters(), [])
        self.assertIn("0 messages", self.command("deadletters", "retry", "--all"))
        self.assertEqual(self.api.sent, ["one", "two", "three"])

    def test_discard(self):
        keep, drop = self.die("keep", "drop")
        letters = {letter[4]: letter[0] for letter in self.letters()}
        self.assertIn("1 messages were given up",
                      self.command("deadletters", "discard", "--id", letters[drop]))
        self.command("deadletters", "discard", "--id", letters[drop], code=1)
        dropped = [m for m in self.messages() if m["id"] == drop][0]
        self.assertEqual((dropped["status"], dropped["error"]["code"], dropped["error"]["retryable"]),
                         ("failed", "DISCARDED", False))
        refused = self.daemon.request("POST", CRM + "/messages/%s/retry" % drop)
        self.assertEqual((refused.status, refused.code), (409, "NOT_SUPPORTED"))
        self.assertEqual([letter[4] for letter in self.letters()], [keep])
        del self.api.always["sendMessage"]
        self.command("deadletters", "retry", "--id", letters[keep])
        wait_for(lambda: self.status("keep") == "sent", "the one that was kept")
        self.assertEqual(self.api.sent, ["keep"])

    def test_without_daemon(self):
        self.die("one", "two")
        self.daemon.stop()
        head = sqlite3.connect(os.path.join(self.daemon.data, "frontdesk.db")).execute(
            "SELECT max(seq) FROM events").fetchone()[0]
        self.assertEqual(len(self.letters()), 2)
        self.assertIn("2 messages wait", self.command("deadletters", "retry", "--all"))
        del self.api.always["sendMessage"]
        self.daemon.start()
        wait_for(lambda: self.status("two") == "sent", "both")
        self.assertEqual(self.api.sent, ["one", "two"])
        epoch = self.daemon.request("GET", CRM + "/changes").data["cursor"].split(":")[0]
        events = self.daemon.request("GET", CRM + "/changes?cursor=%s:0-%d" % (epoch, head)).data
        self.assertEqual([e["data"]["status"] for e in events["events"][:2]], ["queued", "queued"])

    def test_socket(self):
        path = os.path.join(self.daemon.data, "frontdeskd.sock")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        for garbage in (b"\n", b"{}\n", b"[" * 1000 + b"\n", b"x" * 70000, b'{"command":"rm"}\n'):
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(30)
                peer.connect(path)
                try:
                    peer.sendall(garbage)
                    self.assertNotIn(b'"ok":true', peer.recv(1000))
                except (BrokenPipeError, ConnectionResetError):
                    pass
        self.daemon.stop()
        self.assertFalse(os.path.exists(path))


class Replay(Case):
    def database(self):
        return sqlite3.connect(os.path.join(self.daemon.data, "frontdesk.db"), timeout=30)

    def test_replay(self):
        self.start()
        for number in range(1, 6):
            self.hear(number, "text %d" % number)
        with self.database() as database:
            n = database.execute("SELECT count(*) FROM raw").fetchone()[0]
        self.assertGreater(n, 0)
        text = self.command("replay")
        self.assertIn("%d payloads: 0 new messages, 5 of 5 parts known before, 0 payloads not" % n,
                      text)
        self.assertEqual(len(self.messages()), 5)
        self.assertIn("0 payloads:", self.command("replay", "--connection", "other"))
        self.assertIn("0 payloads:", self.command("replay", "--problems"))
        self.assertIn("%d payloads:" % n, self.command("replay", "--since", "1h"))
        self.assertIn("0 payloads:", self.command("replay", "--since", "2099-01-01T00:00:00Z"))
        self.command("replay", "--id", "999", code=1)

    def test_problem(self):
        # a payload that cannot be read is kept; when a later version reads it, nothing was lost
        self.api.raw_updates = (5, b'{"ok":true,"result":[{"update_id":5,"message":{"text":"\xff"}}]}')
        self.start()
        wait_for(lambda: "getUpdates" in self.api.calls[-1:] and self.api.raw_updates is None,
                 "the step over it")
        metrics = self.daemon.request("GET", "/metrics", token=None).body.decode()
        self.assertIn("frontdesk_raw_problems 1", metrics)
        self.hear(6, "after it")
        text = self.command("replay", "--problems")
        self.assertRegex(text, r"payload \d+ of shop from ")
        self.assertIn("1 payloads: 0 new messages, 0 of 0 parts known before, 1 payloads not", text)
        with self.database() as database:  # as if this version read what the last did not
            database.execute("UPDATE raw SET payload=? WHERE problem IS NOT NULL", (
                b'{"ok":true,"result":[{"update_id":5,"message":{"message_id":5,"date":1790000000,'
                b'"text":"late","chat":{"id":7,"type":"private","first_name":"Ann"},'
                b'"from":{"id":7,"first_name":"Ann"}}}]}',))
        self.assertIn("1 payloads: 1 new messages", self.command("replay", "--problems"))
        self.assertEqual([m["text"] for m in self.messages()], ["after it", "late"])
        self.assertIn("0 payloads:", self.command("replay", "--problems"))
        # once more without the daemon: the same
        self.daemon.stop()
        text = self.command("replay", "--config", self.config)
        self.assertIn("2 payloads: 0 new messages, 2 of 2 parts known", text)
        self.daemon.start()
        self.assertEqual([m["text"] for m in self.messages()], ["after it", "late"])


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=2)
