# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of Telegram's Bot API as the backend's operations need, with faults on demand."""

import http.server
import json
import threading
import urllib.parse

TOKEN = "123456:test-token"


class BotApi:
    """refusals: method → list of (status, description) that are answered first; always: method →
    (status, description) for as long as it stands there. sent: texts of sendMessage that were
    taken, in order."""

    def __init__(self):
        self.updates, self.sent, self.calls = [], [], []
        self.refusals, self.always, self.silent = {}, {}, set()
        self.webhook, self.raw_updates = {"url": "", "pending_update_count": 0}, None
        self.ids, self.lock = 100, threading.Lock()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                self.answer(url.path, dict(urllib.parse.parse_qsl(url.query)))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(self.path, json.loads(body or b"{}"))

            def answer(self, path, arguments):
                result = api.call(path, arguments)
                if result is None:  # taken, and the answer lost
                    self.close_connection = True
                    return
                status, body = result
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def refuse(self, status, description):
        return status, {"ok": False, "error_code": status, "description": description,
                        "parameters": {"retry_after": 0}}

    def call(self, path, arguments):
        method = path.split("/")[-1]
        with self.lock:
            self.calls.append(method)
            if path != "/bot%s/%s" % (TOKEN, method):
                return self.refuse(401, "Unauthorized")
            if self.refusals.get(method):
                return self.refuse(*self.refusals[method].pop(0))
            if method in self.always:
                return self.refuse(*self.always[method])
            if method == "getUpdates":
                return self.get_updates(int(arguments.get("offset", 0)))
            return self.other(method, arguments)

    def get_updates(self, offset):
        if self.raw_updates is not None:
            number, body = self.raw_updates
            if offset <= number:
                return 200, body
            self.raw_updates = None
        self.updates = [u for u in self.updates if u["update_id"] >= offset]
        return 200, {"ok": True, "result": self.updates}

    def other(self, method, arguments):
        if method == "getWebhookInfo":
            return 200, {"ok": True, "result": self.webhook}
        if method == "getChat":
            return self.refuse(400, "Bad Request: chat not found")
        self.ids += 1
        if method == "sendMessage":
            self.sent.append(arguments["text"])
            if method in self.silent:
                return None
        return 200, {"ok": True, "result": {"message_id": self.ids, "id": 1, "is_bot": True,
                                            "first_name": "Shop", "username": "shop_bot",
                                            "can_join_groups": True}}

    def write(self, number, text, chat=7):
        message = {"message_id": number, "date": 1790000000, "text": text,
                   "from": {"id": chat, "first_name": "Ann"},
                   "chat": {"id": chat, "type": "private", "first_name": "Ann"}}
        with self.lock:
            self.updates.append({"update_id": number, "message": message})
