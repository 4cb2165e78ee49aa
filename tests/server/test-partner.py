#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A marketplace and the real frontdeskd: rooms polled and pushed, replies whose answer is lost, and
rooms of the time before partners.

    test-partner.py FRONTDESKD [unittest's arguments]
"""

import http.server
import json
import os
import sys
import threading
import time
import unittest
import urllib.parse

from daemon_support import CRM, Daemon, wait_for

PROGRAM = None
CONFIG = """[connection market]
platform=partner
partner=chotot
base_url=http://127.0.0.1:%d
account_id=77
mode=%s
poll_seconds=1
token_env=MARKET_TOKEN
header_env.X-Service=MARKET_SERVICE
path.rooms=/rooms
path.messages=/messages/{room}?limit={limit}&before={before}
path.room=/room/{room}
path.send=/send
path.products=/products/{user}?limit={limit}&page={page}
room_pattern=^r[0-9]+$
"""
PUSH = "webhook_secret_env=MARKET_PUSH\n"
SECRETS = {"MARKET_TOKEN": "t0ken-of-the-market", "MARKET_SERVICE": "s3rvice-of-the-market",
           "MARKET_PUSH": "push-s3cret"}


class Market:
    """Answers as Chotot does: no ids, newest first. lose: sends are done and not answered."""

    def __init__(self):
        self.said, self.refused, self.lose, self.sent, self.broken = [], 0, False, 0, False
        market = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_call(self):
                if (self.headers["Authorization"] != "Bearer " + SECRETS["MARKET_TOKEN"]
                        or self.headers["X-Service"] != SECRETS["MARKET_SERVICE"]):
                    market.refused += 1
                    return 401, {}
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                return market.answer(url.path, query)

            def do_GET(self):
                self.reply(*self.handle_call())

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                market.sent += 1
                market.say(body["channel_id"], body["sender_id"], body["message"])
                if market.lose:
                    self.close_connection = True
                    return
                self.reply(200, {"code": 200})

            def reply(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def say(self, room, sender, text):
        self.said.append({"channel_id": room, "sender_id": sender, "message": text, "type": "text",
                          "created_at": int(time.time() * 1000)})

    def answer(self, path, query):
        room = path.rsplit("/", 1)[1]
        if path.startswith("/products/"):
            if self.broken:
                return 500, {}
            if room != "500":
                return 404, {}
            first = (int(query["page"]) - 1) * int(query["limit"])
            return 200, {"code": 200, "data": [
                {"list_id": n, "subject": "Xe %d" % n, "price": n * 10, "secret": "no"}
                for n in range(25)][first:first + int(query["limit"])]}
        if path.startswith("/messages/"):
            found = [m for m in self.said if m["channel_id"] == room
                     and m["created_at"] < int(query["before"])]
            return 200, {"code": 200, "data": found[::-1][:int(query["limit"])]}
        rooms = sorted({m["channel_id"] for m in self.said})
        return 200, {"code": 200, "data": [
            {"channel_id": r, "user_id": "500", "name": "Linh", "item_name": "Xe đạp", "item_price": 12,
             "last_message_created_at": max(m["created_at"] for m in self.said
                                            if m["channel_id"] == r)}
            for r in rooms if path == "/rooms" or r == room]}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Partner(unittest.TestCase):
    def setUp(self):
        self.market = Market()
        self.addCleanup(self.market.close)

    def daemon(self, mode="poll"):
        config = CONFIG % (self.market.port, mode) + (PUSH if mode == "webhook" else "")
        daemon = Daemon(PROGRAM, demo=False, config=config, environment=SECRETS, start=False)
        self.addCleanup(daemon.__exit__)
        daemon.token = daemon.add_user("anna", "a long password")
        return daemon

    def texts(self, daemon, room):
        answer = daemon.request("GET", CRM + "/chats/chotot/%s/messages?limit=100" % room)
        return [(m["text"], m["direction"], m["status"] if "status" in m else None)
                for m in answer.data] if answer.status == 200 else []

    def test_products(self):
        self.market.say("r1", "500", "Còn hàng không?")
        self.market.say("r2", "600", "Hi")
        daemon = self.daemon()
        daemon.start()
        wait_for(lambda: len(self.texts(daemon, "r1")) == 1 and len(self.texts(daemon, "r2")) == 1, "messages")
        path = CRM + "/chats/chotot/%s/products"
        first = daemon.request("GET", path % "r1")
        self.assertEqual((first.status, len(first.data), first.json["next"]), (200, 20, "2"))
        self.assertEqual(first.data[1], {"id": 1, "name": "Xe 1", "price": 10})
        second = daemon.request("GET", path % "r1" + "?page=" + first.json["next"])
        self.assertEqual([p["id"] for p in second.data], [20, 21, 22, 23, 24])
        self.assertNotIn("next", second.json)
        # the first page is what the profile shows
        wait_for(lambda: len(daemon.request("GET", CRM + "/chats/chotot/r1/profile").data["products"]) == 20,
                 "products in the profile")
        self.assertEqual(daemon.request("GET", path % "r2").status, 404)
        self.assertEqual(daemon.request("GET", path % "r9").status, 404)
        self.assertEqual(daemon.request("GET", path % "r1" + "?page=0").status, 422)
        self.market.broken = True
        failed = daemon.request("GET", path % "r1")
        self.assertEqual((failed.status, failed.code), (503, "CHANNEL_DOWN"))

    def test_poll_reply_and_lost_answer(self):
        self.market.say("r1", "500", "Còn hàng không?")
        daemon = self.daemon()
        daemon.start()
        wait_for(lambda: len(self.texts(daemon, "r1")) == 1, "the first message")
        chat = daemon.request("GET", CRM + "/chats/chotot/r1").data
        self.assertEqual(chat["partner"], {"name": "chotot", "room_id": "r1"})
        self.assertEqual(chat["metadata"]["item_name"], "Xe đạp")
        self.assertEqual(chat["user_name"], "Linh")
        # accepted without an id, and told again by the room: one message
        self.assertEqual(daemon.request("POST", CRM + "/chats/chotot/r1/send",
                                        {"text": "Dạ còn"}).status, 201)
        wait_for(lambda: ("Dạ còn", "outgoing", "sent") in self.texts(daemon, "r1"), "sent")
        # the answer is lost: unknown, found in the room, and never sent again
        self.market.lose = True
        daemon.request("POST", CRM + "/chats/chotot/r1/send", {"text": "Giá 12"})
        wait_for(lambda: ("Giá 12", "outgoing", "sent") in self.texts(daemon, "r1"), "found again")
        self.market.lose = False
        self.market.say("r1", "500", "ok")
        wait_for(lambda: len(self.texts(daemon, "r1")) >= 4, "the next message")
        self.assertEqual(len(self.texts(daemon, "r1")), 4)
        self.assertEqual((self.market.sent, self.market.refused), (2, 0))
        log = daemon.read_log()
        for secret in SECRETS.values():
            self.assertNotIn(secret, log)

    def test_restart_reads_nothing_twice(self):
        for n in range(3):
            self.market.say("r1", "500", "same")
        daemon = self.daemon()
        daemon.start()
        wait_for(lambda: len(self.texts(daemon, "r1")) == 3, "three equal messages")
        daemon.stop()
        self.market.say("r1", "500", "later")
        daemon.start()
        wait_for(lambda: len(self.texts(daemon, "r1")) >= 4, "what came meanwhile")
        self.assertEqual(len(self.texts(daemon, "r1")), 4)

    def test_push(self):
        daemon = self.daemon("webhook")
        daemon.start()
        self.market.say("r1", "500", "hello")
        body = json.dumps({"pattern": "new", "data": self.market.said[0]}).encode()
        for path, secret, status in (("chotot", "wrong", 403), ("chotot", "push-s3cret", 200),
                                     ("chotot", "push-s3cret", 200), ("partner", "push-s3cret", 200)):
            answer = daemon.request("POST", "/webhook/%s/market" % path, body, token=None,
                                    headers={"X-Webhook-Secret": secret,
                                             "Content-Type": "application/json"})
            self.assertEqual(answer.status, status)
        self.assertEqual(len(self.texts(daemon, "r1")), 1)
        wait_for(lambda: daemon.request("GET", CRM + "/chats/chotot/r1").data["metadata"],
                 "what the room is about")

    def test_migrate_rooms(self):
        daemon = self.daemon()
        rooms = os.path.join(daemon.data, "rooms.jsonl")
        config = os.path.join(daemon.data, "test.conf")
        with open(rooms, "w", encoding="utf-8") as stream:
            for room in ({"external_room_id": "r1", "name": "Linh", "item_name": "Xe", "item_price": 5},
                         {"partner": {"room_id": "abc", "name": "chotot"}, "metadata": {"color": "red"}},
                         {"partner": {"room_id": "r9", "name": "facebook"}},
                         {"external_room_id": "unknown shape"}, {"name": "no id"}):
                stream.write(json.dumps(room) + "\n")
        done = daemon.run("migrate-rooms", rooms, "--config", config)
        self.assertEqual((done.returncode, done.stdout), (
            0, "2 chats made, 0 completed, 0 complete already, 3 rooms passed over\n"), done.stderr)
        done = daemon.run("migrate-rooms", rooms, "--config", config)
        self.assertEqual(done.stdout,
                         "0 chats made, 0 completed, 2 complete already, 3 rooms passed over\n")
        with open(rooms, "a", encoding="utf-8") as stream:
            stream.write(json.dumps({"external_room_id": "r1", "item_name": "other",
                                     "metadata": {"km": 9}}) + "\n")
        done = daemon.run("migrate-rooms", rooms, "--config", config)
        self.assertIn("1 completed", done.stdout)
        self.market.say("r1", "500", "hello again")
        daemon.start()
        wait_for(lambda: len(self.texts(daemon, "r1")) == 1, "a message in the old room")
        chat = daemon.request("GET", CRM + "/chats/chotot/abc").data
        self.assertEqual(chat["partner"], {"name": "chotot", "room_id": "abc"})
        self.assertEqual(chat["metadata"], {"color": "red"})
        self.assertEqual(daemon.run("migrate-rooms", rooms).returncode, 2)
        with open(rooms, "a", encoding="utf-8") as stream:
            stream.write("{broken\n")
        done = daemon.run("migrate-rooms", rooms, "--config", config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 7", done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
