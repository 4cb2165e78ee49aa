#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""People on Messenger and Instagram and a manager talk to each other through the real programs: what
comes by webhook is shown once however often and in whatever order it comes; a reply goes out once,
also when its answer is lost; its echo doubles nothing; receipts are shown."""

import json
import pathlib
import random
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, Daemon, daemon_program, run_tests, wait_for
from stub_graph import APP_SECRET, PERSON, TOKEN, VERIFY, StubGraph

CONFIG = """[server]
public_url=https://desk.example.org
[connection shop]
platform={platform}
base_url={url}
account_id={account}
app_id=7700
human_agent=true
token_env=SHOP_TOKEN
app_secret_env=SHOP_APP_SECRET
verify_token_env=SHOP_VERIFY
"""
BOTH = ("messenger", "instagram")


class Shop:
    """A backend with one connection, a client, and Meta."""

    def __init__(self, site, platform):
        self.site, self.platform = site, platform
        self.graph = StubGraph(platform)
        self.server = Daemon(site, name=platform, config=CONFIG.format(
            platform=platform, url=self.graph.url, account=self.graph.account), environment={
            "SHOP_TOKEN": TOKEN, "SHOP_APP_SECRET": APP_SECRET, "SHOP_VERIFY": VERIFY})
        self.server.add_user("ivan")
        token = self.server.create_token("ivan")
        self.server.start()
        wait_for("a good connection", lambda: '"health":"ok"' in self.server.log())
        self.client = Client(site, self.server.url, token, name="cache-" + platform)
        self.rest = self.server.rest(token)
        self.chat = platform + "/" + PERSON
        self.hook = self.server.url + "/webhook/%s/shop" % platform

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        if kind is None:
            self.server.stop()
            log = self.server.log()
            for secret in (TOKEN, APP_SECRET, VERIFY):
                assert secret not in log, "a secret in the log"
        self.graph.close()

    def comes(self, *events):
        status = self.graph.deliver(self.hook, self.graph.body(*events))
        assert status == 200, status

    def history(self):
        self.client.sync()
        return self.client.json("history", self.chat, "--limit", "1000")

    def texts(self):
        return [message["text"] for message in self.history()]

    def reply(self, text):
        self.client.ok("send", self.chat, text, "--wait", "20")

    def last(self, what, check):
        def look():
            messages = self.history()
            return messages and check(messages[-1]) and messages[-1]
        return wait_for(what, look)

    def seen(self, sent, at_ms):
        """The customer's receipt, in the platform's own form."""
        if self.platform == "instagram":
            return self.graph.event(read={"mid": sent["mid"]})
        return self.graph.event(read={"watermark": at_ms})


def both(function):
    def run(site):
        for platform in BOTH:
            with Shop(site, platform) as shop:
                function(shop)
    return run


@both
def test_conversation(shop):
    graph = shop.graph
    question = "Chào shop, còn size M không? 👋🏽 Ще є? مرحبا"
    shop.comes(graph.event(message={"mid": "m_in_1", "text": question}))
    assert shop.texts() == [question]
    chat, = shop.client.json("chats")
    assert chat["platform"] == shop.platform and chat["connection"] == "shop" and chat["unread"] == 1, chat

    shop.reply("Còn ạ 🧥 <b>&")
    sent = shop.last("the reply marked as sent", lambda message: message["status"] == "sent")
    assert sent["external_id"] == "m_out_0" and len(graph.sent) == 1, (sent, graph.sent)
    assert graph.sent[0]["message"]["text"] == "Còn ạ 🧥 <b>&", graph.sent
    assert graph.sent[0]["message"]["metadata"] == sent["client_message_id"], (graph.sent, sent)

    # the echo, and the echo once more
    shop.comes(graph.echo(graph.sent[0]))
    shop.comes(graph.echo(graph.sent[0]))
    assert len(shop.history()) == 2

    if shop.platform == "messenger":
        shop.comes(graph.event(delivery={"watermark": int(time.time() * 1000) + 1000}))
        shop.last("the reply marked as delivered", lambda message: message["status"] == "delivered")
    shop.comes(shop.seen(graph.sent[0], int(time.time() * 1000) + 1000))
    shop.last("the reply marked as read", lambda message: message["status"] == "read")

    shop.comes(graph.event(message_edit={"mid": "m_in_1", "text": "size L ạ", "num_edit": 1}),
               graph.event(reaction={"mid": "m_out_0", "action": "react", "reaction": "love", "emoji": "❤️"}))
    first, reply = shop.history()
    assert first["text"] == "size L ạ" and first["edited_at"], first
    assert [r["emoji"] for r in reply["reactions"]] == ["❤️"], reply
    shop.comes(graph.event(message={"mid": "m_in_1", "is_deleted": True}))
    assert shop.history()[0]["deleted_at"]

    # what a colleague wrote in the platform's own inbox
    shop.comes(graph.event(own=True, message={"mid": "m_suite", "text": "Dạ", "is_echo": True,
                                              "app_id": 263902037430900}))
    suite = shop.last("the colleague's reply", lambda message: message["text"] == "Dạ")
    assert suite["direction"] == "outgoing" and suite["sender"] == "manager", suite


@both
def test_pictures(shop):
    """A customer's picture is fetched at once, a story's is only a link."""
    graph = shop.graph
    shop.comes(graph.event(message={"mid": "m_in_1", "attachments": [
        {"type": "image", "payload": {"url": graph.url + "/cdn/1.png?oh=1"}},
        {"type": "image", "payload": {"url": graph.url + "/cdn/2.png?oh=2"}}]}))

    def fetched():
        messages = shop.history()
        states = [file["state"] for file in messages[0]["attachments"]] if messages else []
        return states == ["ready", "ready"] and messages[0]
    message = wait_for("the customer's pictures", fetched)
    assert message["kind"] == "image" and message["attachments"][0]["mimeType"] == "image/png", message
    assert message["attachments"][0]["sha256"] != message["attachments"][1]["sha256"], message
    shop.comes(graph.event(message={"mid": "m_in_2", "text": "Đẹp", "reply_to": {
        "story": {"id": "1", "url": graph.url + "/cdn/story.jpg"}}}))
    story = shop.last("the reply to a story", lambda message: message["text"].startswith("Đẹp"))
    assert story["attachments"] == [] and "/cdn/story.jpg" in story["text"], story


@both
def test_check(shop):
    """What the operator's command finds out about the token."""
    def check(token):
        done = shop.site.run([daemon_program(), "connections", "check", "--config", str(shop.server.config_path),
                              "--data", str(shop.server.data)],
                             environment={**shop.server.environment, "SHOP_TOKEN": token})
        return done.returncode, done.stdout + done.stderr

    code, text = check(TOKEN)
    assert code == 0 and "The token belongs to" in text and shop.graph.account in text, (code, text)
    code, text = check("another-token")
    assert code != 0 and "expired" in text and "another-token" not in text, (code, text)


