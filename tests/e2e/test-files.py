#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files between the client and the backend: sent once and whole, whatever is killed, and fetched.

    test-files.py [PART-OF-A-NAME]

FRONTDESK_TEST_KILLS says how often to kill (30), FRONTDESK_TEST_SEED repeats a run.
"""

import hashlib
import os
import pathlib
import random
import stat
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import Client, Daemon, run_tests, wait_for
from level0_server import Level0Server

KILLS = int(os.environ.get("FRONTDESK_TEST_KILLS", "30"))
SEED = int(os.environ.get("FRONTDESK_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
CONFIG = """[connection demo]
platform=demo
[retention]
messages_per_chat=0
days=0
[limits]
requests_per_minute=0
"""
CHATS = ["demo/" + name for name in ("aiko.tanaka", "emma.hartley")]


def start(site):
    server = Daemon(site, config=CONFIG, environment={"FRONTDESK_DEMO_PACE_S": "0"})
    server.add_user("ivan")
    token = server.create_token("ivan")
    server.start()
    client = Client(site, server.url, token)
    client.sync()
    return server, token, client


def write(site, name, data):
    path = site.path / name
    path.write_bytes(data)
    return path


def sent(server, token):
    """caption → list of messages with files of ours."""
    found = {}
    for message in server.rest(token).everything().values():
        if message["direction"] == "outgoing" and message["sender"] == "manager":
            found.setdefault(message["text"], []).append(message)
    return found


def fetch(server, attachment):
    with urllib.request.urlopen(server.url + "/api/v1" + attachment["url"], timeout=20) as answer:
        return answer.read()


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file()) if folder.exists() else []


def test_there_and_back(site):
    server, token, client = start(site)
    data = random.Random(SEED).randbytes(3_000_000)
    big, small = write(site, "Ціна «літо».bin", data), write(site, "note \"1\".txt", b"two left")
    assert client.code("send", CHATS[0], "--file", site.path, "--file", big) == 1  # a folder
    assert client.json("outbox") == []
    client.ok("send", CHATS[0], "Look", "--file", big, "--file", small)
    # queued: the originals may go
    big.unlink()
    small.write_bytes(b"changed since")
    staged = files_below(client.cache / "outbox")
    assert len(staged) == 2 and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in staged), staged
    client.sync()
    [message] = sent(server, token)["Look"]
    assert [a["filename"] for a in message["attachments"]] == ["Ціна «літо».bin", "note '1'.txt"], message
    assert [fetch(server, a) for a in message["attachments"]] == [data, b"two left"]
    assert files_below(client.cache / "outbox") == []
    # fetched once, kept by its hash
    copy = site.path / "copy"
    client.ok("download", CHATS[0], message["id"], "1", "--output", copy)
    assert copy.read_bytes() == data
    path = pathlib.Path(client.ok("download", CHATS[0], message["id"], "1").strip())
    assert path.name == hashlib.sha256(data).hexdigest() and path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    server.stop()
    client.ok("download", CHATS[0], message["id"], "1")  # offline
    assert client.code("download", CHATS[0], message["id"], "7") == 1


def test_queued_and_withdrawn(site):
    server, token, client = start(site)
    server.stop()
    client.ok("send", CHATS[0], "--file", write(site, "a.txt", b"a"))
    client.ok("send", CHATS[0], "after it")
    [entry, other] = client.json("outbox")
    assert (entry["files"], other["files"], len(files_below(client.cache / "outbox"))) == (1, 0, 1)
    client.ok("outbox", "discard", str(entry["local_id"]))
    assert files_below(client.cache / "outbox") == []
    client.ok("send", CHATS[0], "in order", "--file", write(site, "b.txt", b"b"))
    server.start()
    client.sync()
    ours = sorted((m["chat_seq"], text) for text, ms in sent(server, token).items() for m in ms
                  if m["user_id"] == CHATS[0].split("/")[1])
    assert [text for _, text in ours][-2:] == ["after it", "in order"], ours


def test_client_killed_at_random(site):
    rng = random.Random(SEED)
    print("# seed %d, %d kills" % (SEED, KILLS))
    server, token, client = start(site)
    data = {}

    def send(number):
        name = "crash %d" % number
        data[name] = rng.randbytes(rng.choice((1, 5000, 400_000, 3_000_000)))
        return client.start("send", rng.choice(CHATS), name, "--file", write(site, name + ".bin", data[name]),
                            "--wait", "60", stderr=subprocess.DEVNULL)

    begin = time.monotonic()
    assert send(0).wait(60) == 0
    span = time.monotonic() - begin
    acknowledged, promised, kills, tries = ["crash 0"], set(), 0, 0
    while kills < KILLS:
        tries += 1
        assert tries < KILLS * 6, "almost nothing was killed in time"
        process = send(tries)
        try:
            process.wait(rng.uniform(0, 1.5 * span))
            assert process.returncode == 0, process.returncode
            acknowledged.append("crash %d" % tries)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
            for entry in client.json("outbox"):
                assert entry["files"] == 1, entry
                promised.add(entry["text"])
        (site.path / ("crash %d.bin" % tries)).unlink(missing_ok=True)  # the copy must do
    client.sync()
    assert client.json("outbox") == [], client.json("outbox")
    there = sent(server, token)
    for name in set(acknowledged) | promised:
        assert len(there.get(name, [])) == 1, "%s is there %d times" % (name, len(there.get(name, [])))
    for name, messages in there.items():
        if name not in data:
            continue
        assert len(messages) == 1 and len(messages[0]["attachments"]) == 1, messages
        assert fetch(server, messages[0]["attachments"][0]) == data[name], name
    print("# %d sent before their kill, %d promised, %d on the server; one takes %.0f ms"
          % (len(acknowledged), len(promised), len(there), 1000 * span))


def test_plain_server(site):
    plain = Level0Server(enveloped=True)
    plain.person_says("telegram", "7", "Olena", "Hi")
    client = Client(site, plain.url, "plain-token")
    client.sync()
    data = os.urandom(100_000)
    client.ok("send", "telegram/7", "Here", "--file", write(site, "price.pdf", data), "--wait", "30")
    assert [(m["text"], m["files"]) for m in plain.platform_files] == [("Here", [("price.pdf", data)])]
    client.sync()
    listed = client.ok("files", "telegram/7").split()
    assert client.run("download", "telegram/7", listed[0], "--output", site.path / "x").returncode == 0
    assert (site.path / "x").read_bytes() == data
    # the link of the cached message expires: a new one is asked for
    client2 = Client(site, plain.url, "plain-token", "second")
    client2.sync()
    plain.expire_links()
    client2.ok("download", "telegram/7", listed[0], "--output", site.path / "y")
    assert (site.path / "y").read_bytes() == data
    # too large for such a server: not even tried
    assert client.code("send", "telegram/7", "--file", write(site, "huge", bytes(3 << 20)), "--wait", "20") == 1
    assert len(plain.platform_files) == 1
    [entry] = client.json("outbox")
    assert entry["state"] == "failed" and "2.0" in entry["error"], entry
    client.ok("outbox", "discard", str(entry["local_id"]))
    # arrived, but the answer was lost: found in the history and not sent again
    plain.fault = "drop"
    client.ok("send", "telegram/7", "--file", write(site, "again.txt", b"once"), "--wait", "40")
    assert [m["files"][0][0] for m in plain.platform_files] == ["price.pdf", "again.txt"]
    # lost before it arrived, or after: nobody knows, and nobody repeats it
    plain.fault = "refuse"
    client.code("send", "telegram/7", "--file", write(site, "gone.txt", b"x"), "--wait", "40")
    plain.fault = None
    client.sync()
    [entry] = client.json("outbox")
    assert entry["state"] == "unconfirmed" and entry["files"] == 1, entry
    assert len(plain.platform_files) == 2
    client.ok("outbox", "discard", str(entry["local_id"]))
    # a server without the call
    plain.no_files = True
    assert client.code("send", "telegram/7", "--file", write(site, "z.txt", b"z"), "--wait", "20") == 1
    [entry] = client.json("outbox")
    assert entry["state"] == "failed" and "files" in entry["error"], entry
    plain.close()


if __name__ == "__main__":
    sys.exit(run_tests(sys.modules[__name__]))
