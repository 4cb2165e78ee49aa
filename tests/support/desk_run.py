# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and stops the programs for tests: the backend, clients, the Telegram emulator.

Everything lives in one temporary folder (HOME and the XDG folders too) and dies with it: what a
Site started, its close() kills. The programs are named by the environment (FRONTDESKD,
FRONTDESKCTL, FRONTDESK), which the build sets; without it they are looked for in _build.

Standard library only. Nothing here sleeps for a fixed time: wait_for() polls with a deadline.
"""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FRONTDESK_BUILD", SOURCE / "_build"))
# Sanitized builds are several times slower; deadlines grow with this factor.
SLOWNESS = float(os.environ.get("FRONTDESK_TEST_SLOWNESS", "1"))
POLL_S = 0.02


def program(variable, path):
    found = os.environ.get(variable) or str(BUILD / path)
    if not os.access(found, os.X_OK):
        raise RuntimeError("%s is not built (or set %s)" % (found, variable))
    return found


def daemon_program():
    return program("FRONTDESKD", "src/server/main/frontdeskd")


def client_program():
    return program("FRONTDESKCTL", "src/cli/frontdeskctl")


def app_program():
    return program("FRONTDESK", "src/app/frontdesk")


def wait_for(what, look, seconds=20):
    """Polls look() until it gives something true, and gives that back; AssertionError naming what
    was waited for and what was seen last."""
    deadline = time.monotonic() + seconds * SLOWNESS
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError("%s was not seen within %g s; last: %r" % (what, seconds * SLOWNESS, seen))
        time.sleep(POLL_S)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Rest:
    """Calls a backend the way another program would."""

    def __init__(self, url, token):
        self.url, self.token = url, token

    def call(self, method, path, body=None, timeout=20):
        """(status, parsed body); OSError when there is no answer."""
        request = urllib.request.Request(self.url + path, method=method)
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=timeout * SLOWNESS) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                text = error.read()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, text.decode("utf-8", "replace")

    def get(self, path):
        status, body = self.call("GET", path)
        assert status == 200, "GET %s: %d %r" % (path, status, body)
        return body

    @staticmethod
    def chat_path(chat, what):
        platform, user = chat.split("/", 1)
        return "/api/v1/crm/chats/%s/%s/%s" % (
            urllib.parse.quote(platform, safe=""), urllib.parse.quote(user, safe=""), what)

    def send(self, chat, text, **more):
        return self.call("POST", self.chat_path(chat, "send"), {"text": text, **more})

    def everything(self):
        """All messages of all chats, by (chat, chat_seq)."""
        found, page = {}, ""
        while True:
            body = self.get("/api/v1/crm/messages?limit=1000" + (page and "&page=" + urllib.parse.quote(page)))
            for message in body["data"]:
                key = (message["platform"] + "/" + message["user_id"], message["chat_seq"])
                assert key not in found, "two messages at %r" % (key,)
                found[key] = message
            page = body.get("next")
            if not page:
                return found


class Daemon:
    """A frontdeskd. The port is chosen at the first start and kept."""

    def __init__(self, site, name="server", config=None, demo=False, environment=None):
        self.site, self.demo = site, demo
        self.data = site.path / name
        self.log_path = site.path / (name + ".log")
        self.config_path = None
        self.environment = dict(environment or {})
        self.process = self.url = None
        self.port = 0
        if config is not None:
            self.config_path = site.path / (name + ".conf")
            self.config_path.write_text(config, encoding="utf-8")

    def add_user(self, name, password="correct horse", role="manager"):
        self.admin("user", "add", name, "--role", role, "--password-stdin", "--data", self.data, stdin=password)

    def create_token(self, name):
        return self.admin("token", "create", name, "--data", self.data).strip()

    def admin(self, *arguments, stdin=""):
        done = self.site.run([daemon_program(), *map(str, arguments)], input=stdin)
        assert done.returncode == 0, "frontdeskd %s: %s" % (" ".join(map(str, arguments)), done.stderr)
        return done.stdout

    def spawn(self):
        """Starts it without waiting."""
        command = [daemon_program(), "--data", str(self.data), "--listen", "127.0.0.1:%d" % self.port]
        if self.config_path:
            command += ["--config", str(self.config_path)]
        if self.demo:
            command.append("--demo")
        with open(self.log_path, "ab") as log:
            self.process = self.site.start(command, stdout=subprocess.PIPE, stderr=log,
                                           environment=self.environment)

    def wait_ready(self, seconds=20):
        line = read_line(self.process.stdout, seconds)
        match = re.fullmatch(r"listening on (http://127\.0\.0\.1:(\d+))", line or "")
        if not match:
            raise AssertionError("frontdeskd did not start: %r\n%s" % (line, self.log()[-2000:]))
        self.url, self.port = match.group(1), int(match.group(2))

    def start(self):
        self.spawn()
        self.wait_ready()
        if self.demo or (self.config_path and "platform=demo" in self.config_path.read_text(encoding="utf-8")):
            wait_for("the demo's customers", self.has_demo_chats)
        return self

    def has_demo_chats(self):
        """It serves before its customers have said anything; they have when their connection is up."""
        _, body = Rest(self.url, None).call("GET", "/health/ready")
        return not re.search(r'"state": ?"starting"', json.dumps(body))

    def stop(self):
        """SIGTERM; it must end by itself and say that all went well."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10 * SLOWNESS)
        self.process.stdout.close()
        assert code == 0, "frontdeskd ended with %d\n%s" % (code, self.log()[-2000:])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def demo_token(self):
        return (self.data / "demo-token").read_text().strip()

    def rest(self, token):
        return Rest(self.url, token)


