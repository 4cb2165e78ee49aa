# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain CRM backend as it exists in the wild, with its hazards, in one thread a connection.

bare or enveloped answers; ids of zeros on the websocket, and times there more precise than in
REST; a limit over 100 silently becomes 50; sending answers without a message or an id; nothing is
idempotent; 100 messages a chat are kept; no capabilities, no notes, no cursor.

Faults are set by the test: server.fault = "drop" (store the message, then cut the connection),
"500" (store it, then fail), "refuse" (fail before anything is stored: 500 as well), "away" (cut
before reading). Every send that reached the "platform" is in server.platform, in order.
"""

import base64
import email.parser
import email.policy
import hashlib
import http.server
import json
import socketserver
import struct
import threading
import time
import urllib.parse
import uuid

WS_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEEP = 100


def rfc3339(ns, digits):
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9))
    return text + "." + ("%09d" % (ns % 10**9))[:digits] + "Z"


class Level0Server:
    def __init__(self, enveloped, token="plain-token", port=0):
        self.enveloped, self.token, self.fault = enveloped, token, None
        self.lock = threading.RLock()
        self.chats = {}  # (platform, user_id) → list of messages, oldest first
        self.last_ns = 0  # no two messages within a millisecond: REST could not order them
        self.names = {}
        self.read = {}
        self.platform, self.requests, self.sockets, self.marked = [], [], [], []
        self.platform_files, self.files, self.no_files, self.links = [], {}, False, 0
        self.connections = set()
        server = self

        class Handler(Connection):
            owner = server

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass  # cut connections are this server's business

        self.httpd = Server(("127.0.0.1", port), Handler)
        self.port = self.httpd.server_port
        self.url = "http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(2)
            except OSError:
                pass

    # ── what happens ──────────────────────────────────────────────────────────────────────────

    def person_says(self, platform, user_id, name, text, tell=True):
        with self.lock:
            self.names[platform, user_id] = name
            self.add(platform, user_id, "incoming", "user", text, tell)

    def expire_links(self):
        self.links += 1

    def add(self, platform, user_id, direction, sender, text, tell=True, files=()):
        with self.lock:
            ns = self.last_ns = max(time.time_ns(), self.last_ns + 1_000_000)
            messages = self.chats.setdefault((platform, user_id), [])
            message = {"ns": ns, "id": str(uuid.uuid4()), "platform": platform, "user_id": user_id,
                       "direction": direction, "sender": sender, "text": text,
                       "files": [(str(uuid.uuid4()), name, len(data)) for name, data in files]}
            self.files.update((file[0], data) for file, (_, data) in zip(message["files"], files))
            messages.append(message)
            del messages[:-KEEP]
            if tell:
                # the hazard: the id is not known yet, and the time is not yet cut
                event = self.show(message, 9)
                event["id"] = "00000000-0000-0000-0000-000000000000"
                event.pop("attachments", None)
                self.broadcast({"type": "new_message", "data": event})
            return message

    def show(self, message, digits):
        attachments = {"attachments": [
            {"fileId": file_id, "filename": name, "mimeType": "application/octet-stream", "size": size,
             "url": "/crm/files/%s?expires=1&sig=%d" % (file_id, self.links)}
            for file_id, name, size in message["files"]]} if message["files"] else {}
        return {**attachments, "id": message["id"], "platform": message["platform"], "user_id": message["user_id"],
                "chat_id": message["user_id"], "direction": message["direction"],
                "sender": message["sender"], "text": message["text"],
                "created_at": rfc3339(message["ns"], digits),
                "user_name": self.names.get((message["platform"], message["user_id"]), "")}

    def broadcast(self, event):
        frame = text_frame(json.dumps(event).encode())
        for socket in list(self.sockets):
            try:
                socket.sendall(frame)
            except OSError:
                self.sockets.remove(socket)

    # ── what is asked ─────────────────────────────────────────────────────────────────────────

    def summaries(self):
        with self.lock:
            found = []
            for (platform, user_id), messages in self.chats.items():
                last = messages[-1]
                unread = sum(1 for m in messages if m["direction"] == "incoming"
                             and m["ns"] > self.read.get((platform, user_id), 0))
                found.append((last["ns"], {
                    "platform": platform, "user_id": user_id, "user_name": self.names.get((platform, user_id), ""),
                    "last_message": last["text"], "last_time": rfc3339(last["ns"], 6), "unread": unread}))
            return [chat for _, chat in sorted(found, key=lambda pair: -pair[0])]

    def page(self, key, limit, offset):
        with self.lock:
            newest = self.chats.get(key, [])[::-1]
        limit = 50 if limit > 100 or limit < 1 else limit
        return [self.show(message, 3) for message in newest[offset:offset + limit]]


def text_frame(payload, opcode=1):
    head = bytes([0x80 | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return head + b"\x7e" + struct.pack(">H", len(payload)) + payload
    return head + b"\x7f" + struct.pack(">Q", len(payload)) + payload


class Connection(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None
    timeout = 60

    def setup(self):
        super().setup()
        self.owner.connections.add(self.connection)

    def finish(self):
        self.owner.connections.discard(self.connection)
        super().finish()

    def log_message(self, *unused):
        pass

    def answer(self, status, value):
        if self.owner.enveloped:
            value = {"data": value, "success": True, "status_message": "OK", "timestamp": rfc3339(time.time_ns(), 9)} \
                if status < 400 else {"success": False, "status_message": value}
            body = json.dumps(value, ensure_ascii=False).encode()
        else:
            body = (json.dumps(value, ensure_ascii=False) if status < 400 else value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 or self.owner.enveloped else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def parts(self):
        """(path parts below crm, query), or None after a refusal."""
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.owner.requests.append((self.command, self.path))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ") or query.get("token")
        if token != self.owner.token and "sig" not in query:
            self.answer(401, "invalid token")
            return None
        if not url.path.startswith("/api/v1/crm/"):
            self.answer(404, "404 page not found")
            return None
        return [urllib.parse.unquote(part) for part in url.path.split("/")[4:]], query

    def do_GET(self):
        asked = self.parts()
        if asked is None:
            return
        path, query = asked
        if path == ["chats"]:
            self.answer(200, self.owner.summaries())
        elif path == ["ws"]:
            self.websocket()
        elif len(path) == 2 and path[0] == "files":
            self.file(path[1], query)
        elif len(path) == 4 and path[0] == "chats" and path[3] == "messages":
            self.answer(200, self.owner.page((path[1], path[2]), int(query.get("limit", 50)), int(query.get("offset", 0))))
        else:
            self.answer(404, "404 page not found")

    def file(self, file_id, query):
        if query.get("sig") != str(self.owner.links):
            self.answer(403, "link expired")
        elif file_id not in self.owner.files:
            self.answer(404, "404 page not found")
        else:
            data = self.owner.files[file_id]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def form(self, body):
        """(caption, files) of a multipart body."""
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        caption, files = "", []
        for part in message.iter_parts():
            if part.get_filename() is not None:
                files.append((part.get_filename(), part.get_payload(decode=True)))
            elif part.get_param("name", header="content-disposition") == "caption":
                caption = part.get_payload(decode=True).decode()
        return caption, files

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = self.parts()
        if asked is None:
            return
        path = asked[0]
        with_files = path[-1] == "send-file" and not self.owner.no_files
        if len(path) != 4 or path[0] != "chats" or not (path[3] == "send" or with_files):
            self.answer(404, "404 page not found")
            return
        fault, self.owner.fault = self.owner.fault, None
        if fault == "away":
            self.connection.shutdown(2)
            return
        if fault == "refuse":
            self.answer(500, "platform error")
            return
        text, files = self.form(body) if with_files else (json.loads(body)["text"], [])
        with self.owner.lock:
            if files:
                self.owner.platform_files.append({"text": text, "files": files})
            else:
                self.owner.platform.append((path[1] + "/" + path[2], text))
            self.owner.add(path[1], path[2], "outgoing", "manager", text, files=files)
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(2)
        elif fault == "500":
            self.answer(500, "could not save")
        else:
            self.answer(200, "message sent" if self.owner.enveloped else {"ok": True})

    def do_PUT(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.owner.requests.append((self.command, self.path))
        self.answer(404, "404 page not found")

    do_PATCH = do_DELETE = do_PUT

    def websocket(self):
        key = self.headers["Sec-WebSocket-Key"] + WS_KEY
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        self.owner.sockets.append(self.connection)
        try:
            self.listen()
        except (OSError, EOFError):
            pass
        finally:
            if self.connection in self.owner.sockets:
                self.owner.sockets.remove(self.connection)

    def exactly(self, count):
        data = self.rfile.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def listen(self):
        while True:
            first, second = self.exactly(2)
            length = second & 0x7F
            if length == 126:
                length, = struct.unpack(">H", self.exactly(2))
            elif length == 127:
                length, = struct.unpack(">Q", self.exactly(8))
            if length > 16384 or not second & 0x80:
                return
            mask = self.exactly(4)
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(self.exactly(length)))
            opcode = first & 0x0F
            if opcode == 8:
                self.connection.sendall(text_frame(payload, 8))
                return
            if opcode == 9:
                self.connection.sendall(text_frame(payload, 10))
            if opcode == 1:
                event = json.loads(payload)
                if event.get("type") == "mark_read":
                    data = event["data"]
                    with self.owner.lock:
                        self.owner.marked.append(data["platform"] + "/" + data["user_id"])
                        self.owner.read[data["platform"], data["user_id"]] = time.time_ns()
