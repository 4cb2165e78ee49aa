#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files between frontdeskd and a Bot API: what customers send, and several files in one message.

    test-files-telegram.py FRONTDESKD [unittest's arguments]
"""

import http.server
import json
import os
import sys
import threading
import unittest
import urllib.parse

from daemon_support import CRM, Daemon, desk_schema, wait_for

PROGRAM = None
TOKEN = "123456:test-token"
CONFIG = """[connection shop]
platform=telegram
base_url=http://127.0.0.1:%d
token_env=SHOP_TOKEN
"""
BOUNDARY = "b0undary"


class BotApi:
    """As much of the Bot API as files need. Answers queued in `refusals` come first."""

    def __init__(self):
        self.updates, self.calls, self.refusals, self.files = [], [], {}, {}
        self.ids, self.lock = 100, threading.Lock()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                self.answer(*api.call(url.path, dict(urllib.parse.parse_qsl(url.query)), b""))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(*api.call(self.path, {}, body))

            def answer(self, status, body):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a daemon that is killed hangs up
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def call(self, path, query, body):
        if path.startswith("/file/bot%s/" % TOKEN):
            return 200, self.files[urllib.parse.unquote(path.split("/", 3)[3])]
        method = path.split("/")[-1]
        with self.lock:
            if method != "getUpdates":
                self.calls.append((method, body or query))
            if self.refusals.get(method):
                status = self.refusals[method].pop(0)
                return status, {"ok": False, "error_code": status, "description": "refused",
                                "parameters": {"retry_after": 0}}
            if method == "getUpdates":
                offset = int(query.get("offset", 0))
                self.updates = [u for u in self.updates if u["update_id"] >= offset]
                return 200, {"ok": True, "result": self.updates}
            if method == "getFile":
                return 200, {"ok": True, "result": {"file_id": query["file_id"],
                                                    "file_path": query["file_id"]}}
            if method == "getChat":
                return 400, {"ok": False, "error_code": 400,
                             "description": "Bad Request: chat not found"}
            self.ids += 1
            return 200, {"ok": True, "result": {"message_id": self.ids, "id": 1, "is_bot": True,
                                                "first_name": "Shop"}}

    def count(self, method):
        return len([c for c in self.calls if c[0] == method])

    def write(self, number, **members):
        message = {"message_id": number, "date": 1790000000, "from": {"id": 7, "first_name": "Ann"},
                   "chat": {"id": 7, "type": "private", "first_name": "Ann"}, **members}
        with self.lock:
            self.updates.append({"update_id": number, "message": message})


class Telegram(unittest.TestCase):
    def setUp(self):
        self.api = BotApi()
        self.addCleanup(self.api.server.server_close)
        self.addCleanup(self.api.server.shutdown)
        self.daemon = Daemon(PROGRAM, demo=False, config=CONFIG % self.api.port,
                             environment={"SHOP_TOKEN": TOKEN})
        self.addCleanup(self.daemon.__exit__)
        self.daemon.token = self.daemon.add_user("ann", "long enough")

    def messages(self):
        answer = self.daemon.request("GET", CRM + "/chats/telegram/7/messages?before_seq=0")
        if answer.status != 200:
            return []
        desk_schema.validate("messages_answer", answer.json)
        return answer.data

    def attachment(self, external_id, *states):
        found = [m["attachments"][0] for m in self.messages() if m["external_id"] == external_id
                 and m["attachments"] and m["attachments"][0]["state"] in states]
        return found[0] if found else None

    def test_customers_file(self):
        self.api.files["photos/1"] = b"\xff\xd8\xff\xe0 a photo"
        self.api.write(1, photo=[{"file_id": "photos/1", "width": 90, "height": 60}], caption="look")
        ready = wait_for(lambda: self.attachment("1", "ready"), "the photo")
        self.assertEqual((ready["mimeType"], ready["width"]), ("image/jpeg", 90))
        got = self.daemon.request("GET", "/api/v1" + ready["url"], token=None)
        self.assertEqual((got.status, got.body), (200, self.api.files["photos/1"]))
        cursor = self.daemon.request("GET", CRM + "/changes").data["cursor"].split(":")[0] + ":0-0"
        types = [e["type"] for e in self.daemon.request("GET", CRM + "/changes?cursor=" + cursor)
                 .data["events"]]
        self.assertEqual(types, ["chat_updated", "new_message", "message_updated"])

    def test_refused_file(self):
        """A server that does not know getFile: failed, asked once, and messages go on."""
        self.api.refusals["getFile"] = [500]
        self.api.write(1, document={"file_id": "d", "file_name": "x.pdf"})
        failed = wait_for(lambda: self.attachment("1", "failed"), "the failure")
        self.assertIsNone(failed["url"])
        self.api.write(2, text="after")
        wait_for(lambda: [m for m in self.messages() if m["text"] == "after"], "the next message")
        self.assertEqual(self.api.count("getFile"), 1)

    def test_several_files(self):
        """Each file goes out once, also when a later one has to be tried again."""
        self.api.write(1, text="hello")
        wait_for(self.messages, "the chat")
        self.api.refusals["sendAudio"] = [429]
        body = b"".join(
            b'--b0undary\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n%s\r\n'
            % part for part in ((b"1.pdf", b"%PDF-1"), (b"2.mp3", b"ID3"), (b"3.pdf", b"%PDF-3")))
        answer = self.daemon.request(
            "POST", CRM + "/chats/telegram/7/send-file", body + b"--b0undary--\r\n", kind="send_answer",
            headers={"Content-Type": "multipart/form-data; boundary=" + BOUNDARY})
        sent = wait_for(lambda: [m for m in self.messages() if m["status"] == "sent"], "delivery")[0]
        self.assertEqual(sent["id"], answer.data["message"]["id"])
        methods = [c[0] for c in self.api.calls if c[0].startswith("send")]
        self.assertEqual(methods, ["sendDocument", "sendAudio", "sendAudio", "sendDocument"])
        ids = [a["external_id"] for a in sent["attachments"]]
        self.assertEqual((len(set(ids)), None in ids), (3, False))
        self.assertEqual(sent["external_id"], ids[0])


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
