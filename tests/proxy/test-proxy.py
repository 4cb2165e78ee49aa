#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real programs over a bad network: two managers, one of them on two devices, whose engines reach the real backend
through faulty_proxy.py; customers write by webhook, by polling and by the demonstration's connector; engines, commands and the
backend are killed at random moments.

    test-proxy.py [PART-OF-A-NAME]

FRONTDESK_TEST_SECONDS says how long the storm lasts (25), FRONTDESK_TEST_SEED repeats a run's choices. When the storm is over
everything settles, and then: each cache has what the backend has, in every field; each intended send is there exactly once or
is visible in an outbox; no platform was given a message twice.
"""

import collections
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from desk_run import SLOWNESS, Client, Daemon, run_tests, wait_for
from faulty_proxy import FaultyProxy
from stub_bot_api import StubBotApi
from stub_graph import APP_SECRET, TOKEN, VERIFY, StubGraph

SECONDS = float(os.environ.get("FRONTDESK_TEST_SECONDS", "25"))
SEED = int(os.environ.get("FRONTDESK_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
# The engines find their way by themselves, with all their timeouts, instead of being started anew.
PATIENT = SECONDS >= 300 or bool(os.environ.get("FRONTDESK_TEST_PATIENT"))
PEOPLE = [("demo", name) for name in ("aiko.tanaka", "emma.hartley", "layla.haddad", "taras.koval")]
CONFIG = """[connection demo]
platform=demo
[connection page]
platform=messenger
base_url={graph}
account_id={account}
app_id=7700
token_env=SHOP_TOKEN
app_secret_env=SHOP_APP_SECRET
verify_token_env=SHOP_VERIFY
{bot}
[retention]
messages_per_chat=0
days=0
[limits]
requests_per_minute=0
"""
EMOJI = ("👍", "❤️", "🔥", "")


def without_signatures(message):
    """Links to files are signed anew in each answer."""
    for attachment in message["attachments"]:
        attachment["url"] = attachment["url"] and attachment["url"].split("?")[0]
    return message


def everything(of):
    return {key: without_signatures(message) for key, message in of.everything().items()}


class Bot(StubBotApi):
    """A Bot API on a bad network of its own; customers who edit and react."""

    def __init__(self, rng):
        self.rng, self.stormy = rng, False
        self.changes = []
        super().__init__()

    def answer(self, method, body):
        fate = self.rng.random() if self.stormy and method not in ("getMe", "getUpdates") else 1
        if fate < 0.05:
            raise ConnectionAbortedError  # before it was done
        if method in ("editMessageText", "deleteMessages", "setMessageReaction"):
            self.changes.append((method, body))
            result = True
        else:
            result = super().answer(method, body)
        if fate < 0.1:
            raise ConnectionAbortedError  # after it
        return result

    def update(self, **members):
        with self.changed:
            self.updates.append({"update_id": len(self.updates) + 1, **members})
            self.changed.notify_all()

    def said(self, chat_id, message_id, text, edited=False):
        person = {"id": chat_id, "is_bot": False, "first_name": "Person %d" % chat_id}
        message = {"message_id": message_id, "date": int(time.time()), "text": text, "from": person,
                   "chat": {"id": chat_id, "type": "private", "first_name": person["first_name"]}}
        self.update(**({"edited_message": {**message, "edit_date": int(time.time())}} if edited else {"message": message}))

    def reacted(self, chat_id, message_id, emoji):
        self.update(message_reaction={
            "chat": {"id": chat_id, "type": "private", "first_name": "Person"}, "message_id": message_id,
            "user": {"id": chat_id, "is_bot": False, "first_name": "Person"}, "date": int(time.time()), "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": emoji}] if emoji else []})


class Device:
    """One cache, the engine that runs on it, and a manager who is never patient."""

    def __init__(self, site, name, manager, token, url, seed):
        self.name, self.manager, self.token = name, manager, token
        self.rng = random.Random(seed)
        self.client = Client(site, url, token, name)
        self.log = site.path / (name + ".log")
        self.engine = None
        self.number = 0
        self.files = site.path / (name + "-files")
        self.files.mkdir()
        self.intended, self.promised, self.discarded, self.deleted = [], [], [], set()
        self.counts = collections.Counter()

    def start_engine(self):
        with open(self.log, "ab") as log:
            self.engine = self.client.start("sync", "--follow", stdout=subprocess.DEVNULL, stderr=log)

    def keep_engine(self):
        """Restarts what was killed. The cache may still be another command's."""
        code = self.engine.poll() if self.engine else -9
        if code is None:
            return
        assert code in (-9, 1), "%s: the engine ended with %d:\n%s" % (self.name, code, self.log.read_text()[-3000:])
        self.start_engine()

    def kill_engine(self):
        if self.engine and self.engine.poll() is None:
            self.engine.kill()
            self.engine.wait()
            self.counts["engine killed"] += 1

    def command(self, *arguments, may_kill=True):
        """The exit code, None if it was killed. May kill it at any moment."""
        process = self.client.start("--json", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        limit = self.rng.uniform(0, 0.15) if may_kill and self.rng.random() < 0.06 else 60 * SLOWNESS
        try:
            self.out, self.err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            assert limit < 60, arguments
            self.counts["command killed"] += 1
            return None
        assert process.returncode in (0, 1, 3), (self.name, arguments, process.returncode, self.err)
        self.counts[arguments[0]] += 1
        return process.returncode

    def lines(self, *arguments):
        return [json.loads(line) for line in self.out.splitlines()] if self.command(*arguments, may_kill=False) == 0 else []

    def send(self, chat):
        self.number += 1
        text = "%s %d" % (self.name, self.number)
        more = []
        if self.rng.random() < 0.15:
            more += ["--note"]
        if chat.startswith("demo/") and self.rng.random() < 0.2:
            path = self.files / ("%d.bin" % self.number)
            path.write_bytes(self.rng.randbytes(self.rng.choice((1, 1000, 70000, 400000))))
            more += ["--file", str(path)]
        elif self.rng.random() < 0.2:
            messages = self.lines("history", chat, "--limit", "5")
            more += ["--reply-to", self.rng.choice(messages)["id"]] if messages else []
        if self.rng.random() < 0.05:
            more += ["--wait", "1"]
        self.intended.append(text)
        code = self.command("send", chat, text, *more)
        # 1: not in the cache yet, or with --wait not acknowledged in time; 3: that and no connection.
        if code == 0 or (code in (1, 3) and "--wait" in more and b"not in the cache" not in self.err):
            self.promised.append(text)

    def change(self, chat):
        what = self.rng.choice(("read", "read", "assign", "state", "label", "label", "mute", "profile"))
        arguments = {
            "read": [], "assign": [self.rng.choice(("ivan", "maria", "--none"))],
            "state": [self.rng.choice(("open", "resolved"))],
            "label": [self.rng.choice("+-") + self.rng.choice(("vip", "late", "nới"))],
            "mute": self.rng.choice(([], ["--off"])),
            "profile": ["--set", "note=%s %d" % (self.name, self.rng.randrange(100))],
        }[what]
        self.command(what, chat, *arguments)

    def touch(self, chat):
        """Changes a message: the newest ones, whoever wrote them."""
        messages = [m for m in self.lines("history", chat, "--limit", "6") if m.get("id")]
        if not messages:
            return
        message = self.rng.choice(messages)
        what = self.rng.choice(("edit", "delete", "react", "react"))
        if message["direction"] == "incoming":
            what = "react"
        self.number += 1
        # An edited text is a text that was never sent: what was intended is recognized by its beginning.
        more = {"edit": [message["text"].split(" ✎")[0] + " ✎%d" % self.number], "delete": [],
                "react": [self.rng.choice(EMOJI)]}[what]
        if what == "delete":
            self.deleted.add(message["text"].split(" ✎")[0])
        self.command(what, message["id"], *more)

    def tidy(self):
        """What needs the manager: again, or not at all."""
        for entry in self.lines("outbox"):
            if entry["state"] in ("queued", "sending"):
                continue
            self.counts["refused: %s" % entry["error_code"]] += 1
            # What the engine says must make sense to the backend however often it is repeated.
            assert entry["error_code"] not in ("BAD_REQUEST", "INVALID", "IDEMPOTENCY_MISMATCH"), entry
            sends = entry["intent"] == "send"
            if sends and self.rng.random() < 0.8:
                self.command("outbox", "retry", entry["local_id"], may_kill=False)
            elif self.command("outbox", "discard", entry["local_id"], may_kill=False) == 0 and sends:
                self.discarded.append(entry["text"])

    def act(self):
        """One thing a manager does."""
        self.keep_engine()
        chats = self.lines("chats")
        if not chats:
            return
        chat = self.rng.choice(chats)
        name = chat["platform"] + "/" + chat["user_id"]
        self.rng.choices((self.send, self.change, self.touch, lambda unused: self.tidy(), lambda unused: self.kill_engine()),
                         (40, 25, 20, 10, 5))[0](name)


class World:
    def __init__(self, site):
        self.site, self.rng = site, random.Random(SEED)
        self.bot, self.graph = Bot(random.Random(SEED + 1)), StubGraph("messenger")
        self.proxy = FaultyProxy(SEED + 2, silence_s=60 if PATIENT else 4)
        self.server = Daemon(site, config=CONFIG.format(graph=self.graph.url, account=self.graph.account,
                                                        bot=self.bot.config()),
                             environment={"FRONTDESK_DEMO_PACE_S": "0", "BOT_TOKEN": self.bot.token, "SHOP_TOKEN": TOKEN,
                                          "SHOP_APP_SECRET": APP_SECRET, "SHOP_VERIFY": VERIFY})
        tokens = {}
        for name in ("ivan", "maria"):
            self.server.add_user(name)
            tokens[name] = self.server.create_token(name)
        self.server.start()
        self.proxy.target = self.server.port
        self.devices = [Device(site, name, manager, tokens[manager], self.proxy.url, SEED + 10 + n)
                        for n, (name, manager) in enumerate((("desk", "ivan"), ("laptop", "ivan"), ("phone", "maria")))]
        self.stop = threading.Event()
        self.failures = []
        self.customers = []  # all that customers wrote
        self.server_kills = 0

    def guarded(self, function):
        def run():
            try:
                while not self.stop.is_set():
                    function()
            except BaseException as failure:
                self.failures.append(failure)
                self.stop.set()
        return threading.Thread(target=run, daemon=True)

    def pause(self, most):
        self.stop.wait(self.rng.uniform(0, most) * SLOWNESS)

    def manager(self, device):
        def act():
            device.act()
            self.stop.wait(device.rng.uniform(0, 2.0 if PATIENT else 0.3))
        return act

    def push(self, event):
        """As Meta does: until it is taken, and now and then once more."""
        body = self.graph.body(event)
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            def taken():
                try:
                    return self.graph.deliver(self.server.url + "/webhook/messenger/page", body) == 200
                except OSError:
                    return self.stop.is_set() and self.server.process.poll() is not None
                except Exception as error:
                    if type(error).__module__ != "http.client":
                        raise
            wait_for("the webhook", taken, 60)

    def customer(self):
        number = len(self.customers) + 1
        text = "customer %d" % number
        self.customers.append(text)
        if self.rng.random() < 0.5:
            person = str(5001 + self.rng.randrange(3))
            self.push(self.graph.event(person=person, message={"mid": "m_in_%d" % number, "text": text}))
            if self.rng.random() < 0.3:
                self.push(self.graph.event(person=person, reaction={
                    "mid": "m_in_%d" % number, "action": "react", "reaction": "love", "emoji": "❤"}))
            if self.rng.random() < 0.3:
                self.push(self.graph.event(person=person, read={"watermark": int(time.time() * 1000)}))
        else:
            person = 100 + self.rng.randrange(4 + number // 50)
            self.bot.said(person, 1000 + number, text)
            if self.rng.random() < 0.3:
                self.bot.said(person, 1000 + number, text + " ✎", edited=True)
            if self.rng.random() < 0.3:
                self.bot.reacted(person, 1000 + number, self.rng.choice(EMOJI))
        self.pause(3 if PATIENT else 0.6)

    def killer(self):
        self.pause(40 if PATIENT else 8)
        if not self.stop.is_set():
            self.server.kill()
            self.server.start()
            self.server_kills += 1

    def storm(self):
        for device in self.devices:
            device.client.sync()
            device.start_engine()
        self.proxy.storm()
        self.bot.stormy = True
        threads = [self.guarded(f) for f in [self.customer, self.killer] + [self.manager(d) for d in self.devices]]
        for thread in threads:
            thread.start()
        self.stop.wait(SECONDS)
        self.stop.set()
        for thread in threads:
            thread.join()
        if self.failures:
            raise self.failures[0]

    # ── Afterwards ──

    def settle(self):
        """Ends all faults. In the long form the engines must find their way by themselves."""
        self.proxy.calm(cut=not PATIENT)
        self.bot.stormy = False
        if not PATIENT:
            for device in self.devices:
                device.kill_engine()
        return wait_for("the end of everything", self.settled, 300 if PATIENT else 60)

    def settled(self):
        """What the backend has, once nothing is under way."""
        for device in self.devices:
            if PATIENT:
                device.keep_engine()
            else:
                device.client.sync() if device.client.code("sync", "--once") == 3 else None
            device.tidy()
            if any(entry["state"] in ("queued", "sending") for entry in device.lines("outbox")):
                return None
        rest = self.server.rest(self.devices[0].token)
        head = rest.get("/api/v1/crm/changes")["data"]["cursor"]
        truth = everything(rest)
        if any(m["status"] == "queued" and m["direction"] == "outgoing" for m in truth.values()):
            return None
        if any(a["state"] == "pending" for m in truth.values() for a in m["attachments"]):
            return None
        texts = {m["text"].split(" ✎")[0] for m in truth.values()}
        if any(text not in texts for text in self.customers):
            return None
        for device in self.devices:
            if not PATIENT:
                device.client.sync()
            device.chats = {(c["platform"], c["user_id"]): c for c in device.lines("chats")}
            device.truth = {(c["platform"], c["user_id"]): c
                            for c in self.server.rest(device.token).get("/api/v1/crm/chats")["data"]}
            self.show_newest(device.truth, truth)
            device.cache = everything(device.client)
            if PATIENT and (device.cache != truth or device.chats != device.truth):
                return None  # not yet: nothing asks it to
        # A customer may have answered meanwhile.
        return truth if rest.get("/api/v1/crm/changes")["data"]["cursor"] == head else None

    def check_messages(self, truth):
        last = {}
        for chat, seq in sorted(truth):
            assert seq == last.get(chat, 0) + 1, "%s: chat_seq %d after %d" % (chat, seq, last.get(chat, 0))
            last[chat] = seq
        keys = collections.Counter(m["client_message_id"] for m in truth.values() if m["client_message_id"])
        assert all(count == 1 for count in keys.values()), "a client_message_id stands twice"
        counts = collections.Counter(m["text"].split(" ✎")[0] for m in truth.values() if not m["deleted_at"])
        # A tombstone keeps no text.
        deleted = set().union(*(device.deleted for device in self.devices))
        for text in self.customers:
            assert counts[text] == 1, "%r stands %d times" % (text, counts[text])
        missing = []
        for device in self.devices:
            waiting = {entry["text"] for entry in device.lines("outbox")}
            for text in device.intended:
                assert counts[text] <= 1, "%r was sent %d times" % (text, counts[text])
                assert not (counts[text] and text in device.discarded), "%r was refused, discarded and sent" % text
            missing += [text for text in device.promised if not counts[text] and text not in waiting
                        and text not in device.discarded and text not in deleted]
        assert not missing, "promised and lost: %r" % missing
        taken = collections.Counter(text for _, text in self.bot.sent)
        taken.update(sent["message"].get("text") for sent in self.graph.sent)
        assert all(count == 1 for text, count in taken.items() if text), "a platform was given one twice: %r" % taken.most_common(3)

    def same(self, what, theirs, ours):
        different = {key: (theirs.get(key), ours.get(key)) for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)}
        assert not different, "%s differs (backend, cache): %r" % (what, different)

    def check_cache(self, device, truth):
        assert set(device.cache) == set(truth), "%s: %r" % (device.name, set(device.cache) ^ set(truth))
        for key, message in truth.items():
            self.same("%s: %r" % (device.name, key), message, device.cache[key])
        assert set(device.chats) == set(device.truth), "%s: %r" % (device.name, set(device.chats) ^ set(device.truth))
        for key, chat in device.truth.items():
            self.same("%s: %r" % (device.name, key), chat, device.chats[key])

    def show_newest(self, chats, truth):
        """What the cache derives by itself. Its preview is the newest message, whatever it is; the backend's leaves notes out,
        for plain clients, and its time does not go back when a message arrives late."""
        for (platform, user), chat in chats.items():
            last = truth.get((platform + "/" + user, chat["last_chat_seq"]))
            if last:
                chat["last_time"] = last["created_at"]
            if last and last["private"]:
                chat["last_message"] = last["text"]

    def check_files(self):
        with sqlite3.connect("file:%s?mode=ro" % (self.server.data / "frontdesk.db"), uri=True) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for device in self.devices:
            if device.engine.poll() is None:
                device.engine.terminate()
                assert device.engine.wait(20 * SLOWNESS) == 0, device.log.read_text()[-2000:]
            with sqlite3.connect(str(device.client.cache / "cache.db")) as database:
                assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], device.name
                database.execute("INSERT INTO message_text (message_text, rank) VALUES ('integrity-check', 1)")
                assert database.execute("SELECT count(*) FROM outbox").fetchone() == (0,) or device.lines("outbox")
            for line in device.log.read_text(errors="replace").splitlines():
                assert "CRITICAL" not in line and "ERROR" not in line, line

    def report(self, truth):
        print("# seed %d: %d messages in %d chats; the backend killed %d times" % (
            SEED, len(truth), len({chat for chat, _ in truth}), self.server_kills))
        print("# proxy: " + ", ".join("%s %d" % pair for pair in sorted(self.proxy.counts.items())))
        for device in self.devices:
            print("# %s: %d intended, %d promised, %d discarded; %s" % (
                device.name, len(device.intended), len(device.promised), len(device.discarded),
                ", ".join("%s %d" % pair for pair in sorted(device.counts.items()))))

    def close(self):
        self.stop.set()
        self.proxy.close()
        self.bot.close()
        self.graph.close()


def test_everything_settles(site):
    print("# seed %d, %g s" % (SEED, SECONDS), flush=True)
    world = World(site)
    try:
        world.storm()
        truth = world.settle()
        world.report(truth)
        world.check_messages(truth)
        for device in world.devices:
            world.check_cache(device, truth)
        world.check_files()
        world.server.stop()
        for line in world.server.log().splitlines():
            assert json.loads(line)["level"] not in ("error", "critical"), line
    except BaseException:
        print("# seed %d" % SEED, flush=True)
        raise
    finally:
        world.close()


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
