#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every route of frontdeskd, with its success and its refusals, and HTTP that is not as it should be.

    test-http-routes.py FRONTDESKD [unittest's arguments]
"""

import concurrent.futures
import json
import os
import re
import socket
import sys
import time
import unittest
import urllib.parse

from daemon_support import CRM, Daemon, WebSocket, wait_for

PROGRAM = None
CONFIG = """[limits]
requests_per_minute=0
sign_ins_per_minute=0
timeout_s=1
"""


def chat_path(chat, rest=""):
    return "%s/chats/%s/%s%s" % (CRM, chat["platform"], urllib.parse.quote(chat["user_id"], safe=""),
                                 rest)


class Routes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(PROGRAM, config=CONFIG)
        cls.ann = cls.daemon.add_user("ann", "correct horse")
        cls.bob = cls.daemon.add_user("bob", "battery staple")
        chats = wait_for(lambda: cls.daemon.request("GET", CRM + "/chats").data, "the demo's chats")
        cls.chat = chats[0]

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__()

    def ask(self, method, path, *arguments, **options):
        return self.daemon.request(method, path, *arguments, **options)

    def refused(self, status, code, method, path, *arguments, **options):
        answer = self.ask(method, path, *arguments, **options)
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        return answer

    # ── Reads ──────────────────────────────────────────────────────────────────────────────────
    def test_reads(self):
        self.ask("GET", "/health/live", token=None, kind="health_answer")
        self.ask("GET", "/health/ready", token=None, kind="health_answer")
        self.ask("GET", CRM + "/capabilities", kind="capabilities_answer")
        self.ask("GET", CRM + "/managers", kind="managers_answer")
        [one] = self.ask("GET", CRM + "/connections", kind="connections_answer").data
        self.assertEqual((one["platform"], one["trouble"]), ("demo", None))
        self.ask("GET", CRM + "/chats", kind="chats_answer")
        self.ask("GET", chat_path(self.chat), kind="chat_answer")
        self.ask("GET", chat_path(self.chat, "/messages?limit=5"), kind="messages_answer")
        self.ask("GET", chat_path(self.chat, "/messages?before_seq=3"), kind="messages_answer")
        self.ask("GET", CRM + "/messages?limit=3", kind="messages_answer")
        self.ask("GET", CRM + "/changes", kind="changes_answer")

    def test_pages(self):
        page = self.ask("GET", CRM + "/chats?limit=2", kind="chats_answer").json
        rest = self.ask("GET", CRM + "/chats?limit=1000&page="
                        + urllib.parse.quote(page["next"], safe=""), kind="chats_answer").json
        everything = self.ask("GET", CRM + "/chats").data
        self.assertEqual([c["user_id"] for c in page["data"] + rest["data"]],
                         [c["user_id"] for c in everything])
        newest = self.ask("GET", chat_path(self.chat, "/messages?before_seq=0&limit=3")).data
        older = self.ask("GET", chat_path(self.chat, "/messages?limit=2&before_seq=%d"
                                          % newest[0]["chat_seq"])).data
        self.assertEqual([m["id"] for m in older], [m["id"] for m in newest[1:3]])
        after = self.ask("GET", chat_path(self.chat, "/messages?limit=2&after_seq=0")).data
        self.assertEqual([m["chat_seq"] for m in after], sorted(m["chat_seq"] for m in after))

    def test_changes(self):
        head = self.ask("GET", CRM + "/changes").data
        self.assertEqual(head["events"], [])
        epoch, rest = head["cursor"].split(":")
        self.ask("GET", CRM + "/changes?limit=2&cursor=%s:0-0" % epoch, kind="changes_answer")
        for cursor in ("other:0-0", "%s:0-999999" % epoch):
            self.refused(410, "CURSOR_EXPIRED", "GET", CRM + "/changes?cursor=" + cursor)
        self.assertIn(self.ask("GET", CRM + "/changes?cursor=garbage").status, (400, 410, 422))

    def test_metrics(self):
        answer = self.ask("GET", "/metrics", token=None)
        self.assertTrue(answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        for line in answer.body.decode().splitlines():
            self.assertRegex(line, r"^(#.*|[a-z_]+(\{[^}]*\})? -?[0-9.e+]+)$")

    def test_head(self):
        answer = self.ask("HEAD", CRM + "/chats")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["Content-Length"]), 100)

    def test_request_id(self):
        answer = self.ask("GET", "/health/live", headers={"X-Request-Id": "abc-1.2_3"})
        self.assertEqual(answer.headers["X-Request-Id"], "abc-1.2_3")
        for bad in ("a b", "x" * 60, "a\u00ff", '"'):
            answer = self.ask("GET", "/nope", headers={"X-Request-Id": bad})
            self.assertNotEqual(answer.headers["X-Request-Id"], bad)

    # ── Refusals that many routes share ────────────────────────────────────────────────────────
    def test_unauthorized(self):
        paths = [("GET", CRM + p) for p in ("/chats", "/capabilities", "/messages", "/changes",
                                            "/managers", "/connections")]
        paths += [("POST", chat_path(self.chat, "/send")), ("PUT", chat_path(self.chat, "/read")),
                  ("PUT", chat_path(self.chat, "/unread")), ("POST", "/v1/auth/logout")]
        for method, path in paths:
            for token in (None, "wrong", "x" * 600):
                answer = self.refused(401, "UNAUTHORIZED", method, path, token=token)
                self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")
        for header in ("Basic YTpi", "Bearer", "Bearer ", self.daemon.token):
            self.refused(401, "UNAUTHORIZED", "GET", CRM + "/chats", token=None,
                         headers={"Authorization": header})

    def test_not_found(self):
        for path in ("/", "/api", CRM, CRM + "/nope", CRM + "/chats/", CRM + "/chats/demo",
                     CRM + "/chats//x", "/health", "/webhook/icq", "/webhook/telegram/x",
                     chat_path(self.chat, "/messages/")):
            self.refused(404, "NOT_FOUND", "GET", path)
        for path in ("/messages", "", "/messages?before_seq=1"):
            self.refused(404, "NOT_FOUND", "GET", CRM + "/chats/demo/nobody" + path)
        self.refused(404, "NOT_FOUND", "POST", CRM + "/chats/demo/nobody/send", {"text": "x"})
        self.refused(404, "NOT_FOUND", "PUT", CRM + "/chats/demo/nobody/read", {"up_to_chat_seq": 1})

    def test_bad_paths(self):
        for user in ("%", "%4", "%zz", "%00", "%FF", "a%2Fb", "x" * 257):
            self.refused(400, "BAD_REQUEST", "GET", CRM + "/chats/demo/%s/messages" % user)
        for query in ("limit=%", "before_seq=%FF", "page=%C0"):
            answer = self.ask("GET", chat_path(self.chat, "/messages?" + query)
                              if not query.startswith("page") else CRM + "/chats?" + query)
            self.assertEqual((answer.status, answer.code), (400, "BAD_REQUEST"))

    def test_wrong_method(self):
        for method, path, allow in (
                ("DELETE", CRM + "/chats", "GET, HEAD"),
                ("POST", chat_path(self.chat, "/messages"), "GET, HEAD"),
                ("GET", chat_path(self.chat, "/send"), "POST"),
                ("POST", chat_path(self.chat, "/read"), "PUT"),
                ("GET", "/v1/auth/token", "POST"),
                ("PUT", "/webhook/telegram/x", "GET, HEAD, POST"),
                ("BREW", "/health/live", "GET, HEAD")):
            answer = self.refused(405, "METHOD_NOT_ALLOWED", method, path)
            self.assertEqual(answer.headers["Allow"], allow)

    def test_bad_parameters(self):
        for path, field in (("?limit=0", "limit"), ("?limit=-1", "limit"), ("?limit=ten", "limit"),
                            ("?limit=1e3", "limit"), ("?offset=-1", "offset"),
                            ("?before_seq=x", "before_seq"),
                            ("?before_seq=99999999999999999999", "before_seq"),
                            ("?before_seq=1&after_seq=1", "after_seq")):
            answer = self.refused(422, "INVALID", "GET", chat_path(self.chat, "/messages" + path))
            self.assertEqual(answer.json["error"]["details"]["field"], field)
        self.refused(422, "INVALID", "GET", CRM + "/chats?state=closed")
        self.refused(422, "INVALID", "GET", CRM + "/chats?unread=maybe")

    def test_bad_bodies(self):
        send = chat_path(self.chat, "/send")
        for body in (b"", b"{", b"[]x", b'{"text":"a","text":"b"}', b'{"text":"\xff"}',
                     b"[" * 2000 + b"]" * 2000, b'{"text":"\\ud800"}', b'{"text":1e999}'):
            self.refused(400, "BAD_REQUEST", "POST", send, body,
                         headers={"Content-Type": "application/json"})
        for body, field in (({}, "text"), ({"text": 1}, "text"), ({"text": None}, "text"),
                            ({"text": ""}, "text"),
                            ({"text": "x", "private": "yes"}, "private"),
                            ({"text": "x", "seen_seq": -2}, "seen_seq")):
            answer = self.refused(422, "INVALID", "POST", send, body)
            self.assertEqual(answer.json["error"]["details"]["field"], field, answer)
        answer = self.refused(422, "TEXT_TOO_LONG", "POST", send, {"text": "x" * 5000})
        self.assertEqual(answer.json["error"]["details"]["limit"], 4096)

    def test_media_type(self):
        send = chat_path(self.chat, "/send")
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx",
                     "application/json; charset=utf-16", "multipart/form-data"):
            self.refused(415, "UNSUPPORTED_MEDIA_TYPE", "POST", send, b'{"text":"x"}',
                         headers={"Content-Type": kind})
        self.refused(415, "UNSUPPORTED_MEDIA_TYPE", "POST", send, b'{"text":"x"}')
        answer = self.ask("POST", send, b'{"text":"typed"}',
                          headers={"Content-Type": "Application/JSON; charset=UTF-8"})
        self.assertEqual(answer.status, 201)

    # ── Writes ─────────────────────────────────────────────────────────────────────────────────
    def test_send(self):
        send = chat_path(self.chat, "/send")
        body = {"text": "Guten Tag \u2764 %?#+", "client_message_id": "key-1"}
        first = self.ask("POST", send, body, kind="send_answer")
        self.assertEqual((first.status, first.data["duplicate"]), (201, False))
        again = self.ask("POST", send, body, kind="send_answer")
        self.assertEqual((again.status, again.data["duplicate"]), (200, True))
        self.assertEqual(again.data["message"]["id"], first.data["message"]["id"])
        self.refused(422, "IDEMPOTENCY_MISMATCH", "POST", send, dict(body, text="other"))
        # a key belongs to the manager
        other = self.ask("POST", send, body, token=self.ann)
        self.assertEqual(other.status, 201)

    def test_stale_reply(self):
        chat = self.ask("GET", chat_path(self.chat)).data
        seen = chat["last_chat_seq"]
        send = chat_path(self.chat, "/send")
        self.assertEqual(self.ask("POST", send, {"text": "mine"}, token=self.ann).status, 201)
        answer = self.refused(409, "STALE_REPLY", "POST", send, {"text": "late", "seen_seq": seen},
                              token=self.bob)
        self.assertIn("mine", json.dumps(answer.json["error"]["details"]))
        forced = self.ask("POST", send, {"text": "late", "seen_seq": seen, "force": True},
                          token=self.bob)
        self.assertEqual(forced.status, 201)

    def test_notes_stay_inside(self):
        note = self.ask("POST", chat_path(self.chat, "/send"), {"text": "a note", "private": True},
                        kind="send_answer").data["message"]
        level2 = self.ask("GET", chat_path(self.chat, "/messages?before_seq=0&limit=20")).data
        level0 = self.ask("GET", chat_path(self.chat, "/messages?limit=20&offset=0")).data
        self.assertIn(note["id"], [m["id"] for m in level2])
        self.assertNotIn(note["id"], [m["id"] for m in level0])

    def test_read_and_unread(self):
        self.ask("PUT", chat_path(self.chat, "/unread"), kind="read_answer")
        chat = self.ask("GET", chat_path(self.chat)).data
        self.assertTrue(chat["marked_unread"])
        self.ask("PUT", chat_path(self.chat, "/read"), {"up_to_chat_seq": 10 ** 12},
                 kind="read_answer")
        chat = self.ask("GET", chat_path(self.chat)).data
        self.assertEqual((chat["unread"], chat["marked_unread"]), (0, False))
        for body in ({"up_to_chat_seq": -1}, {"up_to_chat_seq": "1"}, {"up_to_chat_seq": 1.5}):
            self.refused(422, "INVALID", "PUT", chat_path(self.chat, "/read"), body)

    # ── What managers change ───────────────────────────────────────────────────────────────────
    def test_change_chat(self):
        path = chat_path(self.chat)
        changed = self.ask("PATCH", path, {"assignee": "bob", "add_labels": ["vip"],
                                           "metadata": {"colour": "red"}}, kind="chat_answer").data
        self.assertEqual((changed["assignee"], changed["labels"]), ("bob", ["vip"]))
        found = self.ask("GET", CRM + "/chats?label=vip&assignee=bob", kind="chats_answer").data
        self.assertEqual([one["user_id"] for one in found], [self.chat["user_id"]])
        self.refused(409, "CONFLICT", "PATCH", path, {"base_rev": 0, "assignee": None})
        refused = self.refused(422, "INVALID", "PATCH", path, {"assignee": "nobody"})
        self.assertEqual(refused.json["error"]["details"]["field"], "assignee")
        self.refused(422, "INVALID", "PATCH", path, {"state": "gone"})
        self.refused(404, "NOT_FOUND", "PATCH", CRM + "/chats/demo/nobody", {"muted": True})
        self.ask("PATCH", path, {"muted": True}, kind="chat_answer")
        self.assertTrue(self.ask("GET", path).data["muted"])
        self.assertFalse(self.ask("GET", path, token=self.bob).data["muted"])

    def test_snooze_ends(self):
        """The daemon opens the chat by itself."""
        path = chat_path(self.chat)
        until = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + 2))
        self.ask("PATCH", path, {"snoozed_until": until}, kind="chat_answer")
        wait_for(lambda: self.ask("GET", path).data["state"] == "open", "the end of the snooze")

    def test_change_messages(self):
        note = self.ask("POST", chat_path(self.chat, "/send"),
                        {"text": "psst", "private": True}).data["message"]
        path = CRM + "/messages/" + note["id"]
        edited = self.ask("PATCH", path, {"text": "hush", "base_rev": 1}, kind="message_answer").data
        self.assertEqual(edited["text"], "hush")
        self.refused(409, "CONFLICT", "PATCH", path, {"text": "louder", "base_rev": 1})
        self.refused(403, "FORBIDDEN", "PATCH", path, {"text": "x"}, token=self.bob)
        self.refused(422, "INVALID", "PATCH", path, {"text": ""})
        reacted = self.ask("PUT", path + "/reaction", {"emoji": "\U0001f44d"},
                           kind="message_answer").data
        self.assertEqual(len(reacted["reactions"]), 1)
        self.refused(422, "INVALID", "PUT", path + "/reaction", {"emoji": "a b"})
        gone = self.ask("DELETE", path, kind="message_answer").data
        self.assertIsNotNone(gone["deleted_at"])
        self.refused(404, "NOT_FOUND", "DELETE", CRM + "/messages/nothing")

    def test_canned(self):
        path = CRM + "/canned"
        body = {"id": "c-1", "shortcut": "hello", "text": "Hello {{customer.name}}!"}
        self.assertEqual(self.ask("POST", path, body, kind="canned_answer").status, 201)
        self.assertEqual(self.ask("POST", path, body, kind="canned_answer").status, 200)
        self.refused(422, "INVALID", "POST", path, {"shortcut": "Hello", "text": "x"})
        self.refused(422, "INVALID", "POST", path, {"shortcut": "two words", "text": "x"})
        changed = {"shortcut": "hello", "title": "Greeting", "text": "Hi!", "base_rev": 1}
        self.ask("PUT", path + "/c-1", changed, kind="canned_answer")
        self.refused(409, "CONFLICT", "PUT", path + "/c-1", dict(changed, text="Hey!"))
        self.assertEqual(len(self.ask("GET", path, kind="canned_list_answer").data), 1)
        self.assertEqual(self.ask("DELETE", path + "/c-1", kind="empty_answer").status, 200)
        self.assertEqual(self.ask("GET", path).data, [])

    def test_profile_and_templates(self):
        path = chat_path(self.chat, "/profile")
        before = self.ask("GET", path, kind="profile_answer").data
        changed = self.ask("PATCH", path, {"base_rev": before["rev"], "note": "kind",
                                           "attributes": {"size": "M"}}, kind="profile_answer").data
        self.assertEqual((changed["note"], changed["attributes"]), ("kind", {"size": "M"}))
        self.refused(409, "CONFLICT", "PATCH", path, {"base_rev": 0, "note": "other"})
        self.refused(422, "INVALID", "PATCH", path, {"attributes": {"size": 1}})
        self.refused(404, "NOT_FOUND", "GET", CRM + "/chats/demo/nobody/profile")
        self.assertEqual(self.ask("GET", chat_path(self.chat, "/templates"),
                                  kind="templates_answer").data, [])

    def test_products(self):
        self.refused(409, "NOT_SUPPORTED", "GET", chat_path(self.chat, "/products"))
        self.refused(404, "NOT_FOUND", "GET", CRM + "/chats/demo/nobody/products")

    def test_many_writers(self):
        """Suspended requests are each answered with their own message."""
        send = chat_path(self.chat, "/send")

        def one(i):
            answer = self.ask("POST", send, {"text": "n%d" % i, "client_message_id": "many-%d" % i,
                                             "private": True})
            return answer.status, answer.data["message"]["text"], answer.data["message"]["chat_seq"]

        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            got = list(pool.map(one, range(200)))
        self.assertEqual([g[:2] for g in got], [(201, "n%d" % i) for i in range(200)])
        self.assertEqual(len({g[2] for g in got}), 200)

    # ── Signing in ─────────────────────────────────────────────────────────────────────────────
    def test_sign_in(self):
        path = "/v1/auth/token"
        answer = self.ask("POST", path, {"username": "ann", "password": "correct horse"}, token=None,
                          kind="token_answer").data
        self.ask("GET", CRM + "/chats", token=answer["access_token"], kind="chats_answer")
        fresh = self.ask("POST", "/v1/auth/refresh", {"refresh_token": answer["refresh_token"]},
                         token=None, kind="token_answer").data
        self.ask("GET", CRM + "/chats", token=fresh["access_token"], kind="chats_answer")
        self.ask("POST", "/v1/auth/logout", token=fresh["access_token"], kind="empty_answer")
        self.refused(401, "UNAUTHORIZED", "GET", CRM + "/chats", token=fresh["access_token"])
        self.refused(401, "UNAUTHORIZED", "POST", "/v1/auth/refresh",
                     {"refresh_token": fresh["refresh_token"]}, token=None)

        self.refused(401, "UNAUTHORIZED", "POST", path, {"username": "ann", "password": "x"},
                     token=None)
        self.refused(401, "UNAUTHORIZED", "POST", path, {"username": "eve", "password": "x"},
                     token=None)
        self.refused(422, "INVALID", "POST", path, {"username": "ann"}, token=None)
        self.refused(400, "BAD_REQUEST", "POST", path, b"", token=None)
        self.refused(415, "UNSUPPORTED_MEDIA_TYPE", "POST", path, b"username=ann", token=None)
        self.refused(422, "INVALID", "POST", "/v1/auth/refresh", {}, token=None)
        self.refused(401, "UNAUTHORIZED", "POST", "/v1/auth/refresh", {"refresh_token": "x"},
                     token=None)

    # ── Sizes ──────────────────────────────────────────────────────────────────────────────────
    def head(self, *lines, path=None):
        start = "POST %s HTTP/1.1" % (path or chat_path(self.chat, "/send"))
        return "\r\n".join([start, "Host: x", "Authorization: Bearer " + self.daemon.token,
                            "Content-Type: application/json", *lines, "", ""]).encode()

    def test_too_large_before_it_is_read(self):
        answer = self.daemon.raw(self.head("Content-Length: 1048577"))
        self.assertRegex(answer, rb"(?s)^HTTP/1.1 413 .*TOO_LARGE")
        answer = self.daemon.raw(self.head("Content-Length: 99999999999", "Expect: 100-continue"))
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)

    def test_too_large_chunked(self):
        body = (b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 33 + b"0\r\n\r\n"
        answer = self.daemon.raw(self.head("Transfer-Encoding: chunked") + body)
        self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer[:200])

    def test_largest_body(self):
        """The limit itself is still read; what a send may hold is less."""
        for size in (1024 * 1024, 1024 * 1024 - 1):
            body = b'{"text":"x","more":"' + b"y" * (size - 22) + b'"}'
            self.assertEqual(len(body), size)
            answer = self.refused(413, "TOO_LARGE", "POST", chat_path(self.chat, "/send"), body,
                                  headers={"Content-Type": "application/json"})
            self.assertNotIn("Connection", answer.headers)

    def test_chunked_body(self):
        answer = self.daemon.raw(self.head("Transfer-Encoding: chunked", "Connection: close")
                                 + b'5\r\n{"tex\r\n8\r\nt":"ch"}\r\n0\r\n\r\n')
        self.assertTrue(answer.startswith(b"HTTP/1.1 201 "), answer)

    # ── HTTP that is not as it should be ───────────────────────────────────────────────────────
    def test_malformed(self):
        for data in (b"\r\n\r\nnonsense\r\n\r\n", b"GET\r\n\r\n", b"GET /\r\n\r\n",
                     b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
                     b"GET /health/live HTTP/1.1\r\n\r\n",
                     b"GET /health/live HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
                     b"GET /health/live HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n"):
            answer = self.daemon.raw(data)
            self.assertNotIn(b" 200 ", answer.split(b"\r\n")[0], data)
        self.assertEqual(self.ask("GET", "/health/live").status, 200)

    def test_huge_headers(self):
        answer = self.daemon.raw(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000
                                 + b"\r\n\r\n")
        self.assertRegex(answer[:20], rb"^(HTTP/1.1 (400|413|431|414)|$)")
        answer = self.daemon.raw(b"GET /" + b"y" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertRegex(answer[:20], rb"^(HTTP/1.1 (400|413|431|414)|$)")
        self.assertEqual(self.ask("GET", "/health/live").status, 200)

    def test_smuggling(self):
        """One connection never yields the answer of a request hidden in the body of another."""
        hidden = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        for lines in (("Content-Length: 6", "Transfer-Encoding: chunked"),
                      ("Transfer-Encoding: chunked", "Content-Length: 6"),
                      ("Content-Length: 5", "Content-Length: 6"),
                      ("Content-Length: 5, 6",), ("Content-Length: +5",), ("Content-Length: 0x5",),
                      ("Content-Length: -1",), ("Transfer-Encoding: xchunked",),
                      ("Transfer-Encoding: chunked, identity",),
                      ("Transfer-Encoding: identity", "Transfer-Encoding: chunked"),
                      ("Transfer-Encoding : chunked",), ("Content-Length : 5",)):
            answer = self.daemon.raw(self.head(*lines) + b"0\r\n\r\n" + hidden)
            self.assertNotIn(b"HTTP/1.1 2", answer, (lines, answer[:500]))
            self.assertNotIn(b"frontdesk_log_head", answer, lines)
            if answer:
                self.assertTrue(answer.startswith(b"HTTP/1.1 4"), (lines, answer[:100]))

    def test_pipelining(self):
        one = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = self.daemon.raw(one * 3 + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        self.assertEqual(answer.count(b"HTTP/1.1 200 OK"), 4)

    def test_refusal_keeps_the_connection(self):
        body = b'{"text":"x"}'
        bad = (b"POST /nope HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)) + body
        answer = self.daemon.raw(bad + b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
                                 b"Connection: close\r\n\r\n")
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", answer), [b"404", b"200"])

    def test_truncated_and_slow(self):
        """The timeout of the test's configuration is one second."""
        for data in (b"GET /health", b"GET /health/live HTTP/1.1\r\nHost: x\r\n",
                     self.head("Content-Length: 100") + b'{"text"'):
            answer = self.daemon.raw(data, deadline_s=20)
            self.assertNotIn(b" 200 ", answer[:20])

    def test_disconnect_while_waiting(self):
        """A client that goes away before its answer harms nobody."""
        for _ in range(50):
            body = b'{"text":"gone","private":true}'
            with socket.create_connection(("127.0.0.1", self.daemon.port)) as connection:
                connection.sendall(self.head("Content-Length: %d" % len(body)) + body)
        self.assertEqual(self.ask("GET", CRM + "/chats").status, 200)

    def test_webhook_of_a_platform_without_webhooks(self):
        answer = self.ask("POST", "/webhook/demo/demo", b"{}", token=None)
        self.assertEqual(answer.status, 404)

    def test_secrets_stay_out_of_the_log(self):
        with WebSocket(self.daemon, "?token=" + self.ann, token=None) as peer:
            self.assertEqual(peer.status, 101)
        WebSocket(self.daemon, "?token=sEcReTsEcReT", token=None).close()
        self.ask("GET", CRM + "/chats?token=" + self.ann, token=None)
        log = self.daemon.read_log()
        for secret in (self.ann, self.bob, self.daemon.token, "sEcReT", "correct horse"):
            self.assertNotIn(secret, log)
        for line in log.splitlines():
            json.loads(line)


class Limits(unittest.TestCase):
    def test_per_token_and_address(self):
        with Daemon(PROGRAM, config="[limits]\nrequests_per_minute=5\nsign_ins_per_minute=2\n") as daemon:
            ann = daemon.add_user("ann", "passpass")
            for token in (daemon.token, ann, None):
                codes = [daemon.request("GET", CRM + "/chats", token=token).status for _ in range(7)]
                good = 200 if token else 401
                self.assertEqual(codes, [good] * 5 + [429] * 2)
            answer = daemon.request("GET", CRM + "/chats")
            self.assertEqual(answer.code, "RATE_LIMITED")
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
            self.assertEqual(daemon.request("GET", "/health/live").status, 200)
            # webhooks are exempt
            for _ in range(8):
                self.assertEqual(daemon.request("POST", "/webhook/demo/demo", b"", token=None).status,
                                 404)

    def test_sign_in_and_proxy(self):
        with Daemon(PROGRAM, config="[limits]\nsign_ins_per_minute=2\n") as daemon:
            def attempt(address):
                return daemon.request("POST", "/v1/auth/token", {"username": "eve", "password": "x"},
                                      token=None, headers={"X-Forwarded-For": address}).status
            self.assertEqual([attempt("1.1.1.1, 192.0.2.1") for _ in range(3)], [401, 401, 429])
            self.assertEqual(attempt("192.0.2.1, 192.0.2.2"), 401)

    def test_off(self):
        with Daemon(PROGRAM, config="[limits]\nrequests_per_minute=0\n") as daemon:
            for _ in range(50):
                self.assertEqual(daemon.request("GET", CRM + "/managers").status, 200)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
