#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Websockets of frontdeskd: handshake, sign-in, both levels, resume, what is malformed, who is slow.

    test-http-websocket.py FRONTDESKD [unittest's arguments]
"""

import http.client
import json
import os
import re
import sys
import threading
import unittest

from daemon_support import CRM, Closed, Daemon, WebSocket, desk_schema, wait_for


PROGRAM = None
CONFIG = "[limits]\nrequests_per_minute=0\n[retention]\nmessages_per_chat=0\n"


class Sockets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(PROGRAM, config=CONFIG)
        cls.ann = cls.daemon.add_user("ann", "correct horse")
        chat = wait_for(lambda: cls.daemon.request("GET", CRM + "/chats").data, "chats")[0]
        cls.key = {"platform": chat["platform"], "user_id": chat["user_id"]}
        cls.chat = "%s/chats/%s/%s" % (CRM, chat["platform"], chat["user_id"])

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__()

    def send(self, text, private=True):
        answer = self.daemon.request("POST", self.chat + "/send", {"text": text, "private": private})
        self.assertEqual(answer.status, 201)
        return answer.data["message"]

    def test_handshake(self):
        good = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        for change, status in (({"Upgrade": None}, 426), ({"Upgrade": "h2c"}, 426),
                               ({"Sec-WebSocket-Version": "8"}, 426),
                               ({"Sec-WebSocket-Version": None}, 426),
                               ({"Connection": "close"}, 400), ({"Sec-WebSocket-Key": None}, 400),
                               ({"Sec-WebSocket-Key": "short"}, 400),
                               ({"Sec-WebSocket-Key": "!" * 24}, 400)):
            headers = {k: v for k, v in dict(good, **change).items() if v is not None}
            answer = self.daemon.request("GET", CRM + "/ws", headers=headers)
            self.assertEqual(answer.status, status, change)
        for query, token in (("?token=wrong", None), ("", "wrong")):
            with WebSocket(self.daemon, query, token=token) as peer:
                self.assertEqual(peer.status, 401)

    def test_hello_and_live(self):
        with WebSocket(self.daemon, "?v=2") as peer:
            hello = peer.receive()
            desk_schema.validate("frame_hello", hello)
            self.assertEqual(hello["data"]["resume"], "reset")
            desk_schema.validate("frame_presence", peer.expect("presence", username="demo"))
            message = self.send("over the socket")
            frame = peer.expect("new_message", text="over the socket")
            desk_schema.validate("frame_new_message", frame)
            self.assertEqual(frame["data"]["id"], message["id"])
            self.assertGreater(frame["seq"], hello["data"]["head"]["0"])

    def test_resume(self):
        cursor = self.daemon.request("GET", CRM + "/changes").data["cursor"]
        start = int(cursor.rsplit("-", 1)[1])
        for i in range(200):
            self.send("gap %d" % i)
        with WebSocket(self.daemon, "?v=2&cursor=" + cursor) as peer:
            self.assertEqual(peer.expect("hello")["data"]["resume"], "ok")
            self.send("gap end")
            sequence = []
            while True:
                frame = peer.receive()
                if "seq" in frame:
                    sequence.append(frame["seq"])
                    if frame["data"].get("text") == "gap end":
                        break
            self.assertEqual(sequence, list(range(start + 1, start + 1 + len(sequence))))
        for bad in ("other:0-1", "x", cursor.rsplit("-", 1)[0] + "-999999"):
            with WebSocket(self.daemon, "?v=2&cursor=" + bad) as peer:
                self.assertEqual(peer.expect("hello")["data"]["resume"], "reset")

    def test_first_frame(self):
        with WebSocket(self.daemon, "?v=2", token=None) as peer:
            peer.send({"type": "auth", "token": self.ann})
            peer.expect("hello")
        for frame in ({"type": "auth", "token": "wrong"}, {"type": "viewing"}):
            with WebSocket(self.daemon, "?v=2", token=None) as peer:
                peer.send(frame)
                self.assertEqual(peer.expect_close(), 4401)

    def test_level0(self):
        with WebSocket(self.daemon, "?token=" + self.ann, token=None) as peer:
            self.send("secret note")
            self.send("public", private=False)
            frame = peer.expect("new_message")
            self.assertEqual(frame["data"]["text"], "public")
            self.assertNotIn("seq", frame)
            peer.send({"type": "mark_read", "data": self.key})
            peer.expect("read_receipt", username="ann")

    def test_typing_and_viewing(self):
        with WebSocket(self.daemon, "?v=2") as one, WebSocket(self.daemon, "?v=2", self.ann) as two:
            one.expect("hello")
            two.expect("hello")
            for _ in range(3):
                one.send({"type": "typing", "data": self.key})
            one.send({"type": "viewing", "data": self.key})
            seen = []
            while True:
                frame = two.receive()
                seen.append(frame)
                if frame["type"] == "presence" and frame["data"]["viewing"]:
                    break
            typing = [f for f in seen if f["type"] == "typing" and f["data"]["who"] == "manager"]
            self.assertEqual(len(typing), 1)
            self.assertEqual(frame["data"]["viewing"], self.key)
            one.close()
            two.expect("presence", username="demo", status="offline")

    def test_viewing_of_two_sockets(self):
        """Each socket looks at a chat of its own; with the socket goes what was looked at."""
        other = {"platform": "demo", "user_id": "somebody"}
        with WebSocket(self.daemon, "?v=2", self.ann) as peer, WebSocket(self.daemon, "?v=2") as one:
            one.expect("hello")
            peer.expect("presence", username="demo", status="online")
            one.send({"type": "viewing", "data": self.key})
            self.assertEqual(peer.expect("presence", username="demo")["data"]["viewing"], self.key)
            with WebSocket(self.daemon, "?v=2") as two:
                two.expect("hello")
                two.send({"type": "viewing", "data": other})
                self.assertEqual(peer.expect("presence", username="demo")["data"]["viewing"], other)
            back = peer.expect("presence", username="demo")["data"]
            self.assertEqual((back["status"], back["viewing"]), ("online", self.key))
            one.send({"type": "viewing", "data": None})
            self.assertIsNone(peer.expect("presence", username="demo")["data"]["viewing"])

    def test_malformed_frames(self):
        for text in ("", "{", "[]", "{}", '{"type":1}', '{"type":"typing"}',
                     '{"type":"mark_read","data":{"platform":"demo"}}'):
            with WebSocket(self.daemon, "?v=2") as peer:
                peer.send(text)
                self.assertEqual(peer.expect_close(), 4400, text)
        for first, payload, masked, code in ((0x82, b"x", True, 1003), (0x81, b"\xff", True, 1007),
                                             (0x81, b"{}", False, 1002), (0xf1, b"{}", True, 1002),
                                             (0x81, b"x" * 16385, True, 1009)):
            with WebSocket(self.daemon, "?v=2") as peer:
                peer.send_raw(first, payload, masked)
                self.assertEqual(peer.expect_close(), code)
        with WebSocket(self.daemon, "?v=2") as peer:
            peer.send({"type": "of a newer client", "data": {}})
            self.send("still there")
            peer.expect("new_message", text="still there")

    def overflows(self):
        text = self.daemon.request("GET", "/metrics", token=None).body.decode()
        return int(re.search(r"^frontdesk_websocket_overflows_total (\d+)$", text, re.M).group(1))

    def send_many(self, prefix, n, n_threads=4):
        """n notes of 2 KB each, over a few connections that stay open."""
        failures = []

        def run(thread):
            connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=30)
            for i in range(thread, n, n_threads):
                body = json.dumps({"text": "%s %d %s" % (prefix, i, "x" * 2000), "private": True})
                connection.request("POST", self.chat + "/send", body,
                                   {"Authorization": "Bearer " + self.daemon.token,
                                    "Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status != 201:
                    failures.append(answer.status)
            connection.close()

        threads = [threading.Thread(target=run, args=(t,)) for t in range(n_threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_slow_reader(self):
        """Who stops reading is cut off with 4408; what it missed comes once each by a resume."""
        n, numbers, sequence, epoch = 4000, [], [], None

        def read(peer):
            nonlocal epoch
            frame = peer.receive()
            if frame["type"] == "hello":
                epoch = frame["data"]["epoch"]
            if "seq" in frame:
                sequence.append(frame["seq"])
            if frame["type"] == "new_message" and frame["data"]["text"].startswith("slow "):
                numbers.append(int(frame["data"]["text"].split()[1]))
            return frame

        before = self.overflows()
        with WebSocket(self.daemon, "?v=2", receive_buffer=4096) as peer:
            self.assertEqual(read(peer)["type"], "hello")
            self.send("the first one")
            while read(peer)["data"].get("text") != "the first one":
                pass
            sender = threading.Thread(target=self.send_many, args=("slow", n))
            sender.start()
            wait_for(lambda: self.overflows() > before, "the overflow of the queue")
            with self.assertRaises(Closed) as closed:
                while True:
                    read(peer)
            sender.join()
        self.assertEqual(closed.exception.code, 4408)
        self.assertEqual(self.overflows(), before + 1)
        self.assertLess(len(numbers), n)
        with WebSocket(self.daemon, "?v=2&cursor=%s:0-%d" % (epoch, sequence[-1])) as peer:
            self.assertEqual(read(peer)["data"]["resume"], "ok")
            while len(numbers) < n:
                read(peer)
        self.assertEqual(sorted(numbers), list(range(n)))
        self.assertEqual(sequence, list(range(sequence[0], sequence[0] + len(sequence))))

    def test_revoked_token(self):
        tokens = self.daemon.request("POST", "/v1/auth/token",
                                     {"username": "ann", "password": "correct horse"},
                                     token=None).data
        with WebSocket(self.daemon, "?v=2", tokens["access_token"]) as peer:
            peer.expect("hello")
            self.daemon.request("POST", "/v1/auth/logout", token=tokens["access_token"])
            self.assertEqual(peer.expect_close(), 4401)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
