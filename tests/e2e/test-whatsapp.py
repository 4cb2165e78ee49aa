#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A customer on WhatsApp and a manager at the desktop, through the real programs and a Graph API on
loopback: webhooks signed as Meta signs them, sends that are carried out and whose answer is lost,
statuses that come late, twice and out of order.
"""

import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, Daemon, run_tests, wait_for

NUMBER = "106540352242922"
TOKEN = "EAAG-token-of-the-system-user"
SECRET = "app-secret-1"
VERIFY = "verify-word-1"
PHONE = "84901234567"
CONFIG = """[server]
[connection shop-wa]
platform=whatsapp
base_url={url}
account_id=%s
token_env=SHOP_WA_TOKEN
app_secret_env=SHOP_WA_SECRET
verify_token_env=SHOP_WA_VERIFY
""" % NUMBER
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"picture" * 50


class Graph:
    """The Graph API: remembers what it was asked to send; may lose the answer."""

    def __init__(self):
        graph = self
        self.sent, self.lose_next, self.read = [], False, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body, kind="application/json"):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def allowed(self):
                if self.headers.get("Authorization") == "Bearer " + TOKEN and TOKEN not in self.path:
                    return True
                self.answer(401, {"error": {"code": 190, "message": "Invalid OAuth access token"}})
                return False

            def do_GET(self):
                if not self.allowed():
                    return
                if self.path.startswith("/v23.0/%s?" % NUMBER):
                    self.answer(200, {"id": NUMBER, "display_phone_number": "+1 555", "verified_name": "Shop"})
                elif self.path == "/file":
                    self.answer(200, JPEG, "image/jpeg")
                else:
                    self.answer(200, {"url": graph.url + "/file", "sha256": hashlib.sha256(JPEG).hexdigest(),
                                      "file_size": len(JPEG), "mime_type": "image/jpeg"})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not self.allowed():
                    return
                assert self.path == "/v23.0/%s/messages" % NUMBER, self.path
                message = json.loads(body)
                if message.get("status") == "read":
                    graph.read.append(message)
                    self.answer(200, {"success": True})
                    return
                graph.sent.append(message)
                if graph.lose_next:
                    graph.lose_next = False
                    self.close_connection = True
                    return
                self.answer(200, {"messages": [{"id": "wamid.sent-%d" % len(graph.sent)}]})

            def log_message(self, *unused):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def call(url, body=None, secret=SECRET):
    headers = {"Content-Type": "application/json"}
    if body is not None:
        headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(url, data=body, headers=headers, method="GET" if body is None else "POST")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class Shop:
    def __init__(self, site):
        self.graph = Graph()
        self.server = Daemon(site, config=CONFIG.format(url=self.graph.url),
                             environment={"SHOP_WA_TOKEN": TOKEN, "SHOP_WA_SECRET": SECRET, "SHOP_WA_VERIFY": VERIFY})
        self.server.add_user("ivan")
        token = self.server.create_token("ivan")
        self.server.start()
        self.url = self.server.url + "/webhook/whatsapp/shop-wa"
        self.client = Client(site, self.server.url, token)

    def hook(self, padding="", secret=SECRET, **value):
        value.update(messaging_product="whatsapp", metadata={"phone_number_id": NUMBER, "pad": padding})
        # non-ASCII as \uXXXX, the way Meta serializes before it signs
        body = json.dumps({"object": "whatsapp_business_account", "entry": [
            {"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
        return call(self.url, body, secret)[0]

    def says(self, wamid, padding="", secret=SECRET, **message):
        message.update({"from": PHONE, "id": wamid, "timestamp": str(int(time.time()))})
        return self.hook(padding, secret, contacts=[{"profile": {"name": "Ánh"}, "wa_id": PHONE}], messages=[message])

    def status(self, wamid, word, **more):
        return self.hook(statuses=[dict({"id": wamid, "status": word, "timestamp": str(int(time.time())),
                                         "recipient_id": PHONE}, **more)])

    def history(self):
        self.client.sync()
        return self.client.json("history", "whatsapp/" + PHONE)

    def last_with(self, status):
        message = self.history()[-1]
        return message["status"] == status and message

    def close(self):
        self.server.stop()
        self.graph.close()


def text(body):
    return {"type": "text", "text": {"body": body}}


def with_shop(test):
    def run(site):
        shop = Shop(site)
        try:
            test(shop)
        finally:
            shop.close()
        assert TOKEN not in shop.server.log() and SECRET not in shop.server.log(), "a secret in the log"
    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@with_shop
def test_conversation(shop):
    for _ in range(3):  # Meta repeats what it likes
        assert shop.says("wamid.1", **text("Xin chào 👋, còn áo không?")) == 200
    assert shop.says("wamid.2", type="image", image={"id": "77", "mime_type": "image/jpeg", "caption": "Як це 🧥"}) == 200
    wait_for("the picture", lambda: [a for a in shop.history()[-1]["attachments"] if a["state"] == "ready"])
    first, second = shop.history()
    assert first["text"] == "Xin chào 👋, còn áo không?" and second["text"] == "Як це 🧥", (first, second)
    chat, = [c for c in shop.client.json("chats") if c["user_id"] == PHONE]
    assert chat["user_name"] == "Ánh" and chat["unread"] == 2, chat

    shop.client.ok("send", "whatsapp/" + PHONE, "Còn, 2 cái. <b>&</b>", "--wait", "20")
    message = wait_for("the reply as sent", lambda: shop.last_with("sent"))
    assert message["external_id"] == "wamid.sent-1", message
    # out of order, twice, a rung that came late
    for word in ("read", "delivered", "read", "sent"):
        assert shop.status("wamid.sent-1", word) == 200
    wait_for("the reply as read", lambda: shop.last_with("read"))
    assert len(shop.graph.sent) == 1 and shop.graph.sent[0]["text"]["body"] == "Còn, 2 cái. <b>&</b>", shop.graph.sent
    assert shop.graph.sent[0]["biz_opaque_callback_data"] == message["client_message_id"], shop.graph.sent


@with_shop
def test_read_is_told(shop):
    for n in (1, 2):
        assert shop.says("wamid.%d" % n, **text("hi")) == 200
    shop.client.sync()
    shop.client.ok("send", "whatsapp/" + PHONE, "yes?", "--wait", "20")
    wait_for("the reply as sent", lambda: shop.last_with("sent"))
    assert not shop.graph.read, shop.graph.read
    shop.client.ok("read", "whatsapp/" + PHONE)
    shop.client.sync()
    wait_for("WhatsApp to be told", lambda: shop.graph.read)
    # the newest of the customer's messages, not our own reply after it
    assert shop.graph.read == [{"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.2"}], shop.graph.read
    shop.client.ok("read", "whatsapp/" + PHONE)
    shop.client.sync()
    assert shop.says("wamid.3", **text("hi")) == 200
    shop.client.sync()
    shop.client.ok("read", "whatsapp/" + PHONE)
    shop.client.sync()
    wait_for("WhatsApp to be told again", lambda: len(shop.graph.read) > 1)
    assert shop.graph.read[1]["message_id"] == "wamid.3" and len(shop.graph.read) == 2, shop.graph.read


@with_shop
def test_lost_answer_is_reconciled(shop):
    assert shop.says("wamid.1", **text("hi")) == 200
    shop.client.sync()
    shop.graph.lose_next = True
    shop.client.ok("send", "whatsapp/" + PHONE, "once", "--wait", "20")
    message = wait_for("the reply as unknown", lambda: shop.last_with("unknown"))
    assert not message.get("external_id"), message
    # the status bears our own id, and tells what WhatsApp calls the message
    assert shop.status("wamid.lost", "delivered", biz_opaque_callback_data=message["client_message_id"]) == 200
    message = wait_for("the reply as delivered", lambda: shop.last_with("delivered"))
    assert message["external_id"] == "wamid.lost", message
    assert [m["text"]["body"] for m in shop.graph.sent] == ["once"], shop.graph.sent


@with_shop
def test_failed_by_status(shop):
    assert shop.says("wamid.1", **text("hi")) == 200
    shop.client.sync()
    shop.client.ok("send", "whatsapp/" + PHONE, "too late", "--wait", "20")
    wait_for("the reply as sent", lambda: shop.last_with("sent"))
    assert shop.status("wamid.sent-1", "failed", errors=[{"code": 131047, "title": "Re-engagement message"}]) == 200
    message = wait_for("the reply as failed", lambda: shop.last_with("failed"))
    assert message["error"]["code"] == "WINDOW_CLOSED" and "24 hours" in message["error"]["message"], message


@with_shop
def test_webhook_guards(shop):
    status, body = call(shop.url + "?hub.mode=subscribe&hub.verify_token=%s&hub.challenge=115820" % VERIFY)
    assert (status, body) == (200, b"115820"), (status, body)
    assert call(shop.url + "?hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1")[0] == 403
    assert shop.says("wamid.f", secret="wrong", **text("forged")) == 403
    # authentic and without sense: confirmed, and what comes behind is not held up
    for body in (b"", b"{", b"[]", b'{"entry":[{"changes":[{"field":"messages","value":{"messages":[7,{}]}}]}]}',
                 b'{"entry":' * 200):
        assert call(shop.url, body)[0] == 200, body
    assert shop.says("wamid.big", padding="x" * 2900000, **text("3 MB")) == 200
    assert shop.says("wamid.h", type="hologram", hologram={"depth": 3}) == 200
    wait_for("the placeholder", lambda: [m["kind"] for m in shop.history()] == ["text", "unsupported"])


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
