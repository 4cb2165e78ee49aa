#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person on Telegram and a manager at the desktop talk to each other, through the Bot API
emulator telegram-test-api: once by long polling, once by webhook.

The emulator does not send the secret header which Telegram sends, so that a proxy adds it, the
way the proxy of an installation passes it on.
"""

import http.server
import pathlib
import sys
import threading
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, Daemon, Emulator, Rest, free_port, run_tests, wait_for

SECRET = "webhook-secret_1"
CONFIG = """[server]
{public}
[connection shop-bot]
platform=telegram
base_url={url}
token_env=SHOP_BOT_TOKEN
mode={mode}
{secret}
"""


class Proxy:
    """Passes a webhook's calls on to a server, adding the secret."""

    def __init__(self, port):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = pass_on("http://127.0.0.1:%d%s" % (port, self.path), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                proxy.statuses.append(status)

            def log_message(self, *unused):
                pass

        proxy = self
        self.statuses = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def pass_on(url, body):
    request = urllib.request.Request(url, data=body, method="POST", headers={
        "Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def start(site, emulator, mode, public=""):
    secret = "webhook_secret_env=SHOP_BOT_SECRET" if mode == "webhook" else ""
    server = Daemon(site, config=CONFIG.format(public=public, url=emulator.url, mode=mode, secret=secret),
                    environment={"SHOP_BOT_TOKEN": emulator.token, "SHOP_BOT_SECRET": SECRET})
    server.add_user("ivan")
    return server, server.create_token("ivan")


def converse(site, emulator, server, token):
    """Both sides speak, and both see it: the client by synchronizing once, and live."""
    client = Client(site, server.url, token)
    emulator.person_says(101, "Olena", "Is the red one in stock? 🧥")

    def seen():
        client.sync()
        return [c for c in client.json("chats") if c["user_id"] == "101" and c["last_message"].startswith("Is the red")]

    chat, = wait_for("the person's message in the chat list", seen)
    assert chat["platform"] == "telegram" and chat["user_name"] == "Olena" and chat["unread"] == 1, chat
    assert chat["connection"] == "shop-bot" and chat["messenger_name"] == "@olena", chat
    assert client.texts("telegram/101") == ["Is the red one in stock? 🧥"]
    client.ok("send", "telegram/101", "Yes, two left. <b>& more</b>", "--wait", "20")
    answers = wait_for("the answer at the person", lambda: emulator.person_sees(101))
    assert answers == ["Yes, two left. <b>& more</b>"], answers

    def sent():
        client.sync()
        message = client.json("history", "telegram/101")[-1]
        return message["status"] == "sent" and message

    message = wait_for("the answer marked as sent", sent)
    assert message["external_id"], message

    # a note stays inside
    client.ok("send", "telegram/101", "check warehouse 2", "--note", "--wait", "20")
    client.ok("send", "telegram/101", "Shall I keep one?", "--wait", "20")
    answers = wait_for("the second answer", lambda: emulator.person_sees(101))
    assert answers == ["Shall I keep one?"], answers

    # live: an event, without asking
    follower = client.start("--json", "sync", "--follow", stdout=open(site.path / "follow.out", "wb"))
    wait_for("the engine", lambda: client.json("status")[0]["engine_running"])
    emulator.person_says(101, "Olena", "Please do")
    emulator.person_says(102, "Minh", "Xin chào")
    for text in ("Please do", "Xin chào"):
        wait_for("the event " + text, lambda: text in (site.path / "follow.out").read_text(encoding="utf-8"))
    # the send goes through the running engine
    client.ok("send", "telegram/102", "Chào anh", "--wait", "20")
    answers = wait_for("the answer to the second person", lambda: emulator.person_sees(102))
    assert answers == ["Chào anh"], answers
    follower.terminate()
    assert follower.wait(10) == 0
    client.sync()
    assert client.texts("telegram/101") == ["Is the red one in stock? 🧥", "Yes, two left. <b>& more</b>",
                                            "check warehouse 2", "Shall I keep one?", "Please do"]
    assert emulator.person_sees(101) == [] and emulator.person_sees(102) == []
    server.stop()
    assert emulator.token not in server.log() and "Please do" not in server.log(), "a secret in the log"


def test_long_polling(site):
    emulator = Emulator(site)
    server, token = start(site, emulator, "poll")
    server.start()
    converse(site, emulator, server, token)


def test_webhook(site):
    emulator = Emulator(site)
    port = free_port()
    proxy = Proxy(port)
    try:
        server, token = start(site, emulator, "webhook", "public_url=" + proxy.url)
        server.port = port
        server.start()
        wait_for("the registration of the webhook", lambda: '"health":"ok"' in server.log())
        converse(site, emulator, server, token)
        assert proxy.statuses and set(proxy.statuses) == {200}, proxy.statuses
    finally:
        proxy.close()


def test_webhook_without_the_secret_is_refused(site):
    emulator = Emulator(site)
    port = free_port()
    server, token = start(site, emulator, "webhook", "public_url=http://127.0.0.1:%d" % port)
    server.port = port
    server.start()
    update = {"update_id": 1, "message": {"message_id": 1, "date": 1, "text": "forged",
                                          "chat": {"id": 5, "type": "private"}, "from": {"id": 5}}}
    status, body = Rest(server.url, None).call("POST", "/webhook/telegram/shop-bot", update)
    assert status == 403, (status, body)
    status, body = Rest(server.url, None).call("POST", "/webhook/telegram/nobody", update)
    assert status == 404, (status, body)
    assert server.rest(token).everything() == {}


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
