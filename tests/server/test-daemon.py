#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""frontdeskd as a process: its command line, its end, its data folder, a full disk.

    test-daemon.py FRONTDESKD [unittest's arguments]
"""

import http.client
import os
import resource
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import unittest

from daemon_support import CRM, Daemon, WebSocket, wait_for

PROGRAM = None


def run(*arguments, text=None, environment=None):
    return subprocess.run([PROGRAM, *arguments], input=text, capture_output=True, text=True,
                          timeout=30, check=False,
                          env=dict(os.environ, **(environment or {})))


def first_chat(daemon):
    chat = wait_for(lambda: daemon.request("GET", CRM + "/chats").data, "the demo's chats")[0]
    return "%s/chats/%s/%s" % (CRM, chat["platform"], chat["user_id"])


def send(daemon, chat, text, key=None):
    return daemon.request("POST", chat + "/send",
                          {"text": text, "private": True, "client_message_id": key or text})


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="frontdeskd-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as stream:
            stream.write(text)
        return self.path(name)


class CommandLine(Folder):
    def test_usage(self):
        for arguments in (["--nope"], ["nope"], ["user"], ["user", "add"], ["user", "drop", "x"],
                          ["token", "create"], ["check-config"], ["check-config", "a", "b"],
                          ["--listen", "localhost:80"], ["--listen", "127.0.0.1"],
                          ["--listen", "127.0.0.1:99999"], ["--demo", "extra"],
                          ["user", "add", "a b", "--password-stdin"],
                          ["user", "add", "ann", "--role", "king", "--password-stdin"],
                          ["user", "add", "ann"]):
            done = run(*arguments, *(["--data", self.folder] if arguments[0] in ("user", "token")
                                     else []), text="")
            self.assertEqual(done.returncode, 2, (arguments, done.stderr))
            self.assertTrue(done.stderr.startswith("frontdeskd: "), done.stderr)
            self.assertEqual(done.stdout, "")

    def test_help_and_version(self):
        self.assertIn("user add NAME", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"^frontdeskd \d+\.\d+\.\d+\n$")

    def test_check_config(self):
        good = self.write("good.conf", "[server]\nlisten=127.0.0.1:0\n")
        self.assertEqual(run("check-config", good).returncode, 0)
        bad = self.write("bad.conf", "[server]\n\nlisten=here\n")
        done = run("check-config", bad)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, bad + ":3: “listen” must be an IP address and a port, as "
                         "127.0.0.1:8080\n")
        done = run("--config", bad, "--data", self.folder)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertTrue(done.stderr.startswith(bad + ":3: "), done.stderr)
        self.assertEqual(run("check-config", self.path("absent")).returncode, 1)

    def test_missing_secret(self):
        path = self.write("t.conf", "[connection a]\nplatform=telegram\ntoken_env=DESK_ABSENT\n")
        done = run("check-config", path)
        self.assertEqual(done.returncode, 0)
        self.assertIn(path + ":3: note: ", done.stderr)
        done = run("--config", path, "--data", self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith(path + ":3: "), done.stderr)

    def test_users_and_tokens(self):
        data = ["--data", self.folder]
        self.assertEqual(run("token", "create", "ann", *data).returncode, 1)
        done = run("user", "add", "ann", "--password-stdin", *data, text="secret-word\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = run("user", "add", "ann", "--password-stdin", *data, text="secret-word\n")
        self.assertEqual(done.returncode, 1)
        for password in ("", "\n", "a\nb\n", "x" * 2000):
            self.assertEqual(run("user", "add", "bob", "--password-stdin", *data,
                                 text=password).returncode, 1)
        done = run("token", "create", "ann", *data)
        self.assertRegex(done.stdout, r"^[A-Za-z0-9_-]{40,}\n$")
        for name in os.listdir(self.folder):
            mode = os.stat(self.path(name)).st_mode
            self.assertEqual(stat.S_IMODE(mode) & 0o077, 0, name)
            with open(self.path(name), "rb") as stream:
                content = stream.read()
            self.assertNotIn(b"secret-word", content)
            self.assertNotIn(done.stdout.strip().encode(), content)


class Start(Folder):
    def test_folder_is_private(self):
        data = self.path("new/data")
        with Daemon(PROGRAM, data=data):
            self.assertEqual(stat.S_IMODE(os.stat(data).st_mode), 0o700)
            for name in os.listdir(data):
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(data, name)).st_mode) & 0o077, 0)

    def test_throw_away_folder(self):
        process = subprocess.Popen([PROGRAM, "--demo"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        try:
            self.assertRegex(process.stdout.readline(), r"^listening on http://127\.0\.0\.1:\d+\n$")
            token = process.stdout.readline().split(" in ")[1].strip()
            self.assertEqual(stat.S_IMODE(os.stat(token).st_mode), 0o600)
            process.terminate()
            self.assertEqual(process.wait(10), 0)
            self.assertFalse(os.path.exists(os.path.dirname(token)))
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    def test_demo_again(self):
        with Daemon(PROGRAM, data=self.folder) as daemon:
            token = daemon.token
            daemon.stop()
            daemon.start()
            self.assertEqual(daemon.token, token)
            self.assertEqual(daemon.request("GET", CRM + "/chats").status, 200)

    def refused(self, reason, *arguments):
        done = run("--listen", "127.0.0.1:0", *arguments)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertRegex(done.stderr.splitlines()[-1], "^frontdeskd: .*" + reason)

    def test_second_daemon(self):
        with Daemon(PROGRAM, data=self.folder) as daemon:
            self.refused("[Aa]nother frontdeskd", "--data", self.folder)
            self.assertEqual(daemon.request("GET", "/health/live").status, 200)

    def test_port_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.refused("Cannot listen on 127.0.0.1 port %d: Address already in use"
                         % taken.getsockname()[1], "--data", self.folder, "--listen",
                         "127.0.0.1:%d" % taken.getsockname()[1])

    def test_data_folder_cannot_be_written(self):
        self.refused("data folder", "--data", self.write("file", "x") + "/data")
        self.refused("data folder", "--data", "/proc/frontdesk")

    def make_database(self):
        self.assertEqual(run("user", "add", "ann", "--password-stdin", "--data", self.folder,
                             text="secret-word\n").returncode, 0)
        return self.path("frontdesk.db")

    def test_newer_database(self):
        with sqlite3.connect(self.make_database()) as database:
            database.execute("PRAGMA user_version = 9999")
        self.refused("newer", "--data", self.folder)

    def test_damaged_database(self):
        path = self.make_database()
        for name in os.listdir(self.folder):
            if name.endswith(("-wal", "-shm")):
                os.unlink(self.path(name))
        with open(path, "r+b") as stream:
            stream.write(b"not a database at all" * 500)
        self.refused("damaged", "--data", self.folder)


class End(unittest.TestCase):
    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Daemon(PROGRAM) as daemon:
                sockets = [WebSocket(daemon, "?v=2"), WebSocket(daemon), WebSocket(daemon, token=None)]
                sockets[0].expect("hello")
                idle = socket.create_connection(("127.0.0.1", daemon.port))
                half = socket.create_connection(("127.0.0.1", daemon.port))
                half.sendall(b"POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
                codes = []
                readers = [threading.Thread(target=lambda s=s: codes.append(s.expect_close()))
                           for s in sockets]
                for reader in readers:
                    reader.start()
                code, seconds = daemon.stop(number)
                for reader in readers:
                    reader.join(10)
                for peer in (*sockets, idle, half):
                    peer.close()
                self.assertEqual(code, 0, daemon.read_log())
                self.assertLess(seconds, 5)
                self.assertEqual(codes, [1001] * 3)

    def test_what_was_accepted_is_kept(self):
        """Writers run while the daemon is told to stop: every 201 is found afterwards, once."""
        with Daemon(PROGRAM, config="[limits]\nrequests_per_minute=0\n[retention]\n"
                    "messages_per_chat=0\n") as daemon:
            chat = first_chat(daemon)
            accepted, lock, going = [], threading.Lock(), threading.Event()

            def write(n):
                i = 0
                while True:
                    text = "w%d-%d" % (n, i)
                    try:
                        answer = send(daemon, chat, text)
                    except (OSError, AssertionError, http.client.HTTPException):
                        return
                    if answer.status != 201:
                        self.assertEqual(answer.status, 503)
                        return
                    with lock:
                        accepted.append(text)
                        if len(accepted) >= 100:
                            going.set()
                    i += 1

            writers = [threading.Thread(target=write, args=(n,)) for n in range(8)]
            for writer in writers:
                writer.start()
            self.assertTrue(going.wait(30))
            code, seconds = daemon.stop()
            for writer in writers:
                writer.join(30)
            self.assertEqual(code, 0)
            self.assertLess(seconds, 5)
            daemon.start()
            texts = self.texts(daemon, chat)
            for text in accepted:
                self.assertEqual(texts.count(text), 1, text)

    @staticmethod
    def texts(daemon, chat):
        found, before = [], 0
        while True:
            page = daemon.request("GET", "%s/messages?limit=1000&before_seq=%d" % (chat, before)).data
            found += [m["text"] for m in page]
            if not page or page[-1]["chat_seq"] <= 1:
                return found
            before = page[-1]["chat_seq"]

    def test_kill(self):
        """kill -9 while writing: every 201 is there, the epoch stays, the cursor goes on."""
        with Daemon(PROGRAM, config="[limits]\nrequests_per_minute=0\n[retention]\n"
                    "messages_per_chat=0\n") as daemon:
            chat = first_chat(daemon)
            cursor = daemon.request("GET", CRM + "/changes").data["cursor"]
            accepted = []

            def write():
                i = 0
                while True:
                    try:
                        answer = send(daemon, chat, "k%d" % i)
                    except Exception:  # whatever a dying server does to a client
                        return
                    if answer.status == 201:
                        accepted.append("k%d" % i)
                    i += 1

            writer = threading.Thread(target=write)
            writer.start()
            wait_for(lambda: len(accepted) > 50, "50 accepted messages")
            daemon.process.kill()
            daemon.process.wait()
            writer.join(30)
            daemon.start()
            events = []
            while True:
                page = daemon.request("GET", CRM + "/changes?limit=1000&cursor=" + cursor).data
                events += page["events"]
                cursor = page["cursor"]
                if not page["has_more"]:
                    break
            new = [e["data"]["text"] for e in events if e["type"] == "new_message"]
            for text in accepted:
                self.assertEqual(new.count(text), 1, text)
            sequence = [e["seq"] for e in events]
            self.assertEqual(sequence, list(range(sequence[0], sequence[0] + len(sequence))))


class Disk(unittest.TestCase):
    def test_full(self):
        """A limit on file size stands in for a full disk: 503, nothing kept, and it recovers."""
        with Daemon(PROGRAM, prefix=["prlimit", "--fsize=4000000:unlimited"],
                    config="[limits]\nrequests_per_minute=0\n") as daemon:
            chat = first_chat(daemon)
            accepted, refused = [], None
            for i in range(5000):
                text = "%d %s" % (i, "x" * 4000)
                answer = send(daemon, chat, text, "full-%d" % i)
                if answer.status != 201:
                    refused = answer
                    break
                accepted.append("full-%d" % i)
            self.assertIsNotNone(refused, "the disk never got full")
            self.assertEqual((refused.status, refused.code), (503, "STORAGE_FULL"), refused)
            self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
            self.assertEqual(daemon.request("GET", CRM + "/chats").status, 200)
            self.assertEqual(daemon.request("GET", "/health/live").status, 200)

            subprocess.run(["prlimit", "--pid", str(daemon.process.pid), "--fsize=unlimited"],
                           check=True)
            again = wait_for(lambda: (a := send(daemon, chat, "after")).status < 300 and a,
                             "writing again")
            self.assertEqual(again.status, 201)
            # what was refused was not kept: its key is free
            retried = send(daemon, chat, "another text", "full-%d" % len(accepted))
            self.assertEqual(retried.status, 201)
            code, _ = daemon.stop()
            self.assertEqual(code, 0)


class Connections(unittest.TestCase):
    def test_more_than_the_limit(self):
        """Who comes when all 4096 places are taken waits, and is served when one is free again."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        if hard < 9000:
            self.skipTest("only %d descriptors" % hard)
        with Daemon(PROGRAM, config="[limits]\nrequests_per_minute=0\n") as daemon:
            for _ in range(3):
                crowd = [socket.create_connection(("127.0.0.1", daemon.port)) for _ in range(4190)]
                with socket.create_connection(("127.0.0.1", daemon.port), timeout=10) as late:
                    late.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                    for peer in crowd[:500]:
                        peer.close()
                    self.assertTrue(late.recv(100).startswith(b"HTTP/1.1 200 "))
                for peer in crowd[500:]:
                    peer.close()
            self.assertEqual(daemon.request("GET", "/health/live").status, 200)
            code, _ = daemon.stop()
            self.assertEqual(code, 0)


class Administration(unittest.TestCase):
    def test_beside_a_running_daemon(self):
        with Daemon(PROGRAM) as daemon:
            token = daemon.add_user("late", "long enough", role="admin")
            wait_for(lambda: daemon.request("GET", CRM + "/managers", token=token).status == 200,
                     "the new token", 5)
            names = [m["username"] for m in daemon.request("GET", CRM + "/managers").data]
            self.assertIn("late", names)
            self.assertEqual(daemon.request("POST", "/v1/auth/token",
                                            {"username": "late", "password": "long enough"},
                                            token=None).status, 200)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
