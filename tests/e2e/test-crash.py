#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""kill -9 between any two steps loses nothing and doubles nothing.

    test-crash.py [PART-OF-A-NAME]

FRONTDESK_TEST_KILLS says how often to kill (40), FRONTDESK_TEST_SEED repeats a run. Afterwards
everything is compared: what was acknowledged against what the server has, and the caches against
the server, row by row.
"""

import json
import os
import pathlib
import random
import sqlite3
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import SLOWNESS, Client, Daemon, in_threads, run_tests, wait_for

KILLS = int(os.environ.get("FRONTDESK_TEST_KILLS", "40"))
SEED = int(os.environ.get("FRONTDESK_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
# Customers who answer, so that messages come in while others go out; nothing is trimmed.
CONFIG = """[connection demo]
platform=demo
[retention]
messages_per_chat=0
days=0
[limits]
requests_per_minute=0
"""
CHATS = ["demo/" + name for name in ("aiko.tanaka", "emma.hartley", "layla.haddad", "taras.koval")]
# What the server says of a message and each manager's cache must have too.
FIELDS = ("id", "direction", "sender", "text", "created_at", "client_message_id", "in_seq", "kind", "private",
          "status", "rev", "sender_id")


def start_server(site):
    server = Daemon(site, config=CONFIG, environment={"FRONTDESK_DEMO_PACE_S": "0"})
    tokens = []
    for name in ("ivan", "maria"):
        server.add_user(name)
        tokens.append(server.create_token(name))
    server.start()
    return server, tokens


def check_database(path):
    """The file is whole, as SQLite sees it."""
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)], path
    database.close()


def check_dense(messages):
    last = {}
    for chat, seq in sorted(messages):
        assert seq == last.get(chat, 0) + 1, "%s: chat_seq %d after %d" % (chat, seq, last.get(chat, 0))
        last[chat] = seq


def compare(server, token, clients, acknowledged, kept, intended):
    """acknowledged: texts that were promised. kept: texts seen in an outbox after a kill. intended:
    all texts ever written. Each is unique."""
    for client in clients:
        client.sync()
        assert client.json("outbox") == [], client.json("outbox")

    def settled():
        """What the server has while nothing is under way, the clients up to date with it."""
        before = server.rest(token).everything()
        if any(m["status"] == "queued" and m["direction"] == "outgoing" for m in before.values()):
            return None
        for client in clients:
            client.sync()
        return before if server.rest(token).everything() == before else None

    truth = wait_for("the end of all deliveries and answers", settled, 60 + KILLS)
    check_dense(truth)
    counts, keys = {}, {}
    for message in truth.values():
        counts[message["text"]] = counts.get(message["text"], 0) + 1
        if message["client_message_id"]:
            keys[message["client_message_id"]] = keys.get(message["client_message_id"], 0) + 1
    lost = [text for text in acknowledged + kept if counts.get(text, 0) == 0]
    doubled = [text for text in intended if counts.get(text, 0) > 1]
    assert not lost, "lost: %r" % lost
    assert not doubled, "doubled: %r" % doubled
    assert set(keys.values()) == {1}, "a client_message_id stands twice"
    for client in clients:
        cache = client.everything()
        assert set(cache) == set(truth), (set(cache) ^ set(truth))
        for key, message in truth.items():
            theirs, ours = [{name: m[name] for name in FIELDS} for m in (message, cache[key])]
            assert theirs == ours, "%r differs:\n%r\n%r" % (key, theirs, ours)
    print("# %d intended, %d acknowledged, %d kept in an outbox, %d on the server" % (
        len(intended), len(acknowledged), len(kept), sum(1 for text in intended if text in counts)))


def test_client_killed_at_random(site):
    rng = random.Random(SEED)
    print("# seed %d, %d kills" % (SEED, KILLS))
    server, tokens = start_server(site)
    client = Client(site, server.url, tokens[0])
    client.sync()
    start = time.monotonic()
    client.ok("send", CHATS[0], "to know how long one takes", "--wait", "30")
    span = time.monotonic() - start
    intended, acknowledged, kept = [], [], []
    finished = kills = tries = 0
    while kills < KILLS:
        tries += 1
        assert tries < KILLS * 6, "almost nothing was killed in time"
        chat, text = rng.choice(CHATS), "crash %d" % tries
        what = rng.choice(("send", "send", "send", "sync"))
        if what == "send":
            intended.append(text)
            process = client.start("send", chat, text, "--wait", "30")
        else:
            process = client.start("sync", "--once")
        try:
            process.wait(rng.uniform(0, 2 * span))
            finished += 1
            assert process.returncode == 0, process.returncode
            if what == "send":
                acknowledged.append(text)
        except Exception as error:
            if isinstance(error, AssertionError):
                raise
            process.kill()
            process.wait()
            kills += 1
            kept += [entry["text"] for entry in client.json("outbox") if entry["text"] not in kept]
    print("# %d finished before their kill; one send takes %.0f ms" % (finished, 1000 * span))
    compare(server, tokens[0], [client], acknowledged, kept, intended)
    check_database(client.cache / "cache.db")
    server.stop()


class Stream:
    """Sends without a pause: one by the client program, one by REST with keys of its own, which
    repeats a call that got no answer, with the same key."""

    def __init__(self, server, token, client, rng):
        self.server, self.token, self.client, self.rng = server, token, client, rng
        self.stop = threading.Event()
        self.intended, self.acknowledged, self.duplicates = [], [], 0

    def by_program(self):
        number = 0
        while not self.stop.is_set():
            number += 1
            text = "program %d" % number
            self.intended.append(text)
            done = self.client.run("send", CHATS[number % 2], text, "--wait", "60", timeout=90)
            assert done.returncode == 0, (text, done.returncode, done.stderr, self.client.json("outbox"))
            self.acknowledged.append(text)

    def by_rest(self):
        rest = self.server.rest(self.token)
        number = 0
        while not self.stop.is_set():
            number += 1
            text, key = "rest %d" % number, "%032x" % self.rng.getrandbits(128)
            self.intended.append(text)
            deadline = time.monotonic() + 60 * SLOWNESS
            while True:
                assert time.monotonic() < deadline, text
                try:
                    status, body = rest.send(CHATS[2 + number % 2], text, client_message_id=key)
                except (OSError, ValueError, EOFError):
                    time.sleep(0.005)
                    continue
                except Exception as error:  # http.client's own: the answer was cut
                    if type(error).__module__ != "http.client":
                        raise
                    continue
                if status in (200, 201):
                    self.duplicates += body["data"]["duplicate"]
                    time.sleep(self.rng.uniform(0, 0.1))
                    break
                assert status == 409 and body["error"]["code"] == "IN_FLIGHT", (status, body)
            self.acknowledged.append(text)


def test_server_killed_at_random(site):
    rng = random.Random(SEED + 1)
    print("# seed %d, %d kills" % (SEED, KILLS))
    server, tokens = start_server(site)
    clients = [Client(site, server.url, tokens[0], "one"), Client(site, server.url, tokens[1], "two")]
    for client in clients:
        client.sync()
    program = Stream(server, tokens[0], clients[0], rng)
    rest = Stream(server, tokens[1], clients[1], random.Random(SEED + 2))

    def killer():
        try:
            for _ in range(KILLS):
                time.sleep(rng.uniform(0, 0.25) * SLOWNESS)
                server.kill()
                server.start()
        finally:
            program.stop.set()
            rest.stop.set()

    in_threads(program.by_program, rest.by_rest, killer)
    print("# %d by the program, %d by REST, of which %d were stored already when asked again" % (
        len(program.acknowledged), len(rest.acknowledged), rest.duplicates))
    compare(server, tokens[0], clients, program.acknowledged + rest.acknowledged, [],
            program.intended + rest.intended)
    server.stop()
    check_database(server.data / "frontdesk.db")
    for line in server.log().splitlines():
        record = json.loads(line)
        assert record["level"] not in ("error", "critical"), line


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