class Client:
    """frontdeskctl on one cache."""

    def __init__(self, site, url, token, name="cache", environment=None):
        self.site, self.url = site, url
        self.cache = site.path / name
        self.environment = dict(environment or {})
        if token:
            self.environment["FRONTDESK_TOKEN"] = token

    def command(self, *arguments):
        server = ["--server", self.url] if self.url else []
        return [client_program(), "--cache", str(self.cache), *server, *map(str, arguments)]

    def run(self, *arguments, stdin="", timeout=60):
        return self.site.run(self.command(*arguments), input=stdin, environment=self.environment,
                             timeout=timeout)

    def start(self, *arguments, **options):
        return self.site.start(self.command(*arguments), environment=self.environment, **options)

    def ok(self, *arguments, **options):
        done = self.run(*arguments, **options)
        assert done.returncode == 0, "frontdeskctl %s: exit %d: %s%s" % (
            " ".join(map(str, arguments)), done.returncode, done.stdout, done.stderr)
        return done.stdout

    def code(self, *arguments, **options):
        return self.run(*arguments, **options).returncode

    def json(self, *arguments):
        return [json.loads(line) for line in self.ok("--json", *arguments).splitlines()]

    def sync(self):
        self.ok("sync", "--once")

    def texts(self, chat):
        return [message["text"] for message in self.json("history", chat, "--limit", "1000")]

    def everything(self):
        found = {}
        for chat in self.json("chats"):
            name = chat["platform"] + "/" + chat["user_id"]
            for message in self.json("history", name, "--limit", "1000000"):
                found[name, message["chat_seq"]] = message
        return found


class Emulator:
    """telegram-test-api: a Bot API by somebody else."""

    def __init__(self, site, token="4242:TESTTOKEN"):
        self.token = token
        modules = os.environ.get("FRONTDESK_NODE_MODULES") or str(BUILD / "node" / "node_modules")
        if not os.path.isdir(os.path.join(modules, "telegram-test-api")):
            raise RuntimeError("telegram-test-api is not in %s; tests/run.sh installs it" % modules)
        self.process = site.start(["node", str(SOURCE / "tests/support/telegram-emulator.js")],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  environment={"NODE_PATH": modules})
        line = read_line(self.process.stdout, 30)
        assert line and line.startswith("http://127.0.0.1:"), "the emulator did not start: %r" % line
        self.rest = Rest(line, None)
        self.url = line

    def person_says(self, chat_id, name, text):
        person = {"id": chat_id, "first_name": name, "is_bot": False, "username": name.lower()}
        status, body = self.rest.call("POST", "/sendMessage", {
            "botToken": self.token, "date": int(time.time()), "from": person, "text": text,
            "chat": {"id": chat_id, "type": "private", "first_name": name, "username": name.lower()}})
        assert status == 200, (status, body)

    def person_sees(self, chat_id):
        """Takes the answers that came since the last call."""
        status, body = self.rest.call("POST", "/getUpdates", {"token": self.token, "chatId": chat_id})
        assert status == 200, (status, body)
        return [update["message"]["text"] for update in body["result"] if "message" in update]