@both
def test_lost_answer(shop):
    """Accepted, and the answer lost: unknown, until the echo tells; and sent once."""
    graph = shop.graph
    shop.comes(graph.event(message={"mid": "m_in_1", "text": "Alo"}))
    assert shop.texts() == ["Alo"]
    graph.lose_next = True
    shop.client.run("send", shop.chat, "Dạ còn", "--wait", "10")
    shop.last("the reply of unknown fate", lambda message: message["status"] == "unknown")
    assert len(graph.sent) == 1
    shop.comes(graph.echo(graph.sent[0]))
    message = shop.last("the reply known as sent", lambda message: message["status"] == "sent")
    assert message["external_id"] == "m_out_0" and len(shop.history()) == 2, message
    assert len(graph.sent) == 1


@both
def test_window(shop):
    """After the window the reply goes as a person's, once."""
    graph = shop.graph
    shop.comes(graph.event(message={"mid": "m_in_1", "text": "Alo"}))
    assert shop.texts() == ["Alo"]
    graph.refuse_next = (400, 10, 2018278 if shop.platform == "messenger" else 2534022)
    shop.reply("Xin lỗi, trả lời muộn")
    shop.last("the late reply", lambda message: message["status"] == "sent")
    assert [body.get("tag") for body in graph.sent] == ["HUMAN_AGENT"], graph.sent


