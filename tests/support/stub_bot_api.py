# SPDX-License-Identifier: GPL-3.0-or-later
"""The little of the Bot API that a polled connection needs, for tests in which telegram-test-api
is not the point. Unlike that one it honours the offset of getUpdates."""

import http.server
import json
import threading
import time
import urllib.parse


class StubBotApi:
    token = "7:STUB"

    def __init__(self):
        self.updates, self.sent = [], []
        self.changed = threading.Condition()
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                method = self.path.rsplit("/", 1)[1].split("?")[0]
                try:
                    # Parameters come in the address or in the body.
                    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                    asked.update(json.loads(body or b"{}"))
                    result = stub.answer(method, asked)
                    status, value = 200, {"ok": True, "result": result}
                except KeyError:
                    status, value = 404, {"ok": False, "error_code": 404, "description": "Not Found"}
                text = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass  # a daemon that ends cuts its poll

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def config(self, prefix=""):
        return "[connection bot]\nplatform=telegram\nbase_url=%s\ntoken_env=BOT_TOKEN\n%s" % (
            self.url, "chat_prefix=%s\n" % prefix if prefix else "")

    def person_says(self, chat_id, name, text):
        with self.changed:
            number = len(self.updates) + 1
            self.updates.append({"update_id": number, "message": {
                "message_id": 1000 + number, "date": int(time.time()), "text": text,
                "from": {"id": abs(chat_id), "is_bot": False, "first_name": name},
                "chat": {"id": chat_id, "type": "private", "first_name": name}}})
            self.changed.notify_all()

    def answer(self, method, body):
        if method == "getMe":
            return {"id": 7, "is_bot": True, "first_name": "Stub", "username": "stub_bot"}
        if method == "getUpdates":
            offset = int(body.get("offset", 0) or 0)
            with self.changed:
                self.changed.wait_for(lambda: any(u["update_id"] >= offset for u in self.updates),
                                      min(2, float(body.get("timeout", 0) or 0)))
                return [u for u in self.updates if u["update_id"] >= offset][:100]
        if method == "sendMessage":
            self.sent.append((str(body["chat_id"]), body["text"]))
            return {"message_id": 5000 + len(self.sent), "date": int(time.time()), "text": body["text"],
                    "chat": {"id": int(body["chat_id"]), "type": "private"}}
        if method in ("deleteWebhook", "setWebhook", "sendChatAction", "answerCallbackQuery"):
            return True
        if method == "getWebhookInfo":
            return {"url": "", "pending_update_count": 0}
        raise KeyError(method)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
