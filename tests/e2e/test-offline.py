#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend is away: everything cached can be read, searched and answered, and goes out once."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, Daemon, run_tests

CHAT = "demo/aiko.tanaka"


def demo_server(site):
    return Daemon(site, demo=True, environment={"FRONTDESK_DEMO_PACE_S": "0"}).start()


def test_read_search_and_queue_without_a_backend(site):
    server = demo_server(site)
    client = Client(site, server.url, server.demo_token())
    client.sync()
    chats, history = client.json("chats"), client.json("history", CHAT)
    assert len(chats) == 14 and history, (chats, history)
    server.stop()

    assert client.json("chats") == chats
    assert client.json("history", CHAT) == history
    assert [hit["text"] for hit in client.json("search", "rocking", "chair")] == [history[0]["text"]]
    assert client.json("search", "rocking chair") == client.json("search", "rocking", "chair")
    assert client.json("search", "nothingofthekind") == []
    replies = ["first", "second", "third & last"]
    for text in replies:
        client.ok("send", CHAT, text)
    client.ok("send", "demo/emma.hartley", "Until Saturday then")
    assert [entry["text"] for entry in client.json("outbox")] == replies + ["Until Saturday then"]
    assert {entry["state"] for entry in client.json("outbox")} == {"queued"}
    assert client.code("send", CHAT, "fourth", "--wait", "1") == 1
    client.ok("read", CHAT)
    status, = client.json("status")
    assert status["pending"] >= 5 and status["engine_running"] is False, status
    assert client.code("sync", "--once") == 3

    server.start()
    client.sync()
    assert client.json("outbox") == []
    arrived = server.rest(server.demo_token()).everything()
    mine = [message["text"] for (chat, seq), message in sorted(arrived.items())
            if chat == CHAT and message["client_message_id"]]
    assert mine == replies + ["fourth"], mine
    assert [m["text"] for m in arrived.values()].count("Until Saturday then") == 1
    client.sync()
    assert len(server.rest(server.demo_token()).everything()) >= len(arrived)
    texts = [text for text in client.texts(CHAT) if text in replies + ["fourth"]]
    assert texts == replies + ["fourth"], texts
    chat = [c for c in client.json("chats") if c["user_id"] == "aiko.tanaka"][0]
    assert chat["read_in_seq"] >= 3, chat


def test_a_first_start_without_a_backend_says_so(site):
    client = Client(site, "http://127.0.0.1:9", "no-token")
    assert client.json("chats") == []
    done = client.run("sync", "--once")
    assert done.returncode == 3 and "reached" in done.stderr, (done.returncode, done.stderr)
    assert client.code("send", CHAT, "hello") == 1


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
