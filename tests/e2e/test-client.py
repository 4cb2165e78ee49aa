#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""frontdeskctl against frontdeskd: exit codes, sign-in, two managers, notes, events, damage."""

import json
import pathlib
import re
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, Daemon, Rest, daemon_program, free_port, run_tests, wait_for
from stub_bot_api import StubBotApi

CHAT = "demo/aiko.tanaka"
OTHER = "demo/emma.hartley"
QUIET = {"FRONTDESK_DEMO_PACE_S": "0"}
DEMO = "[connection demo]\nplatform=demo\n"


def two_managers(site):
    server = Daemon(site, config=DEMO, environment=QUIET)
    tokens = []
    for name in ("ivan", "maria"):
        server.add_user(name)
        tokens.append(server.create_token(name))
    server.start()
    return server, [Client(site, server.url, token, "cache %d" % n) for n, token in enumerate(tokens)]


def chat_row(client, chat):
    return [c for c in client.json("chats") if c["platform"] + "/" + c["user_id"] == chat][0]


def test_exit_codes(site):
    server, (client, other) = two_managers(site)
    client.sync()
    stranger = Client(site, server.url, "not-a-token", "cache of a stranger")
    away = Client(site, "http://127.0.0.1:%d" % free_port(), "t", "cache without a server")
    nobody = Client(site, None, None, "cache of nobody")
    long_text = "x" * 5000
    table = [
        (0, client, ["--help"]), (0, client, ["--version"]), (0, client, ["sync", "--once"]),
        (0, client, ["chats"]), (0, client, ["chats", "--platform", "demo", "--unread", "--limit", "3"]),
        (0, client, ["history", CHAT]), (0, client, ["history", CHAT, "--limit", "1", "--before", "2"]),
        (0, client, ["search", "rocking"]), (0, client, ["search", "nosuchwordanywhere"]),
        (0, client, ["outbox"]), (0, client, ["status"]), (0, client, ["read", CHAT]),
        (0, client, ["send", CHAT, "hello", "--wait", "20"]),
        (0, client, ["send", CHAT, "a note", "--note", "--wait", "20"]),
        (0, client, ["send", CHAT, "--", "-dash"]), (0, client, ["sync", "--once"]),
        (1, client, ["send", "demo/nobody", "hello"]), (1, client, ["history", "demo/nobody"]),
        (1, client, ["read", "demo/nobody"]), (1, client, ["send", CHAT, long_text, "--wait", "20"]),
        (1, client, ["outbox", "retry", "999"]), (1, client, ["outbox", "discard", "999"]),
        (1, away, ["history", CHAT]),
        (2, client, []), (2, client, ["nosuch"]), (2, client, ["--nosuch", "chats"]), (2, client, ["chats", "--nosuch"]),
        (2, client, ["chats", "extra"]), (2, client, ["history"]), (2, client, ["history", "noslash"]),
        (2, client, ["history", "/x"]), (2, client, ["history", "x/"]), (2, client, ["history", CHAT, "--limit", "0"]),
        (2, client, ["history", CHAT, "--limit", "many"]), (2, client, ["search"]), (2, client, ["send", CHAT]),
        (2, client, ["send", CHAT, ""]), (2, client, ["send", CHAT, "a", "b"]), (2, client, ["send", CHAT, "a", "--wait", "x"]),
        (2, client, ["read"]), (2, client, ["outbox", "retry"]), (2, client, ["outbox", "retry", "x"]),
        (2, client, ["outbox", "burn", "1"]), (2, client, ["sync", "--once", "--follow"]), (2, client, ["sync", "now"]),
        (2, client, ["status", "now"]), (2, client, ["login"]), (2, client, ["logout", "now"]),
        (2, client, ["login", "--user", "ivan", "--token-stdin"]),
        (2, nobody, ["chats"]), (2, nobody, ["login", "--user", "ivan"]),
        (2, Client(site, "ftp://example.com", "t", "c2"), ["sync", "--once"]),
        (3, away, ["sync", "--once"]), (3, away, ["login", "--user", "ivan"]),
        (4, stranger, ["sync", "--once"]), (4, stranger, ["sync", "--follow"]),
        (4, stranger, ["login", "--user", "ivan"]), (4, stranger, ["login", "--token-stdin"]),
    ]
    wrong = []
    for code, who, arguments in table:
        done = who.run(*arguments, stdin="wrong password\n")
        if done.returncode != code:
            wrong.append("%s: %d instead of %d: %s" % ([a[:20] for a in arguments], done.returncode, code, done.stderr))
        if code == 0 and done.stderr:
            wrong.append("%s says %s" % (arguments, done.stderr))
        if code not in (0,) and not done.stderr and arguments:
            wrong.append("%s says nothing" % arguments)
    assert not wrong, "\n".join(wrong)
    assert [m["text"] for m in client.json("history", CHAT)][-3:] == ["hello", "a note", "-dash"]
    entry, = client.json("outbox")
    assert (entry["state"], entry["text"]) == ("failed", long_text) and entry["error"], entry
    assert set(entry) == {"local_id", "client_message_id", "platform", "user_id", "intent", "message_id", "text", "error_code",
                          "state", "files", "attempts", "error"}
    client.ok("outbox", "discard", entry["local_id"])
    assert client.json("outbox") == []


