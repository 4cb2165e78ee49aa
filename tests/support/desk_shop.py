# SPDX-License-Identifier: GPL-3.0-or-later
"""A shop on WhatsApp: a Graph API on loopback with approved templates, a frontdeskd with two managers, and customers who
write whenever a test wants them to, also in the past. For tests of what managers do."""

import base64
import hashlib
import hmac
import http.server
import itertools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

from desk_run import Client, Daemon, read_line

NUMBER, WABA = "106540352242922", "900100"
TOKEN, SECRET, VERIFY = "EAAG-token-of-the-system-user", "app-secret-1", "verify-word-1"
CONFIG = """[connection shop-wa]
platform=whatsapp
base_url={url}
account_id=%s
waba_id=%s
token_env=SHOP_WA_TOKEN
app_secret_env=SHOP_WA_SECRET
verify_token_env=SHOP_WA_VERIFY
""" % (NUMBER, WABA)
TEMPLATES = [
    {"name": "order_ready", "language": "en", "status": "APPROVED", "category": "UTILITY",
     "components": [{"type": "BODY", "text": "Hello {{1}}, your {{2}} is ready."}]},
    {"name": "thanks", "language": "en", "status": "APPROVED", "category": "MARKETING",
     "components": [{"type": "BODY", "text": "Thank you for your order!"}]},
]


def serve():
    """The Graph API: GET /sent gives back what it was asked to send."""
    sent = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, body):
            body = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            if self.path == "/sent":
                self.answer(sent)
            elif "/message_templates" in self.path:
                self.answer({"data": TEMPLATES})
            elif "/subscribed_apps" in self.path:
                self.answer({"data": [{"whatsapp_business_api_data": {"id": "1", "name": "shop"}}]})
            else:
                self.answer({"id": NUMBER, "display_phone_number": "+1 555", "verified_name": "Shop"})

        def do_POST(self):
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if message.get("status") == "read":
                self.answer({"success": True})
                return
            sent.append(message)
            self.answer({"messages": [{"id": "wamid.sent-%d" % len(sent)}]})

        def log_message(self, *unused):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print("http://127.0.0.1:%d" % server.server_port, flush=True)
    server.serve_forever()


class Graph:
    """In a process of its own: a thread beside libatspi may collect its objects, and stop it for ever."""

    def __init__(self, site):
        self.process = site.start([sys.executable, __file__], stdout=subprocess.PIPE)
        self.url = read_line(self.process.stdout, 20)
        assert self.url, "the Graph API did not start"

    @property
    def sent(self):
        with urllib.request.urlopen(self.url + "/sent", timeout=20) as answer:
            return json.loads(answer.read())

    def texts(self):
        return [message["text"]["body"] for message in self.sent if "text" in message]


class Socket:
    """A websocket of a colleague, as far as a test needs one: text frames out, what comes is thrown away."""

    def __init__(self, server, token):
        self.stream = socket.create_connection(("127.0.0.1", server.port), 20)
        self.stream.sendall(("GET /api/v1/crm/ws?v=2 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nAuthorization: Bearer %s\r\n\r\n"
                             % (base64.b64encode(os.urandom(16)).decode(), token)).encode())
        answer = self.stream.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101"), answer

    def say(self, kind, phone):
        """That she is "viewing" or "typing"."""
        frame = {"type": kind, "data": {"platform": "whatsapp", "user_id": phone}}
        body, mask = json.dumps(frame).encode(), os.urandom(4)
        assert len(body) < 126
        self.stream.sendall(bytes([0x81, 0x80 | len(body)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body)))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stream.close()


class Shop:
    """ivan sits at the window, maria is the colleague: a REST client and frontdeskctl."""

    def __init__(self, site):
        self.site, self.graph = site, Graph(site)
        self.server = Daemon(site, config=CONFIG.format(url=self.graph.url),
                             environment={"SHOP_WA_TOKEN": TOKEN, "SHOP_WA_SECRET": SECRET, "SHOP_WA_VERIFY": VERIFY})
        self.tokens = {}
        for name in ("ivan", "maria"):
            self.server.add_user(name)
            self.tokens[name] = self.server.create_token(name)
        self.server.start()
        self.numbers = itertools.count(1)
        self.maria = self.server.rest(self.tokens["maria"])
        self.ivan = self.server.rest(self.tokens["ivan"])

    def says(self, phone, name, text, ago_s=0):
        """A customer writes; ago_s: so many seconds before now."""
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": NUMBER},
                 "contacts": [{"profile": {"name": name}, "wa_id": phone}],
                 "messages": [{"from": phone, "id": "wamid.%d" % next(self.numbers), "type": "text", "text": {"body": text},
                               "timestamp": str(int(time.time() - ago_s))}]}
        body = json.dumps({"object": "whatsapp_business_account",
                           "entry": [{"id": WABA, "changes": [{"field": "messages", "value": value}]}]}).encode()
        request = urllib.request.Request(self.server.url + "/webhook/whatsapp/shop-wa", data=body, method="POST", headers={
            "Content-Type": "application/json",
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200

    def chat(self, phone):
        """The chat as maria gets it from the backend."""
        return self.maria.get("/api/v1/crm/chats/whatsapp/" + phone)["data"]

    def profile(self, phone):
        return self.maria.get("/api/v1/crm/chats/whatsapp/%s/profile" % phone)["data"]

    def patch(self, phone, **what):
        status, body = self.maria.call("PATCH", "/api/v1/crm/chats/whatsapp/" + phone, what)
        assert status == 200, (status, body)

    def texts(self, phone):
        return [message["text"] for (chat, _), message in sorted(self.maria.everything().items())
                if chat == "whatsapp/" + phone]

    def wakes_soon(self, phone):
        """Snoozes the chat for two seconds."""
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
        self.patch(phone, state="snoozed", snoozed_until=until)

    def colleague(self):
        """maria's websocket: say() sends a frame; until the end of the block."""
        return Socket(self.server, self.tokens["maria"])

    def terminal(self, name):
        return Client(self.site, self.server.url, self.tokens[name], "cache of " + name)

    def close(self):
        if self.server.process.poll() is None:
            self.server.stop()


if __name__ == "__main__":
    serve()
