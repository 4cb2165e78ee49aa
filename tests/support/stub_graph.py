# SPDX-License-Identifier: GPL-3.0-or-later
"""The little of Meta's Send API that Messenger and Instagram need, and the webhook calls that Meta
would make: signed over the raw bytes, non-ASCII escaped, as Meta writes them."""

import hashlib
import hmac
import http.server
import json
import threading
import time
import urllib.error
import urllib.request

TOKEN = "EAAJstubToken7ZAZC"
APP_SECRET = "5f3e21stubsecret"
VERIFY = "verify-word-17"
PERSON = "5001"
ACCOUNTS = {"messenger": "1080", "instagram": "17840001"}
OBJECTS = {"messenger": "page", "instagram": "instagram"}


class StubGraph:
    """lose_next: accept a message, and break off without an answer. refuse_next: answer with
    (status, code, subcode)."""

    def __init__(self, platform):
        self.platform, self.account = platform, ACCOUNTS[platform]
        self.sent, self.actions = [], []
        self.lose_next = False
        self.refuse_next = None
        self.lock = threading.Lock()
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, value, kind="application/json"):
                text = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                path = self.path.split("?")[0]
                if path.startswith("/cdn/"):
                    assert "Authorization" not in self.headers
                    self.answer(200, b"\x89PNG\r\n\x1a\n" + path.encode(), "image/png")
                elif self.headers.get("Authorization") != "Bearer " + TOKEN:
                    self.answer(401, {"error": {"message": "bad token", "code": 190, "error_subcode": 463}})
                elif path.endswith("/me"):
                    self.answer(200, {"id": stub.account, "user_id": stub.account, "name": "Shop",
                                      "username": "shop"})
                elif path.endswith("/me/subscribed_apps"):
                    self.answer(200, {"data": []})
                elif path.endswith("/" + PERSON):
                    self.answer(200, {"name": "Lan Nguyễn", "username": "lan.ng", "id": PERSON})
                else:
                    self.answer(400, {"error": {"message": "unknown", "code": 100, "error_subcode": 33}})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                if self.headers.get("Authorization") != "Bearer " + TOKEN:
                    self.answer(401, {"error": {"message": "bad token", "code": 190}})
                elif self.path.endswith("/me/subscribed_apps"):
                    self.answer(200, {"success": True})
                elif "sender_action" in body:
                    stub.actions.append(body)
                    self.answer(200, {"recipient_id": PERSON})
                elif stub.refuse_next:
                    (status, code, subcode), stub.refuse_next = stub.refuse_next, None
                    self.answer(status, {"error": {"message": "refused", "code": code, "error_subcode": subcode}})
                else:
                    with stub.lock:
                        mid = "m_out_%d" % len(stub.sent)
                        stub.sent.append({"mid": mid, **body})
                    if stub.lose_next:
                        stub.lose_next = False
                        self.close_connection = True
                        self.connection.shutdown(2)
                        return
                    self.answer(200, {"recipient_id": PERSON, "message_id": mid})

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass  # a connection that was cut on purpose

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # ── what Meta sends ──
    def event(self, own=False, person=PERSON, at_ms=None, **members):
        sender, recipient = (self.account, person) if own else (person, self.account)
        return {"sender": {"id": sender}, "recipient": {"id": recipient},
                "timestamp": at_ms or int(time.time() * 1000), **members}

    def body(self, *events):
        return json.dumps({"object": OBJECTS[self.platform], "entry": [
            {"id": self.account, "time": int(time.time() * 1000), "messaging": list(events)}]}).encode()

    def echo(self, sent, app_id=7700):
        """The echo of what this stub took."""
        return self.event(own=True, message={**sent["message"], "mid": sent["mid"], "is_echo": True,
                                             "app_id": app_id})

    def deliver(self, url, body, secret=APP_SECRET):
        """Calls the webhook; the HTTP status."""
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        request = urllib.request.Request(url, data=body, method="POST", headers={
            "Content-Type": "application/json", "X-Hub-Signature-256": "sha256=" + digest})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code