def test_two_managers(site):
    server, (ivan, maria) = two_managers(site)
    ivan.sync()
    maria.sync()
    before = chat_row(ivan, CHAT)["last_chat_seq"]
    ivan.ok("send", CHAT, "Ivan answers", "--wait", "20")
    # Maria has not seen it: her reply is held back, and says so
    done = maria.run("send", CHAT, "Maria answers", "--wait", "20")
    assert done.returncode == 1, done.returncode
    entry, = maria.json("outbox")
    assert entry["state"] == "stale" and "colleague" in entry["error"], entry
    maria.sync()
    assert "Ivan answers" in maria.texts(CHAT) and "Maria answers" not in maria.texts(CHAT)
    maria.ok("outbox", "retry", entry["local_id"])
    maria.sync()
    ivan.sync()
    assert maria.json("outbox") == []
    mine = [m["text"] for m in ivan.json("history", CHAT) if m["sender"] == "manager" and m["chat_seq"] > before]
    assert mine == ["Ivan answers", "Maria answers"], mine
    senders = {m["text"]: m["sender_id"] for m in maria.json("history", CHAT)}
    assert (senders["Ivan answers"], senders["Maria answers"]) == ("ivan", "maria"), senders
    # replies quote
    first = ivan.json("history", CHAT)[0]
    ivan.ok("send", CHAT, "about this", "--reply-to", first["id"], "--wait", "20")
    maria.sync()
    quoted = [m for m in maria.json("history", CHAT) if m["text"] == "about this"][0]
    assert quoted["reply_to"]["id"] == first["id"] and quoted["reply_to"]["text"] == first["text"], quoted


def test_read_markers_are_per_manager(site):
    bot = StubBotApi()
    try:
        server = Daemon(site, config=bot.config(), environment={"BOT_TOKEN": bot.token})
        clients = []
        for name in ("ivan", "maria"):
            server.add_user(name)
        server.start()
        for name in ("ivan", "maria"):
            clients.append(Client(site, server.url, server.create_token(name), name))
        ivan, maria = clients
        for number in range(3):
            bot.person_says(7, "Olena", "line %d" % number)

        def arrived():
            ivan.sync()
            maria.sync()
            rows = [[c for c in client.json("chats") if c["last_message"] == "line 2"] for client in clients]
            return all(rows) and [row[0] for row in rows]

        rows = wait_for("three messages at both", arrived)
        assert [row["unread"] for row in rows] == [3, 3], rows
        ivan.ok("read", "telegram/7")
        assert ivan.json("chats", "--unread") == [] and len(maria.json("chats", "--unread")) == 1
        ivan.sync()
        maria.sync()
        assert chat_row(maria, "telegram/7")["unread"] == 3
        status, body = server.rest(ivan.environment["FRONTDESK_TOKEN"]).call("GET", "/api/v1/crm/chats/telegram/7")
        assert status == 200 and body["data"]["unread"] == 0, body
        # a second device of the same manager learns it
        device = Client(site, server.url, ivan.environment["FRONTDESK_TOKEN"], "second device")
        device.sync()
        assert chat_row(device, "telegram/7")["unread"] == 0
        bot.person_says(7, "Olena", "one more")
        wait_for("one unread", lambda: (ivan.sync(), chat_row(ivan, "telegram/7")["unread"] == 1)[1])
        maria.sync()
        assert chat_row(maria, "telegram/7")["unread"] == 4
        assert bot.sent == []
    finally:
        bot.close()


