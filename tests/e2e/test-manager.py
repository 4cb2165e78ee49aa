#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What managers do besides writing, by frontdeskctl against frontdeskd: assign, snooze, label, mute, edit, delete, canned
replies, profiles; made offline, seen by a colleague, and in conflict."""

import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, Daemon, client_program, run_tests, wait_for

CHAT = "demo/aiko.tanaka"
QUIET = {"FRONTDESK_DEMO_PACE_S": "0"}
DEMO = "[connection demo]\nplatform=demo\n"


def two_managers(site):
    server = Daemon(site, config=DEMO, environment=QUIET)
    tokens = []
    for name in ("ivan", "maria"):
        server.add_user(name)
        tokens.append(server.create_token(name))
    server.start()
    clients = [Client(site, server.url, token, "cache %d" % n) for n, token in enumerate(tokens)]
    for client in clients:
        client.sync()
    return server, tokens, clients


def row(client):
    return [c for c in client.json("chats") if c["platform"] + "/" + c["user_id"] == CHAT][0]


def test_changes_reach_a_colleague(site):
    server, tokens, (ivan, maria) = two_managers(site)
    ivan.ok("assign", CHAT, "maria")
    ivan.ok("label", CHAT, "+vip", "+late", "-nosuch")
    ivan.ok("label", CHAT, "-late")
    ivan.ok("state", CHAT, "snoozed", "--until", "2099-01-01T09:00:00Z")
    ivan.ok("mute", CHAT)
    entries = ivan.json("outbox")
    assert len(entries) == 1 and entries[0]["intent"] == "chat", entries
    shown = row(ivan)  # at once, without a word of the server
    assert (shown["assignee"], shown["labels"], shown["state"], shown["muted"]) == ("maria", ["vip"], "snoozed", True), shown
    ivan.sync()
    assert ivan.json("outbox") == []
    maria.sync()
    seen = row(maria)
    assert (seen["assignee"], seen["labels"], seen["state"]) == ("maria", ["vip"], "snoozed"), seen
    assert seen["snoozed_until"].startswith("2099-01-01T09:00:00"), seen
    assert not seen["muted"], "muting is each manager's own"
    assert row(ivan)["muted"]
    ivan.ok("assign", CHAT, "--none", "--wait", "20")
    ivan.ok("state", CHAT, "open", "--wait", "20")
    maria.sync()
    assert (row(maria)["assignee"], row(maria)["state"]) == (None, "open"), row(maria)


def test_conflict(site):
    server, tokens, (ivan, maria) = two_managers(site)
    ivan.ok("assign", CHAT, "ivan")  # made offline, on what ivan saw then
    ivan.ok("label", CHAT, "+mine")
    maria.ok("assign", CHAT, "maria", "--wait", "20")
    assert row(ivan)["assignee"] == "ivan"
    ivan.sync()
    entry, = ivan.json("outbox")
    assert (entry["state"], entry["error_code"]) == ("failed", "CONFLICT") and entry["error"], entry
    assert row(ivan)["assignee"] == "maria", "the server's value shows again"
    ivan.ok("outbox", "retry", entry["local_id"])  # and nevertheless
    assert row(ivan)["assignee"] == "ivan"
    ivan.sync()
    maria.sync()
    assert (row(maria)["assignee"], row(maria)["labels"]) == ("ivan", ["mine"]), row(maria)


def test_no_conflict_in_other_fields(site):
    server, tokens, (ivan, maria) = two_managers(site)
    ivan.ok("assign", CHAT, "ivan")
    maria.ok("state", CHAT, "resolved", "--wait", "20")
    ivan.sync()
    assert ivan.json("outbox") == []
    assert (row(ivan)["assignee"], row(ivan)["state"]) == ("ivan", "resolved"), row(ivan)


def test_a_refused_change_stops_no_reply(site):
    server, tokens, (ivan, maria) = two_managers(site)
    ivan.ok("assign", CHAT, "nobody-of-that-name")
    ivan.ok("send", CHAT, "still goes out")
    ivan.sync()
    entry, = ivan.json("outbox")
    assert (entry["intent"], entry["state"]) == ("chat", "failed"), entry
    maria.sync()
    assert "still goes out" in [m["text"] for m in maria.json("history", CHAT)]
    ivan.ok("outbox", "discard", entry["local_id"])
    assert ivan.json("outbox") == []


def test_messages(site):
    server, tokens, (ivan, maria) = two_managers(site)
    ivan.ok("send", CHAT, "a nite", "--note", "--wait", "20")
    note = ivan.json("history", CHAT)[-1]
    ivan.ok("edit", note["id"], "a note")
    assert ivan.json("history", CHAT)[-1]["text"] == "a note", "shown at once"
    ivan.sync()
    maria.sync()
    assert maria.json("history", CHAT)[-1]["text"] == "a note"
    maria_code = maria.code("edit", "no-such-message", "x")
    assert maria_code == 1, maria_code
    ivan.ok("delete", note["id"], "--wait", "20")
    maria.sync()
    assert maria.json("history", CHAT)[-1]["deleted_at"], "a tombstone stays"
    first = ivan.json("history", CHAT)[0]
    ivan.ok("react", first["id"], "👍")
    assert {"emoji": "👍", "by": "ivan"} in ivan.json("history", CHAT)[0]["reactions"]
    ivan.sync()
    left = [(e["intent"], e["state"], e["error_code"]) for e in ivan.json("outbox")]
    assert left in ([], [("react", "failed", "NOT_SUPPORTED")]), left


def test_edit_in_the_outbox(site):
    server, tokens, (ivan, maria) = two_managers(site)
    ivan.ok("send", CHAT, "helo")
    entry, = ivan.json("outbox")
    ivan.ok("outbox", "edit", entry["local_id"], "hello")
    ivan.ok("send", CHAT, "never")
    ivan.ok("outbox", "withdraw", ivan.json("outbox")[1]["local_id"])
    ivan.sync()
    texts = [m["text"] for m in ivan.json("history", CHAT)]
    assert texts[-1] == "hello" and "helo" not in texts and "never" not in texts, texts


def test_canned_and_profile(site):
    server, tokens, (ivan, maria) = two_managers(site)
    rest = server.rest(tokens[0])
    status, answer = rest.call("POST", "/api/v1/crm/canned", {"shortcut": "hi", "text": "Hello {{customer.name}}"})[:2]
    assert status in (200, 201), (status, answer)
    maria.sync()
    assert [(c["shortcut"], c["text"]) for c in maria.json("canned")] == [("hi", "Hello {{customer.name}}")]
    ivan.ok("profile", CHAT, "--set", "note=likes red", "--set", "attributes.size=M")
    shown, = ivan.json("profile", CHAT)
    assert shown["note"] == "likes red" and shown["attributes"] == {"size": "M"}, shown
    ivan.ok("profile", CHAT, "--set", "attributes.size=L", "--wait", "20")
    ivan.sync()
    maria.sync()
    seen, = maria.json("profile", CHAT)
    assert seen["note"] == "likes red" and seen["attributes"] == {"size": "L"}, seen


def test_accounts(site):
    server = Daemon(site, config=DEMO, environment=QUIET)
    for name in ("ivan", "maria"):
        server.add_user(name, password="correct horse")
    server.start()
    home = {"SECRET_BACKEND": "file", "SECRET_FILE_TEST_PASSWORD": "pw", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
            "XDG_CONFIG_HOME": str(site.path / "config"), "XDG_DATA_HOME": str(site.path / "data")}

    def run(*arguments, stdin="", code=0):
        done = site.run([client_program(), *arguments], input=stdin, environment=home)
        assert done.returncode == code, (arguments, done.returncode, done.stderr)
        return done.stdout

    def accounts():
        return [json.loads(line) for line in run("--json", "accounts").splitlines()]

    run("accounts", "remove", "1", code=2)
    for name in ("ivan", "maria"):
        run("--server", server.url, "login", "--user", name, stdin="correct horse\n")
        run("sync", "--once")
    caches = {account["username"]: pathlib.Path(account["cache"]) for account in accounts()}
    assert [account["username"] for account in accounts()] == ["maria", "ivan"], accounts()
    run("accounts", "use", "2")
    assert [account["username"] for account in accounts()] == ["ivan", "maria"], accounts()
    run("accounts", "remove", "3", code=2)
    run("accounts", "--erase", code=2)
    run("accounts", "remove", "2")
    assert [account["username"] for account in accounts()] == ["ivan"], accounts()
    assert list(caches["maria"].glob("cache.db")), "kept unless told otherwise"
    run("accounts", "remove", "1", "--erase")
    assert accounts() == [] and not list(caches["ivan"].glob("cache.db*")), list(caches["ivan"].iterdir())
    run("chats", code=2)


def test_no_templates(site):
    server, tokens, (ivan, maria) = two_managers(site)
    assert ivan.json("templates", CHAT) == [[]]
    assert ivan.code("templates", "demo/nobody") == 1
    assert ivan.code("send", CHAT, "--template", "hello") == 1
    server.stop()
    assert ivan.json("templates", CHAT) == [[]], "told a moment ago"
    assert maria.code("templates", CHAT) == 3
    assert ivan.json("outbox") == []


def test_sync_beside_an_engine(site):
    server, tokens, (ivan, maria) = two_managers(site)
    follower = ivan.start("sync", "--follow", stdout=subprocess.DEVNULL)
    wait_for("the engine", lambda: ivan.json("status")[0]["engine_running"])
    other = server.rest(tokens[1])
    for n in range(60):
        other.send(CHAT, "note %d" % n, private=True)
    ivan.ok("send", CHAT, "mine", "--note")
    ivan.sync()
    assert ivan.json("outbox") == []
    assert ivan.texts(CHAT)[-61:] == ["note %d" % n for n in range(60)] + ["mine"], ivan.texts(CHAT)
    server.stop()
    wait_for("it to be noticed", lambda: ivan.code("sync", "--once") == 3)
    # who keeps the cache goes while another waits: that one takes its place
    ivan.ok("send", CHAT, "later", "--note")
    follower.send_signal(signal.SIGSTOP)
    waiting = ivan.start("sync", "--once", stdout=subprocess.DEVNULL)
    server.start()
    follower.kill()
    follower.wait(10)
    assert waiting.wait(60) == 0
    assert ivan.json("outbox") == [] and ivan.texts(CHAT)[-1] == "later", ivan.texts(CHAT)


def test_usage(site):
    server, tokens, (ivan, maria) = two_managers(site)
    for arguments in (["assign", CHAT], ["assign", CHAT, "x", "--none"], ["state", CHAT, "asleep"], ["state", CHAT, "snoozed"],
                      ["state", CHAT, "open", "--until", "2099-01-01T09:00:00Z"], ["label", CHAT], ["label", CHAT, "vip"],
                      ["mute"], ["edit", "x"], ["edit", "x", ""], ["delete"], ["react", "x"], ["retry"], ["canned", "x"],
                      ["profile"], ["profile", CHAT, "--set", "nosuch=1"], ["accounts", "use", "9"],
                      ["accounts", "remove", "0"], ["templates"], ["send", CHAT, "--template", "x", "text"],
                      ["send", CHAT, "text", "--var", "1"], ["send", CHAT, "--template", "x", "--note"],
                      ["outbox", "edit", "1"], ["outbox", "edit", "1", ""]):
        done = ivan.run(*arguments)
        assert done.returncode == 2 and done.stderr, (arguments, done.returncode, done.stderr)
    for arguments in (["assign", "demo/nobody", "ivan"], ["outbox", "withdraw", "99"]):
        assert ivan.code(*arguments) == 1, arguments


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
