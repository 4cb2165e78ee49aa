# SPDX-License-Identifier: GPL-3.0-or-later
"""A frontdeskd of one's own on loopback, an HTTP client that says exactly what it is told, and a
websocket client. Nothing here sleeps for a result: everything polls with a deadline."""

import base64
import http.client
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import desk_schema  # noqa: E402

DEADLINE_S = 30
CRM = "/api/v1/crm"


def wait_for(condition, what, deadline_s=DEADLINE_S):
    end = time.monotonic() + deadline_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("not in time: " + what)
        time.sleep(0.01)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        return self.json["data"]

    @property
    def code(self):
        return self.json["error"]["code"]

    def __repr__(self):
        return "%s %r" % (self.status, self.body[:300])


class Daemon:
    """A running frontdeskd; use it in a with statement."""

    def __init__(self, program, *arguments, data=None, demo=True, config=None, environment=None,
                 prefix=(), start=True):
        self.program = program
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="frontdeskd-test-")
        self.environment = dict(os.environ, FRONTDESK_DEMO_PACE_S="0", **(environment or {}))
        self.command = [*prefix, program, "--data", self.data, "--listen", "127.0.0.1:0",
                        *(["--demo"] if demo else []), *arguments]
        if config is not None:
            path = os.path.join(self.data, "test.conf")
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(config)
            self.command += ["--config", path]
        self.demo = demo
        self.process = None
        self.errors = ""
        self.token = None
        if start:
            self.start()

    def start(self):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log,
                                        env=self.environment)
        ready, _, _ = select.select([self.process.stdout], [], [], DEADLINE_S)
        line = self.process.stdout.readline().decode() if ready else ""
        if not line.startswith("listening on http://127.0.0.1:"):
            self.process.kill()
            self.process.wait()
            raise AssertionError("frontdeskd did not start: %r %s" % (line, self.read_log()))
        self.port = int(line.rsplit(":", 1)[1])
        if self.demo:
            with open(os.path.join(self.data, "demo-token"), encoding="utf-8") as stream:
                self.token = stream.read().strip()

    def read_log(self):
        self.log.seek(0)
        return self.log.read().decode()

    def stop(self, number=signal.SIGTERM, deadline_s=10):
        """The exit code, and how long it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(deadline_s)
        return code, time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process is not None:
            self.process.stdout.close()
            self.log.close()
        if self.own_data:
            shutil.rmtree(self.data, ignore_errors=True)

    def run(self, *arguments, text=None):
        return subprocess.run([self.program, *arguments, "--data", self.data], input=text,
                              capture_output=True, text=True, timeout=DEADLINE_S,
                              env=self.environment, check=False)

    def add_user(self, name, password, role="manager"):
        done = self.run("user", "add", name, "--role", role, "--password-stdin", text=password + "\n")
        assert done.returncode == 0, done.stderr
        done = self.run("token", "create", name)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def request(self, method, path, body=None, token="", headers=None, kind=None):
        """token "": the daemon's own; None: none. body: a value for JSON, or bytes as they are."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        sent = dict(headers or {})
        token = self.token if token == "" else token
        if token is not None:
            sent["Authorization"] = "Bearer " + token
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        assert answer.headers.get("X-Request-Id"), "no X-Request-Id: %r" % answer
        if answer.status >= 400 and answer.headers["Content-Type"].startswith("application/json"):
            desk_schema.validate("error_answer", answer.json)
            assert answer.json["error"]["request_id"] == answer.headers["X-Request-Id"]
        if kind is not None:
            assert answer.status < 300, answer
            desk_schema.validate(kind, answer.json)
        return answer

    def raw(self, data, deadline_s=DEADLINE_S):
        """All that comes back until the server closes (or the deadline, as an error)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=deadline_s) as connection:
            connection.sendall(data)
            received = b""
            while True:
                try:
                    piece = connection.recv(65536)
                except ConnectionResetError:
                    return received
                if not piece:
                    return received
                received += piece


class Closed(Exception):
    def __init__(self, code):
        super().__init__("closed with %s" % code)
        self.code = code


class WebSocket:
    def __init__(self, daemon, query="", token="", headers=(), receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(DEADLINE_S)
        self.socket.connect(("127.0.0.1", daemon.port))
        token = daemon.token if token == "" else token
        lines = ["GET %s/ws%s HTTP/1.1" % (CRM, query), "Host: localhost", "Upgrade: websocket",
                 "Connection: keep-alive, Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *headers]
        if token is not None:
            lines.append("Authorization: Bearer " + token)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer = b""
        head = self.read_until(b"\r\n\r\n").decode()
        self.status = int(head.split()[1])
        if self.status == 101:
            # the value of RFC 6455, section 1.3
            assert "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, head

    def fill(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise Closed(None)
        self.buffer += piece

    def read_until(self, mark):
        while mark not in self.buffer:
            self.fill()
        head, self.buffer = self.buffer.split(mark, 1)
        return head

    def take(self, n):
        while len(self.buffer) < n:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def send_raw(self, first, payload, masked=True):
        head = bytes([first])
        length = len(payload)
        bit = 0x80 if masked else 0
        if length < 126:
            head += bytes([bit | length])
        elif length < 65536:
            head += bytes([bit | 126]) + struct.pack(">H", length)
        else:
            head += bytes([bit | 127]) + struct.pack(">Q", length)
        if masked:
            mask = os.urandom(4)
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
            head += mask
        self.socket.sendall(head + payload)

    def send(self, value):
        text = value if isinstance(value, str) else json.dumps(value)
        self.send_raw(0x81, text.encode())

    def receive(self):
        """The next frame as a value; answers pings; Closed when the server closes."""
        while True:
            first, second = self.take(2)
            length = second & 0x7f
            if length == 126:
                length, = struct.unpack(">H", self.take(2))
            elif length == 127:
                length, = struct.unpack(">Q", self.take(8))
            payload = self.take(length)
            opcode = first & 0x0f
            if opcode == 8:
                self.send_raw(0x88, payload)
                raise Closed(struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005)
            if opcode == 9:
                self.send_raw(0x8a, payload)
            elif opcode == 1:
                return json.loads(payload)

    def expect(self, kind, **fields):
        """The next frame of a type (with these members of data); others are passed over."""
        while True:
            frame = self.receive()
            if frame["type"] == kind and all(frame["data"].get(k) == v for k, v in fields.items()):
                return frame

    def expect_close(self):
        try:
            while True:
                self.receive()
        except Closed as closed:
            return closed.code

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