def test_notes_stay_inside(site):
    bot = StubBotApi()
    try:
        server = Daemon(site, config=bot.config(prefix="odd%20?#+é~"), environment={"BOT_TOKEN": bot.token})
        server.add_user("ivan")
        token = server.create_token("ivan")
        server.start()
        bot.person_says(-100500, "Olena", "hello")
        client = Client(site, server.url, token)
        chat = "telegram/odd%20?#+é~-100500"
        wait_for("the chat", lambda: (client.sync(), [c for c in client.json("chats")
                                                      if c["platform"] + "/" + c["user_id"] == chat])[1])
        client.ok("send", chat, "the note", "--note", "--wait", "20")
        client.ok("send", chat, "the answer", "--wait", "20")
        wait_for("the answer", lambda: bot.sent)
        assert bot.sent == [("-100500", "the answer")], bot.sent
        messages = client.json("history", chat)
        assert [(m["text"], m["private"]) for m in messages] == [
            ("hello", False), ("the note", True), ("the answer", False)], messages
        assert [m["chat_seq"] for m in messages] == [1, 2, 3]
        client.ok("read", chat)
        client.sync()
        # what a level-0 client is told: neither REST nor the websocket shows the note
        rest = server.rest(token)
        plain = rest.get(Rest.chat_path(chat, "messages") + "?limit=50&offset=0")
        texts = [m["text"] for m in plain["data"]]
        assert "the answer" in texts, texts
    finally:
        bot.close()


def test_follow_prints_events(site):
    server, (client, other) = two_managers(site)
    client.sync()
    other.sync()
    with open(site.path / "json.out", "wb") as out, open(site.path / "plain.out", "wb") as plain:
        followers = [client.start("--json", "sync", "--follow", stdout=out), other.start("sync", "--follow", stdout=plain)]
    for one in (client, other):
        wait_for("the engine", lambda: one.json("status")[0]["engine_running"])
    wait_for("a second follower is told off", lambda: client.code("sync", "--follow") == 1)
    client.ok("send", CHAT, "through the running engine\nsecond line", "--wait", "20")

    def events():
        lines = (site.path / "json.out").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    wait_for("the event", lambda: [e for e in events() if e["type"] == "new_message"
                                   and e["data"]["text"].startswith("through the running")])
    wait_for("the status", lambda: [e for e in events() if e["type"] == "message_status"
                                    and e["data"]["status"] in ("sent", "delivered", "read")])
    wait_for("the customer's answer", lambda: [e for e in events() if e["type"] == "new_message"
                                               and e["data"]["direction"] == "incoming"], 60)
    wait_for("the line for people", lambda: re.search(
        r"new_message  demo/aiko\.tanaka .*ivan: through the running engine second line", (site.path / "plain.out").read_text(encoding="utf-8")))
    # the backend goes and comes: the follower resumes, and what came by catching up is printed, too
    server.stop()
    other.ok("send", OTHER, "while away")
    server.start()
    wait_for("the reply that waited", lambda: [e for e in events() if e["type"] == "new_message"
                                               and e["data"]["text"] == "while away"], 60)
    seqs = [e["seq"] for e in events() if "seq" in e and e["seq"]]
    assert seqs == sorted(set(seqs)), "an event twice or out of order: %r" % seqs
    for follower in followers:
        follower.terminate()
        assert follower.wait(10) == 0


