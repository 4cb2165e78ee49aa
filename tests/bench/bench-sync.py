#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine by the numbers, with the real programs: a first sync, a night's events, a resume with nothing new, the way of one
event into the cache, memory.

    bench-sync.py BENCH-SYNC-STORE FOLDER

The backend has 10,000 chats and a million messages; BENCH-SYNC-STORE makes that once and FOLDER keeps it. Ratios compare with
plain SQLite in the same run: the same rows into the same schema with its indexes and full-text index, in transactions of a
page. It ends with an error if a goal is missed that does not depend on the machine.
"""

import json
import os
import pathlib
import shutil
import sqlite3
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from desk_run import SOURCE, Client, Daemon, Site, wait_for
from stub_bot_api import StubBotApi

PAGE = 1000
NIGHT = int(os.environ.get("DESK_BENCH_EVENTS", "50000"))
EVENTS = 200
LIMITS = "[limits]\nrequests_per_minute=0\n[retention]\nmessages_per_chat=0\ndays=0\n"


class Meter:
    """Passes bytes on, and counts them, the connections and the requests."""

    def __init__(self, port):
        self.port = port
        self.reset()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def reset(self):
        self.up = self.down = self.connections = self.websockets = self.requests = 0

    def accept(self):
        while True:
            here = self.listener.accept()[0]
            self.connections += 1
            there = socket.create_connection(("127.0.0.1", self.port))
            for one in (here, there):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.pump, args=(here, there, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(there, here, False), daemon=True).start()

    def pump(self, source, target, up):
        buffer = bytearray(1 << 20)
        view = memoryview(buffer)
        try:
            while size := source.recv_into(buffer):
                target.sendall(view[:size])
                if up:
                    self.up += size
                    data = bytes(view[:size])
                    self.requests += data.count(b" HTTP/1.1\r\n")
                    self.websockets += data.lower().count(b"\r\nupgrade: websocket")
                else:
                    self.down += size
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class ManyUpdates(StubBotApi):
    """Hands out a night's messages by hundreds."""

    def answer(self, method, body):
        if method != "getUpdates":
            return super().answer(method, body)
        offset = int(body.get("offset", 0) or 0)
        start = max(offset - 1, 0)  # update_id is the place + 1
        with self.changed:
            self.changed.wait_for(lambda: len(self.updates) > start, min(2, float(body.get("timeout", 0) or 0)))
            return self.updates[start:start + 100]