@both
def test_storm(shop):
    """Each payload five times, from eight connections at once, in any order; some are poison."""
    graph = shop.graph
    bodies = [graph.body(graph.event(person=str(6000 + n % 5), message={"mid": "m_s%d" % n, "text": "số %d" % n}))
              for n in range(40)]
    poison = [b"{", b"[]", b'{"object":"page","entry":7}', b"\xff\xfe", b'{"entry":[{"messaging":[null,3,{}]}]}']
    work = [body for body in bodies + poison for _ in range(5)]
    random.Random(7).shuffle(work)
    statuses, lock = [], threading.Lock()

    def deliver():
        while True:
            with lock:
                if not work:
                    return
                body = work.pop()
            statuses.append(graph.deliver(shop.hook, body))

    threads = [threading.Thread(target=deliver) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200} and len(statuses) == 225, statuses
    texts = sorted(message["text"] for message in shop.rest.everything().values())
    assert texts == sorted("số %d" % n for n in range(40)), texts


@both
def test_strangers(shop):
    """Wrong signatures, no signature, the handshake, and a body of three megabytes."""
    graph = shop.graph
    forged = graph.body(graph.event(message={"mid": "m_f", "text": "forged"}))
    assert graph.deliver(shop.hook, forged, secret="another") == 403
    status, _ = shop.server.rest(None).call("POST", "/webhook/%s/shop" % shop.platform, {"object": "page"})
    assert status == 403, status
    assert shop.rest.everything() == {}

    def handshake(token, challenge="1158201444"):
        url = shop.hook + "?hub.mode=subscribe&hub.verify_token=%s&hub.challenge=%s" % (token, challenge)
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, ""

    assert handshake(VERIFY) == (200, "1158201444")
    assert handshake("wrong")[0] == 403
    assert handshake(VERIFY, "%3Cscript%3E")[0] in (400, 403)

    many = [graph.event(message={"mid": "m_big%d" % n, "text": "%0900d" % n}) for n in range(3000)]
    body = graph.body(*many)
    assert len(body) > 3_000_000, len(body)
    assert graph.deliver(shop.hook, body) == 200
    wait_for("all of a big payload", lambda: shop.rest.get(
        "/api/v1/crm/chats/%s" % shop.chat)["data"]["last_chat_seq"] == 3000)


def test_pages_behind_one_address(site):
    """Meta calls one address for all pages of an app: each event goes to its page's connection, once."""
    graph = StubGraph("messenger")
    second = CONFIG.split("[connection shop]", 1)[1]
    config = (CONFIG + "chat_prefix=a-\n[connection other]" + second + "chat_prefix=b-\n").format(
        platform="messenger", url=graph.url, account=graph.account)
    head, tail = config.split("[connection other]")
    config = head + "[connection other]" + tail.replace("account_id=" + graph.account, "account_id=2090")
    server = Daemon(site, name="pages", config=config, environment={
        "SHOP_TOKEN": TOKEN, "SHOP_APP_SECRET": APP_SECRET, "SHOP_VERIFY": VERIFY})
    server.add_user("ivan")
    server.start()
    rest = server.rest(server.create_token("ivan"))

    def event(page, mid, text):
        return {"id": page, "time": 1795000000000, "messaging": [
            {"sender": {"id": PERSON}, "recipient": {"id": page}, "timestamp": int(time.time() * 1000),
             "message": {"mid": mid, "text": text}}]}

    def texts(chat):
        return [m["text"] for m in rest.call("GET", "/api/v1/crm/chats/messenger/%s/messages?limit=100" % chat)[1]["data"]]

    both = json.dumps({"object": "page", "entry": [event(graph.account, "m_1", "to shop"),
                                                   event("2090", "m_2", "to other"),
                                                   event("3090", "m_3", "to nobody")]}).encode()
    for path in ("/webhook/messenger/shop", "/webhook/messenger/other", "/webhook/messenger"):
        assert graph.deliver(server.url + path, both) == 200, path
        assert texts("a-" + PERSON) == ["to shop"] and texts("b-" + PERSON) == ["to other"], path
    chats = rest.call("GET", "/api/v1/crm/chats?limit=10")[1]["data"]
    assert sorted(c["connection"] for c in chats) == ["other", "shop"], chats
    assert graph.deliver(server.url + "/webhook/messenger/shop", both, secret="wrong") == 403
    assert graph.deliver(server.url + "/webhook/messenger", both, secret="wrong") == 403
    assert graph.deliver(server.url + "/webhook/messenger/third", both) == 404
    server.stop()
    graph.close()


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