def read_line(stream, seconds):
    """One line of a binary pipe, without its end; None if it does not come in time."""
    deadline = time.monotonic() + seconds * SLOWNESS
    line = b""
    while time.monotonic() < deadline:
        if not select.select([stream], [], [], 0.1)[0]:
            continue
        byte = os.read(stream.fileno(), 1)
        if byte in (b"", b"\n"):
            break
        line += byte
    else:
        return None
    return line.decode("utf-8", "replace") or None


class Done:
    def __init__(self, process, stdout, stderr):
        self.returncode, self.stdout, self.stderr = process.returncode, stdout, stderr


class Site:
    """A temporary folder and all that runs in it."""

    def __init__(self, prefix="frontdesk-test-"):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        self.processes = []
        for name in ("home", "run"):
            (self.path / name).mkdir(mode=0o700)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def env(self, more=None):
        home = self.path / "home"
        clean = {key: value for key, value in os.environ.items()
                 if not key.startswith(("FRONTDESK_TOKEN", "XDG_", "SECRET_"))}
        return {**clean, "HOME": str(home), "XDG_RUNTIME_DIR": str(self.path / "run"), "LC_ALL": "C.UTF-8",
                "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config"),
                "XDG_CACHE_HOME": str(home / "cache"), "XDG_STATE_HOME": str(home / "state"),
                "GSETTINGS_BACKEND": "memory", "NO_PROXY": "*", "no_proxy": "*", **(more or {})}

    def start(self, command, environment=None, **options):
        process = subprocess.Popen(command, env=self.env(environment), **options)
        self.processes = [old for old in self.processes if old.poll() is None] + [process]
        return process

    def run(self, command, input="", environment=None, timeout=60):
        process = self.start(command, environment=environment, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(input.encode(), timeout * SLOWNESS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError("%s did not end within %g s: %r %r" % (command, timeout * SLOWNESS, out, err))
        return Done(process, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream and not stream.closed:
                    stream.close()
        shutil.rmtree(self.path, ignore_errors=True)


def run_tests(module):
    """Runs every test_… function of a module, each with a Site of its own, and speaks TAP.
    An argument on the command line is a part of the names to run."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    signal.signal(signal.SIGTERM, lambda *unused: sys.exit(1))  # a time limit: clean up, too
    tests = [(name, function) for name, function in vars(module).items()
             if name.startswith("test_") and wanted in name]
    print("1..%d" % len(tests), flush=True)
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        start = time.monotonic()
        try:
            with Site() as site:
                try:
                    function(site)
                except BaseException:
                    for log in sorted(site.path.glob("*.log")):
                        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
                        print("".join("# %s: %s\n" % (log.name, line) for line in tail), end="")
                    raise
            print("ok %d - %s" % (number, name[5:].replace("_", " ")), flush=True)
        except Exception:
            failed += 1
            # On both: a runner that reads the TAP shows only what is on standard error.
            for stream in (sys.stdout, sys.stderr):
                print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="",
                      file=stream, flush=True)
            print("not ok %d - %s" % (number, name[5:].replace("_", " ")), flush=True)
        print("# %.1f s" % (time.monotonic() - start), flush=True)
    return 1 if failed else 0


def in_threads(*functions):
    """Runs them side by side; raises the first failure of any."""
    failures = []

    def guarded(function):
        try:
            function()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
