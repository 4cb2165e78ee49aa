#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client does its whole job against a plain backend, with that one's hazards."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, run_tests, wait_for
from level0_server import Level0Server

CHAT = "telegram/42"
ODD = ["telegram/a b", "telegram/50%25", "telegram/what?", "telegram/#1", "telegram/+380 44", "telegram/ü~'\"\\"]


def with_server(enveloped):
    def decorate(function):
        def run(site):
            server = Level0Server(enveloped)
            try:
                function(site, server)
            finally:
                server.close()
        return run
    return decorate


def fill(server):
    for number in range(1, 71):
        server.person_says("telegram", "42", "Olena", "line %d" % number)
    server.person_says("whatsapp", "84900", "Minh", "xin chào 👋")


def same_as_server(client, server, chat):
    platform, user = chat.split("/", 1)
    theirs = [(m["id"], m["text"], m["direction"]) for m in server.chats[platform, user]]
    ours = [(m["id"], m["text"], m["direction"]) for m in client.json("history", chat, "--limit", "1000")]
    return ours == theirs


def whole_job(site, server):
    client = Client(site, server.url, server.token)
    fill(server)
    client.sync()
    assert [(c["user_id"], c["user_name"]) for c in client.json("chats")] == [("84900", "Minh"), ("42", "Olena")]
    assert same_as_server(client, server, CHAT) and same_as_server(client, server, "whatsapp/84900")
    status, = client.json("status")
    assert status["level"] == 0, status
    client.ok("send", CHAT, "an answer", "--wait", "30")
    assert server.platform == [(CHAT, "an answer")]
    client.sync()
    assert same_as_server(client, server, CHAT)
    assert client.json("outbox") == []

    # live: hints without ids become the messages that REST tells of, none twice
    with open(site.path / "follow.out", "wb") as out:
        follower = client.start("--json", "sync", "--follow", stdout=out)
    wait_for("the websocket", lambda: server.sockets)
    for number in range(5):
        server.person_says("telegram", "42", "Olena", "the same words")
    server.person_says("instagram", "new", "Ana", "a new chat")
    server.add("telegram", "42", "outgoing", "bot", "I'll call a manager")
    wait_for("the live messages", lambda: same_as_server(client, server, CHAT))
    wait_for("the new chat", lambda: "instagram/new" in client.ok("chats") and same_as_server(client, server, "instagram/new"))
    client.ok("send", "instagram/new", "hello Ana", "--wait", "30")
    wait_for("the answer in place", lambda: same_as_server(client, server, "instagram/new"))
    assert server.platform == [(CHAT, "an answer"), ("instagram/new", "hello Ana")]
    client.ok("read", CHAT)
    wait_for("the read marker", lambda: CHAT in server.marked)
    follower.terminate()
    assert follower.wait(10) == 0
    lines = (site.path / "follow.out").read_text(encoding="utf-8")
    assert lines.count("the same words") == 5, lines

    # a note would reach the customer: refused, not sent
    assert client.code("send", CHAT, "secret", "--note", "--wait", "5") == 1
    assert all(text != "secret" for _, text in server.platform)
    entry, = client.json("outbox")
    client.ok("outbox", "discard", entry["local_id"])


@with_server(enveloped=False)
def test_bare_answers(site, server):
    whole_job(site, server)


@with_server(enveloped=True)
def test_enveloped_answers(site, server):
    whole_job(site, server)


@with_server(enveloped=False)
def test_odd_user_ids(site, server):
    for chat in ODD:
        server.person_says(*chat.split("/", 1), "Name of " + chat, "from " + chat)
    client = Client(site, server.url, server.token)
    client.sync()
    assert sorted(c["platform"] + "/" + c["user_id"] for c in client.json("chats")) == sorted(ODD)
    for chat in ODD:
        assert client.texts(chat) == ["from " + chat]
        client.ok("send", chat, "to " + chat, "--wait", "30")
    assert server.platform == [(chat, "to " + chat) for chat in ODD]


def ambiguous(site, server, fault):
    """The platform got it, and the answer is lost: found in the history, and not sent again."""
    client = Client(site, server.url, server.token)
    fill(server)
    client.sync()
    server.fault = fault
    client.ok("send", CHAT, "only once, please", "--wait", "40")
    assert server.platform == [(CHAT, "only once, please")], server.platform
    client.sync()
    assert client.json("outbox") == [] and client.texts(CHAT).count("only once, please") == 1
    assert server.platform == [(CHAT, "only once, please")], server.platform


@with_server(enveloped=False)
def test_connection_cut_after_the_send(site, server):
    ambiguous(site, server, "drop")


@with_server(enveloped=True)
def test_error_500_after_the_send(site, server):
    ambiguous(site, server, "500")


@with_server(enveloped=True)
def test_error_500_and_nothing_in_the_history(site, server):
    client = Client(site, server.url, server.token)
    fill(server)
    client.sync()
    server.fault = "refuse"
    assert client.code("send", CHAT, "was it sent?", "--wait", "40") == 1
    entry, = client.json("outbox")
    assert entry["state"] == "unconfirmed" and entry["text"] == "was it sent?", entry
    client.run("sync", "--once")
    assert server.platform == [], "sent again unasked"
    # the manager decides
    client.ok("outbox", "retry", entry["local_id"])
    client.sync()
    assert server.platform == [(CHAT, "was it sent?")] and client.json("outbox") == []
    server.fault = "refuse"
    client.code("send", CHAT, "never mind", "--wait", "40")
    entry, = client.json("outbox")
    client.ok("outbox", "discard", entry["local_id"])
    client.sync()
    assert server.platform == [(CHAT, "was it sent?")] and client.json("outbox") == []


@with_server(enveloped=False)
def test_killed_while_sending(site, server):
    """At this level a kill in the middle of a send is an ambiguous send: found in the history, or
    left to the manager; never sent again unasked."""
    client = Client(site, server.url, server.token)
    fill(server)
    client.sync()
    for number in range(6):
        text, seen = "killed %d" % number, len(server.platform)
        process = client.start("send", CHAT, text, "--wait", "30")
        wait_for("the send", lambda: len(server.platform) > seen)
        process.kill()
        process.wait()
        client.run("sync", "--once")
        for entry in client.json("outbox"):
            assert entry["state"] == "unconfirmed" and entry["text"] == text, entry
            client.ok("outbox", "discard", entry["local_id"])
        assert [t for _, t in server.platform].count(text) == 1, server.platform
    wait_for("the same history", lambda: (client.sync(), same_as_server(client, server, CHAT))[1])


@with_server(enveloped=False)
def test_trimmed_history_is_kept_here(site, server):
    client = Client(site, server.url, server.token)
    fill(server)
    client.sync()
    first = client.texts(CHAT)
    for number in range(71, 131):
        server.person_says("telegram", "42", "Olena", "line %d" % number)
    client.sync()
    assert client.texts(CHAT) == ["line %d" % number for number in range(1, 131)], client.texts(CHAT)
    assert first == ["line %d" % number for number in range(1, 71)]


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
