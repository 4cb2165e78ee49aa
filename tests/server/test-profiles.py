#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who customers are: frontdeskd between a Bot API and a user service.

    test-profiles.py FRONTDESKD [unittest's arguments]
"""

import http.server
import json
import sys
import threading
import unittest
import urllib.request
import zlib

import bot_api
from daemon_support import CRM, Daemon, WebSocket, desk_schema, wait_for

PROGRAM = None
CONFIG = """[connection shop]
platform=telegram
base_url=http://127.0.0.1:%d
token_env=SHOP_TOKEN
chat_prefix=s-
"""
USERS = """
[user_service]
base_url=http://127.0.0.1:%d
token_env=USERS_TOKEN
batch_size=50
timeout_s=1
"""


def chunk(kind, data):
    return (len(data).to_bytes(4, "big") + kind + data
            + zlib.crc32(kind + data).to_bytes(4, "big"))


PICTURE = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]))
           + chunk(b"IDAT", zlib.compress(b"\0\1\2\3")) + chunk(b"IEND", b""))


class UserService:
    """people: id → {"name", …}; status: of every answer; requests: the ids of each call."""

    def __init__(self):
        self.people, self.status, self.requests, self.tokens = {}, 200, [], set()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.requests.append(body["user_ids"])
                service.tokens.add(self.headers["Authorization"])
                people = [dict(service.people[i], id=i) for i in body["user_ids"]
                          if i in service.people]
                self.answer(service.status, json.dumps({"users": people}).encode())

            def do_GET(self):
                self.answer(200, PICTURE)

            def answer(self, status, body):
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

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class KnowingApi(bot_api.BotApi):
    """chats: id → what getChat tells."""

    def __init__(self):
        super().__init__()
        self.chats = {}

    def other(self, method, arguments):
        if method == "getChat":
            told = self.chats.get(int(arguments["chat_id"]))
            if told is None:
                return self.refuse(400, "Bad Request: chat not found")
            return 200, {"ok": True, "result": dict(told, id=int(arguments["chat_id"]),
                                                    type="private")}
        return super().other(method, arguments)


class ProfilesTest(unittest.TestCase):
    def setUp(self):
        self.api, self.users = KnowingApi(), UserService()
        self.addCleanup(self.api.close)
        self.addCleanup(self.users.close)

    def start(self, with_users=True):
        text = CONFIG % self.api.port + (USERS % self.users.port if with_users else "")
        daemon = Daemon(PROGRAM, demo=False, config=text,
                        environment={"SHOP_TOKEN": bot_api.TOKEN, "USERS_TOKEN": "s3cret"},
                        start=False)
        self.addCleanup(daemon.__exit__)
        self.token = daemon.add_user("anna", "secret-anna")
        self.admin = daemon.add_user("root", "secret-root", "admin")
        daemon.start()
        return daemon

    def profile(self, daemon, chat):
        answer = daemon.request("GET", "%s/chats/telegram/s-%d/profile" % (CRM, chat),
                                token=self.token)
        if answer.status != 200:
            return None
        desk_schema.validate("profile_answer", answer.json)
        return answer.data

    def wait_name(self, daemon, chat, name):
        wait_for(lambda: (self.profile(daemon, chat) or {}).get("name") == name,
                 "%d is called %s" % (chat, name))

    def test_platform(self):
        self.api.chats[7] = {"first_name": "Ann", "last_name": "Lee", "username": "annlee"}
        daemon = self.start(with_users=False)
        with WebSocket(daemon, "?v=2", self.token) as socket:
            self.api.write(1, "hello")
            event = socket.expect("profile_updated")
            self.assertEqual(event["data"]["handle"], "annlee")
        self.wait_name(daemon, 7, "Ann Lee")
        count = self.api.calls.count("getChat")
        for number in range(2, 8):
            self.api.write(number, "more")
        wait_for(lambda: daemon.request("GET", CRM + "/chats/telegram/s-7", token=self.token)
                 .data["last_chat_seq"] == 7, "all are there")
        self.assertEqual(self.api.calls.count("getChat"), count)  # asked once a day

    def test_user_service(self):
        base = "http://127.0.0.1:%d" % self.users.port
        for number in range(20):
            self.users.people[100 + number] = {"name": "Person %d" % number}
        self.users.people[100]["avatar_url"] = base + "/ann.png"
        self.api.chats[200] = {"first_name": "Only", "last_name": "Telegram"}
        daemon = self.start()
        for number in range(20):
            self.api.write(1 + number, "hello", chat=100 + number)
        self.api.write(50, "hello", chat=200)
        for number in range(20):
            self.wait_name(daemon, 100 + number, "Person %d" % number)
        self.wait_name(daemon, 200, "Only Telegram")  # unknown there: the platform is asked
        self.assertLess(len(self.users.requests), 12)  # many at once
        self.assertEqual(self.users.tokens, {"Bearer s3cret"})
        self.assertEqual(self.api.calls.count("getChat"), 1)

        # the picture is kept here, and open for whoever has the link
        link = self.profile(daemon, 100)["avatar"]
        self.assertRegex(link, r"^/crm/files/[0-9a-f]{64}\?")
        with urllib.request.urlopen("http://127.0.0.1:%d/api/v1%s" % (daemon.port, link)) as answer:
            self.assertEqual(answer.read(), PICTURE)
            self.assertEqual(answer.headers["Content-Type"], "image/png")
        # a message does not undo the name
        self.api.write(60, "again", chat=100)
        wait_for(lambda: daemon.request("GET", CRM + "/chats/telegram/s-100", token=self.token)
                 .data["last_chat_seq"] == 2, "it is there")
        self.wait_name(daemon, 100, "Person 0")

        # somebody changed
        self.users.people[101] = {"name": "Married"}
        path, body = CRM + "/users/invalidate", {"user_ids": [101, 4711]}
        self.assertEqual(daemon.request("POST", path, body, token=self.token).status, 403)
        answer = daemon.request("POST", path, body, token=self.admin)
        desk_schema.validate("users_answer", answer.json)
        self.assertEqual((answer.status, answer.data["chats"]), (202, 1))
        self.wait_name(daemon, 101, "Married")
        # …while the user service is down: what is known is shown
        self.users.status, before = 500, len(self.users.requests)
        self.assertEqual(daemon.request("POST", path, body, token=self.admin).status, 202)
        wait_for(lambda: len(self.users.requests) > before, "it was asked")
        self.assertEqual(self.profile(daemon, 101)["name"], "Married")

    def test_user_service_down(self):
        self.users.status = 503
        self.api.chats[7] = {"first_name": "Ann", "last_name": "Lee"}
        daemon = self.start()
        self.api.write(1, "hello")
        self.wait_name(daemon, 7, "Ann Lee")  # from the platform
        self.api.write(2, "hello", chat=8)    # whom nobody knows
        wait_for(lambda: self.api.calls.count("getChat") == 2, "both were asked for")
        self.assertEqual(self.profile(daemon, 8)["name"], "Ann")  # as the message said


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