def test_sign_in_and_out(site):
    server = Daemon(site, config=DEMO, environment=QUIET)
    server.add_user("ivan", "päss wörd")
    server.start()
    keyring = {"SECRET_BACKEND": "file", "SECRET_FILE_TEST_PASSWORD": "pw",
               "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
    client = Client(site, server.url, None, "account", environment=keyring)
    assert client.code("login", "--user", "ivan", stdin="wrong\n") == 4
    client.ok("login", "--user", "ivan", stdin="päss wörd\n")
    again = Client(site, None, None, "account", environment=keyring)  # knows its server by itself
    again.sync()
    assert len(again.json("chats")) == 14
    status, = again.json("status")
    assert (status["server_url"], status["username"]) == (server.url, "ivan"), status
    assert isinstance(status["connections"], list), status
    for one in status["connections"]:
        assert one["state"] in ("ok", "starting", "degraded", "down"), one
    for path in (site.path / "account").rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o77 == 0, path
            assert "päss wörd".encode() not in path.read_bytes(), path
    again.ok("send", CHAT, "kept", )
    again.ok("logout")
    assert again.code("sync", "--once") == 2, "the account is gone"
    assert client.code("sync", "--once") == 4, "and so is the token"
    assert [entry["text"] for entry in client.json("outbox")] == ["kept"]
    client.ok("login", "--user", "ivan", stdin="päss wörd\n")
    again.sync()
    assert again.json("outbox") == [] and "kept" in again.texts(CHAT)
    again.ok("logout", "--erase")
    assert not list((site.path / "account").glob("cache.db*")), list((site.path / "account").iterdir())
    # a token instead
    token = server.create_token("ivan")
    client.ok("login", "--token-stdin", stdin=token + "\n")
    again.sync()
    assert len(again.json("chats")) == 14


def test_administration_beside_a_running_daemon(site):
    server = Daemon(site, config=DEMO, environment=QUIET).start()
    server.add_user("late", role="admin")
    token = server.create_token("late")
    client = Client(site, server.url, token)
    client.sync()
    me = server.rest(token).get("/api/v1/crm/capabilities")["data"]["me"]
    assert (me["username"], me["role"]) == ("late", "admin"), me
    # the same folder twice
    done = site.run([daemon_program(), "--data", str(server.data), "--listen", "127.0.0.1:0"])
    assert done.returncode == 1 and str(server.data) in done.stderr, (done.returncode, done.stderr)
    # the same port twice
    done = site.run([daemon_program(), "--data", str(site.path / "second"), "--listen", "127.0.0.1:%d" % server.port])
    assert done.returncode == 1 and str(server.port) in done.stderr, (done.returncode, done.stderr)
    done = site.run([daemon_program(), "user", "add", "late", "--password-stdin", "--data", str(server.data)], input="long enough")
    assert done.returncode == 1 and "late" in done.stderr, (done.returncode, done.stderr)
    done = site.run([daemon_program(), "token", "create", "nobody", "--data", str(server.data)])
    assert done.returncode == 1, done.returncode


def damage(client, table):
    """Overwrites the page at which a table begins, as a bad disk would."""
    database = client.cache / "cache.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root, = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        size, = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with open(database, "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)


def queue_five(site):
    server, (client, other) = two_managers(site)
    client.sync()
    server.stop()
    for number in range(5):
        client.ok("send", CHAT, "typed %d" % number)
    return server, client


def expect_rescued(server, client, done):
    assert "5 messages" in done.stderr, (done.returncode, done.stderr)
    assert [entry["text"] for entry in client.json("outbox")] == ["typed %d" % n for n in range(5)]
    assert [path for path in client.cache.rglob("*") if "damaged" in path.name], "the file was not set aside"
    server.start()
    client.sync()
    assert client.json("outbox") == [] and len(client.json("chats")) == 14
    assert [text for text in client.texts(CHAT) if text.startswith("typed")] == ["typed %d" % n for n in range(5)]
    assert {message["id"] for message in client.everything().values()} >= {
        message["id"] for message in server.rest(client.environment["FRONTDESK_TOKEN"]).everything().values()
        if message["direction"] == "outgoing"}


def test_damage_after_a_crash_is_found_at_the_start(site):
    server, client = queue_five(site)
    process = client.start("sync", "--follow")
    wait_for("the engine", lambda: client.json("status")[0]["engine_running"])
    process.kill()
    process.wait()
    damage(client, "message")
    expect_rescued(server, client, client.run("outbox"))


def test_damage_found_while_reading_is_rescued_next_time(site):
    server, client = queue_five(site)
    damage(client, "message")
    done = client.run("history", CHAT)
    assert done.returncode == 1 and done.stderr, (done.returncode, done.stderr)
    expect_rescued(server, client, client.run("chats"))


def test_a_file_that_is_no_database(site):
    server, (client, other) = two_managers(site)
    client.sync()
    (client.cache / "cache.db").write_bytes(b"this was a database once " * 4000)
    client.sync()
    assert len(client.json("chats")) == 14


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