def timed(client, *arguments):
    """(wall s, CPU s, peak MiB) of one command."""
    start = time.monotonic()
    process = client.start(*arguments, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def plain_inserts(cache, folder):
    """Seconds for the rows of a cache into its own schema, page by page, newest first, by SQLite alone."""
    folder.mkdir()
    database = sqlite3.connect(str(folder / "plain.db"), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):  # as the cache has them
        database.execute("PRAGMA " + pragma).fetchall()
    for script in sorted((SOURCE / "src/store/schema").glob("*.sql")):
        database.executescript(script.read_text())
    database.execute("ATTACH ? AS cache", ("file:%s?mode=ro" % (cache / "cache.db"),))
    rows = [row for row, in database.execute("SELECT message FROM cache.message ORDER BY message DESC")]
    start, cpu = time.monotonic(), time.process_time()
    for first in range(0, len(rows), PAGE):
        page = rows[first:first + PAGE]
        database.execute("BEGIN")
        for statement in ("INSERT INTO main.message SELECT * FROM cache.message WHERE message BETWEEN ? AND ? ORDER BY message",
                          "INSERT INTO main.message_text (rowid, text)"
                          " SELECT message, text FROM cache.message WHERE message BETWEEN ? AND ? ORDER BY message"):
            database.execute(statement, (page[-1], page[0]))
        database.execute("COMMIT")
    wall, cpu = time.monotonic() - start, time.process_time() - cpu
    database.close()
    shutil.rmtree(folder)
    return wall, cpu, len(rows)


def resident_mib(pid):
    for line in pathlib.Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(pid)


class Table:
    def __init__(self):
        self.missed = []

    def row(self, what, value, goal="", met=True):
        print("%-44s %-52s %s%s" % (what, value, goal, "" if met else "  MISSED"), flush=True)
        if not met:
            self.missed.append(what)


def bench_first(table, site, server, meter, client):
    meter.reset()
    wall, cpu, peak = timed(client, "sync", "--once")
    down = meter.down
    plain_wall, plain_cpu, rows = plain_inserts(client.cache, site.path / "plain")
    table.row("first sync", "%d messages, %.1f s, %.0f rows/s, CPU %.1f s" % (rows, wall, rows / wall, cpu))
    table.row("  bytes, requests, peak of memory", "%.1f MB, %d, %.0f MiB" % (down / 1e6, meter.requests, peak))
    table.row("plain SQLite", "%.1f s, %.0f rows/s, CPU %.1f s" % (plain_wall, rows / plain_wall, plain_cpu))
    # Not a failure: the backend and the engine share the machine's cores, which plain SQLite does not.
    table.row("  ratio of wall times", "%.2f" % (plain_wall / wall), "goal 0.8")
    return wall, down


def bench_resume(table, meter, client):
    meter.reset()
    wall, cpu, _ = timed(client, "sync", "--once")
    table.row("resume with nothing new", "%.2f s, %d websocket, %d REST, %d + %d bytes" % (
        wall, meter.websockets, meter.requests - meter.websockets, meter.up, meter.down),
        "goal 1 and 0", (meter.websockets, meter.requests) == (1, 1))


def bench_night(table, server, rest, bot, meter, client, first):
    head = rest.get("/api/v1/crm/changes")["data"]["cursor"]
    with bot.changed:
        for n in range(NIGHT):
            person = 1000 + n % 500
            bot.updates.append({"update_id": len(bot.updates) + 1, "message": {
                "message_id": 1 + n, "date": int(time.time()), "text": "night %d: is it still there, and what is it?" % n,
                "from": {"id": person, "is_bot": False, "first_name": "Person %d" % person},
                "chat": {"id": person, "type": "private", "first_name": "Person %d" % person}}})
        bot.changed.notify_all()

    def last_seen():
        return rest.get("/api/v1/crm/chats?limit=1")["data"][0]["last_message"].startswith("night %d:" % (NIGHT - 1))

    wait_for("the night", last_seen, 300)
    events = int(rest.get("/api/v1/crm/changes")["data"]["cursor"].split("-")[-1]) - int(head.split("-")[-1])
    meter.reset()
    wall, cpu, peak = timed(client, "sync", "--once")
    table.row("catch-up after a night", "%d events, %.1f s, CPU %.1f s, %.1f MB, %.0f events/s" % (
        events, wall, cpu, meter.down / 1e6, events / wall))
    table.row("  against syncing all anew", "%.2f of the time, %.2f of the bytes" % (wall / first[0], meter.down / first[1]),
              "goal < 1", meter.down < first[1])


def bench_event(table, site, rest, client):
    """From the backend's answer to a send, which follows its commit, until the cache has it."""
    engine = client.start("sync", "--follow", stdout=subprocess.DEVNULL)
    wait_for("the engine", lambda: client.json("status")[0]["engine_running"])
    database = sqlite3.connect("file:%s?mode=ro" % (client.cache / "cache.db"), uri=True, isolation_level=None)
    took = []
    for n in range(EVENTS + 20):
        start = time.monotonic()
        status, body = rest.send("telegram/1000", "now %d" % n, private=True)
        assert status == 201, body
        told = time.monotonic()
        while not database.execute("SELECT 1 FROM message WHERE id = ?", (body["data"]["message"]["id"],)).fetchone():
            assert time.monotonic() < told + 30, "the event did not come"
            time.sleep(0.0002)
        if n >= 20:
            took.append((time.monotonic() - start) * 1000)
        time.sleep(0.01)
    took.sort()
    table.row("send to committed in another's cache", "p50 %.1f ms, p99 %.1f ms" % (
        took[EVENTS // 2], took[EVENTS * 99 // 100]))
    table.row("memory of the engine, idle", "%.0f MiB after %d chats, resident" % (
        resident_mib(engine.pid), client.json("status")[0]["chats"]))
    engine.terminate()
    assert engine.wait(30) == 0


def bench_many_chats(table, site, server, token):
    """100,000 chats: the new ones are without messages."""
    server.stop()
    with sqlite3.connect(str(server.data / "frontdesk.db")) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(chats)") if row[1] != "row"]
        special = {"user_id": "printf('many-%d-%d', n, row)", "stream_id": "printf('%016x', row * 1024 + n)",
                   "last_chat_seq": "0", "last_in_seq": "0", "preview_seq": "0", "last_reply_seq": "0"}
        database.execute(
            "WITH RECURSIVE count(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM count WHERE n < 1000)"
            " INSERT INTO chats (%s) SELECT %s FROM chats, count LIMIT 100000 - (SELECT count(*) FROM chats)" % (
                ",".join(columns), ",".join(special.get(name, name) for name in columns)))
    server.start()
    client = Client(site, server.url, token, "many")
    engine = client.start("sync", "--follow", stdout=subprocess.DEVNULL)
    start = time.monotonic()
    wait_for("100,000 chats", lambda: client.code("status") == 0 and client.json("status")[0]["chats"] >= 100000, 300)
    took = time.monotonic() - start
    most = resident_mib(engine.pid)
    engine.terminate()
    assert engine.wait(60) == 0
    engine = client.start("sync", "--follow", stdout=subprocess.DEVNULL)
    wait_for("the engine", lambda: client.json("status")[0]["engine_running"])
    time.sleep(3)
    table.row("100,000 chats", "listed after %.1f s; engine %.0f MiB then, %.0f MiB started anew" % (
        took, most, resident_mib(engine.pid)))
    engine.kill()


def main():
    folder = pathlib.Path(sys.argv[2])
    store, token_file = folder / "million.db", folder / "million.token"
    folder.mkdir(mode=0o700, exist_ok=True)
    subprocess.run([sys.argv[1], str(store), str(token_file)], check=True)
    table = Table()
    bot = ManyUpdates()
    with Site("frontdesk-bench-") as site:
        server = Daemon(site, config=bot.config() + LIMITS, environment={"BOT_TOKEN": bot.token})
        server.data.mkdir(mode=0o700)
        shutil.copy(store, server.data / "frontdesk.db")
        token = token_file.read_text().strip()
        server.start()
        rest = server.rest(token)
        meter = Meter(server.port)
        client = Client(site, meter.url, token)
        first = bench_first(table, site, server, meter, client)
        bench_resume(table, meter, client)
        bench_night(table, server, rest, bot, meter, client, first)
        bench_event(table, site, rest, client)
        bench_many_chats(table, site, server, token)
        server.stop()
    bot.close()
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
