#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of messages from outside: sending them, links to them, and what is refused.

    test-http-files.py FRONTDESKD [unittest's arguments]
"""

import hashlib
import http.client
import json
import os
import re
import socket
import stat
import struct
import subprocess
import sys
import time
import unittest
import zlib

from daemon_support import CRM, Daemon, WebSocket, desk_schema, wait_for

PROGRAM = None
MIB = 1024 * 1024
BOUNDARY = "x7f3a9-boundary"
NO_LIMIT = "[limits]\nrequests_per_minute=0\n"
SHORT = "[limits]\ntimeout_s=2\n"


def png(width, height, seed=0):
    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))
    rows = b"".join(b"\0" + bytes([(x * 7 + y * 3 + seed) & 255 for x in range(width * 3)])
                    for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def form(files, fields=None, field="files", end=True):
    """The body of a form. files: (name, bytes) pairs, the name as text or as bytes."""
    body = b""
    for name, value in (fields or {}).items():
        value = value if isinstance(value, bytes) else value.encode()
        body += ('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' % (BOUNDARY, name)
                 ).encode() + value + b"\r\n"
    for name, data in files:
        name = name if isinstance(name, bytes) else name.encode()
        body += (b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="'
                 + field.encode() + b'"; filename="' + name
                 + b'"\r\nContent-Type: application/x-lie\r\n\r\n') + data + b"\r\n"
    return body + (("--%s--\r\n" % BOUNDARY).encode() if end else b"")


def has_files(daemon):
    page = daemon.request("GET", CRM + "/messages?limit=1000").data
    return all(a["state"] != "pending" for m in page for a in m["attachments"])


def chat_of(daemon, user_id=None):
    chats = wait_for(lambda: daemon.request("GET", CRM + "/chats").data, "the demo's chats")
    wait_for(lambda: has_files(daemon), "the demo's files")
    chat = next(c for c in chats if user_id is None or c["user_id"] == user_id)
    return "%s/chats/%s/%s" % (CRM, chat["platform"], chat["user_id"])


def send_file(daemon, chat, files, token="", kind=None, body=None, **fields):
    headers = {"Content-Type": "multipart/form-data; boundary=" + BOUNDARY}
    return daemon.request("POST", chat + "/send-file", body or form(files, fields), headers=headers,
                          token=token, kind=kind)


def get_file(daemon, attachment, token=None):
    return daemon.request("GET", "/api/v1" + attachment["url"], token=token)


def names_below(folder):
    found = []
    for top, _, names in os.walk(os.path.join(folder, "files")):
        found += [os.path.relpath(os.path.join(top, name), folder) for name in names]
    return sorted(found)


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(PROGRAM, config=NO_LIMIT)
        cls.chat = chat_of(cls.daemon)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.__exit__()

    def send(self, files, **fields):
        return send_file(self.daemon, self.chat, files, **fields)

    def message(self, answer):
        self.assertEqual(answer.status, 201, answer)
        desk_schema.validate("send_answer", answer.json)
        return answer.data["message"]

    # ── Sending ──────────────────────────────────────────────────────────────────────────────
    def test_picture(self):
        picture = png(40, 30)
        message = self.message(self.send([("coat.png", picture)], caption="The coat",
                                         client_message_id="picture-1"))
        self.assertEqual((message["kind"], message["text"]), ("image", "The coat"))
        self.assertEqual(message["status"], "queued")
        [attachment] = message["attachments"]
        self.assertEqual(attachment["filename"], "coat.png")
        self.assertEqual(attachment["mimeType"], "image/png")
        self.assertEqual(attachment["size"], len(picture))
        self.assertEqual((attachment["width"], attachment["height"]), (40, 30))
        self.assertEqual(attachment["sha256"], hashlib.sha256(picture).hexdigest())
        self.assertEqual(attachment["state"], "ready")
        self.assertRegex(attachment["url"], r"^/crm/files/[^/?]+\?expires=\d+&sig=[0-9a-f]+$")
        got = get_file(self.daemon, attachment)
        self.assertEqual((got.status, got.body), (200, picture))
        self.assertEqual(got.headers["Content-Type"], "image/png")
        self.assertEqual(got.headers["Content-Disposition"], "attachment")
        self.assertEqual(got.headers["X-Content-Type-Options"], "nosniff")
        self.assertIn("sandbox", got.headers["Content-Security-Policy"])
        # the customer gets it
        wait_for(lambda: self.find(message["id"])["status"] in ("sent", "delivered", "read"),
                 "delivery")

    def find(self, message_id):
        page = self.daemon.request("GET", self.chat + "/messages?limit=1000&before_seq=0",
                                   kind="messages_answer").data
        return next(m for m in page if m["id"] == message_id)

    def test_several(self):
        files = [("a.png", png(3, 3, 1)), ("b.pdf", b"%PDF-1.4\n..."), ("empty.txt", b"")]
        message = self.message(self.send(files))
        self.assertEqual((message["kind"], message["text"]), ("file", ""))
        self.assertEqual([a["filename"] for a in message["attachments"]],
                         ["a.png", "b.pdf", "empty.txt"])
        for (_, data), attachment in zip(files, message["attachments"]):
            self.assertEqual(attachment["size"], len(data))
            self.assertEqual(get_file(self.daemon, attachment).body, data)

    def test_kinds(self):
        for data, kind, mime in ((b"\xff\xd8\xff\xe0\0\x10JFIF", "image", "image/jpeg"),
                                 (b"\0\0\0\x18ftypmp42\0\0\0\0", "video", "video/mp4"),
                                 (b"OggS\0\x02", "audio", "audio/ogg"),
                                 (b"<html><script>x</script></html>", "file", None),
                                 (b"\0\1\2\3 no picture", "file", None)):
            message = self.message(self.send([("picture.png", data)]))
            self.assertEqual(message["kind"], kind, data)
            if mime is not None:
                self.assertEqual(message["attachments"][0]["mimeType"], mime)
            else:
                self.assertNotIn("image", message["attachments"][0]["mimeType"])
                self.assertNotIn("image", get_file(self.daemon, message["attachments"][0])
                                 .headers["Content-Type"])

    def test_empty_ones_of_one_name(self):
        for files in ([("a.txt", b""), ("a.txt", b"second")],
                      [("a.txt", b""), ("a.txt", b""), ("a.txt", b"third")],
                      [("a.txt", b"first"), ("a.txt", b""), ("a.txt", b"third"), ("a.txt", b"")]):
            message = self.message(self.send(files))
            self.assertEqual([a["size"] for a in message["attachments"]],
                             [len(data) for _, data in files])

    def test_same_bytes_are_kept_once(self):
        data = b"the same bytes, twice" * 50
        one = self.message(self.send([("one.bin", data)]))
        two = self.message(self.send([("two.bin", data)]))
        self.assertNotEqual(one["id"], two["id"])
        self.assertEqual(two["attachments"][0]["filename"], "two.bin")
        digest = hashlib.sha256(data).hexdigest()
        self.assertEqual([n for n in names_below(self.daemon.data) if digest in n],
                         ["files/%s/%s" % (digest[:2], digest)])

    def test_modes_and_leftovers(self):
        self.message(self.send([("m.bin", b"modes")]))
        for name in names_below(self.daemon.data) + ["files.key"]:
            path = os.path.join(self.daemon.data, name)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, name)
            self.assertFalse(name.startswith("files/tmp/"), name)
        for top, _, _ in os.walk(os.path.join(self.daemon.data, "files")):
            self.assertEqual(stat.S_IMODE(os.stat(top).st_mode), 0o700, top)

    def test_note(self):
        message = self.message(self.send([("n.txt", b"a note's file")], private="true"))
        self.assertTrue(message["private"])
        self.assertIsNone(message["status"])

    def test_quote_and_guard(self):
        first = self.message(self.send([("q.txt", b"quoted")], seen_seq="0", force="1"))
        second = self.message(self.send([("r.txt", b"quotes")], reply_to=first["id"]))
        self.assertEqual(second["reply_to"]["id"], first["id"])
        other = self.daemon.add_user("other-%d" % os.getpid(), "long enough")
        wait_for(lambda: self.daemon.request("GET", CRM + "/chats", token=other).status == 200,
                 "the other's token", 5)
        stale = self.send([("s.txt", b"stale")], token=other, seen_seq="1")
        self.assertEqual((stale.status, stale.code), (409, "STALE_REPLY"), stale)
        told = stale.json["error"]["details"]["messages"]
        self.assertEqual(get_file(self.daemon, told[-1]["attachments"][0]).status, 200)

    def test_fields_may_follow_the_files(self):
        body = form([("late.txt", b"first the file")], end=False) + form([], {"caption": "late"})
        self.assertEqual(self.message(self.send([], body=body))["text"], "late")

    # ── Idempotency ──────────────────────────────────────────────────────────────────────────
    def test_repeat(self):
        files = [("r1.txt", b"one"), ("r2.txt", b"two")]
        fields = {"caption": "again", "client_message_id": "repeat-1"}
        first = self.message(self.send(files, **fields))
        second = self.send(files, kind="send_answer", **fields)
        self.assertEqual((second.status, second.data["duplicate"]), (200, True))
        self.assertEqual(second.data["message"]["id"], first["id"])
        self.assertEqual(get_file(self.daemon, second.data["message"]["attachments"][1]).body, b"two")
        for changed in (self.send([("r1.txt", b"one"), ("r2.txt", b"2")], **fields),
                        self.send(files[::-1], **fields), self.send(files[:1], **fields),
                        self.send(files, **dict(fields, caption="other")),
                        self.daemon.request("POST", self.chat + "/send",
                                            {"text": "again", "client_message_id": "repeat-1"})):
            self.assertEqual((changed.status, changed.code), (422, "IDEMPOTENCY_MISMATCH"), changed)

    # ── Names ────────────────────────────────────────────────────────────────────────────────
    def test_names(self):
        for name, kept in (("Пальто — синє.png", "Пальто — синє.png"),
                           ("外套.jpg", "外套.jpg"),
                           ("../../etc/passwd", "passwd"),
                           ("..\\\\..\\\\boot.ini", "boot.ini"),
                           ("/etc/cron.d/x", "x"),
                           ("..", "file"), ("", "file"), (".bashrc", "bashrc"),
                           ("invoice\u202egpj.exe", "invoicegpj.exe"),
                           ("a\tb\x01c.txt", "abc.txt"),
                           (b"bad\xff\xfename.txt", None),
                           ("n" * 900 + ".png", "n" * 196 + ".png"),
                           ("ї" * 300 + ".pdf", "ї" * 98 + ".pdf")):
            before = names_below(self.daemon.data)
            message = self.message(self.send([(name, b"name " + repr(name).encode())]))
            got = message["attachments"][0]["filename"]
            if kept is not None:
                self.assertEqual(got, kept, name)
            self.assertLessEqual(len(got.encode()), 200)
            [new] = set(names_below(self.daemon.data)) - set(before)
            self.assertRegex(new, r"^files/[0-9a-f]{2}/[0-9a-f]{64}$")

    # ── Refusals ─────────────────────────────────────────────────────────────────────────────
    def refused(self, answer, status, code, field=None):
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        if field is not None:
            self.assertEqual(answer.json["error"]["details"]["field"], field)
        return answer

    def test_forms_that_are_wrong(self):
        text = [("t.txt", b"x")]
        self.refused(self.send([], caption="no file"), 422, "INVALID", "files")
        self.refused(self.send(text, private="perhaps"), 422, "INVALID", "private")
        self.refused(self.send(text, seen_seq="-1"), 422, "INVALID", "seen_seq")
        self.refused(self.send(text, client_message_id=""), 422, "INVALID", "client_message_id")
        self.refused(self.send(text, client_message_id="k" * 129), 422, "INVALID",
                     "client_message_id")
        self.refused(self.send(text, reply_to="no-such-message"), 422, "INVALID", "reply_to")
        self.refused(self.send(text, caption=b"\xff\xfe"), 422, "INVALID", "caption")
        self.refused(self.send(text * 11), 422, "INVALID", "files")
        self.refused(self.send([], body=form(text, end=False)), 400, "BAD_REQUEST")
        self.refused(self.send([], body=b"no form at all"), 422, "INVALID", "files")
        path = self.chat + "/send-file"
        self.refused(self.daemon.request("POST", path, {"text": "x"}), 415, "UNSUPPORTED_MEDIA_TYPE")
        self.refused(self.daemon.request("POST", path, b"a=b", headers={
            "Content-Type": "application/x-www-form-urlencoded"}), 415, "UNSUPPORTED_MEDIA_TYPE")
        self.refused(self.daemon.request("POST", path, b"x", headers={
            "Content-Type": "multipart/form-data"}), 400, "BAD_REQUEST")
        self.refused(self.daemon.request("POST", path), 400, "BAD_REQUEST")
        self.refused(self.daemon.request("PUT", path, b"x"), 405, "METHOD_NOT_ALLOWED")
        self.refused(self.send(text, token=None), 401, "UNAUTHORIZED")
        self.refused(send_file(self.daemon, CRM + "/chats/demo/nobody", text), 404, "NOT_FOUND")
        self.assertEqual([n for n in names_below(self.daemon.data) if "/tmp/" in n], [])

    def test_caption_over_the_limit(self):
        answer = self.refused(self.send([("c.txt", b"x")], caption="c" * 4097), 422, "TEXT_TOO_LONG")
        self.assertEqual(answer.json["error"]["details"]["limit"], 4096)
        self.refused(self.send([("c.txt", b"x")], caption="c" * 70000), 422, "INVALID", "caption")
        self.assertEqual(self.send([("c.txt", b"x")], caption="ї" * 4096).status, 201)

    def test_too_large(self):
        most = os.urandom(1024) * 20 * 1024
        message = self.message(self.send([("most.bin", most)]))
        self.assertEqual(message["attachments"][0]["size"], 20 * MIB)
        self.assertEqual(hashlib.sha256(get_file(self.daemon, message["attachments"][0]).body).digest(),
                         hashlib.sha256(most).digest())
        before = names_below(self.daemon.data)
        answer = self.refused(self.send([("small", b"x"), ("more.bin", most + b"x")]), 413, "TOO_LARGE")
        self.assertEqual(answer.json["error"]["details"], {"limit": 20 * MIB, "unit": "bytes"})
        self.assertEqual(names_below(self.daemon.data), before)
        # told by the header: refused before the body comes
        head = ("POST %s/send-file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: "
                "multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"
                % (self.chat, self.daemon.token, 300 * MIB)).encode()
        self.assertIn(b" 413 ", self.daemon.raw(head).split(b"\r\n")[0])

    def test_memory_stays_small(self):
        """Eight files of 20 MiB in one request do not pass through memory as a whole."""
        def peak():
            with open("/proc/%d/status" % self.daemon.process.pid, encoding="ascii") as stream:
                return int(re.search(r"VmHWM:\s+(\d+)", stream.read()).group(1))
        before = peak()
        block = os.urandom(MIB)
        files = [("%d.bin" % i, bytes([i]) + block * 19) for i in range(8)]
        self.assertEqual(self.send(files).status, 201)
        self.assertLess(peak() - before, 30 * 1024)

    # ── Links ────────────────────────────────────────────────────────────────────────────────
    def test_links(self):
        message = self.message(self.send([("l.txt", b"linked")]))
        [attachment] = message["attachments"]
        path = "/api/v1" + attachment["url"]
        expires = int(re.search(r"expires=(\d+)", path).group(1))
        self.assertAlmostEqual(expires, time.time() + 15 * 60, delta=30)
        signature = path.rsplit("=", 1)[1]
        base = path.split("?")[0]
        for bad in (base, base + "?expires=%d" % expires, base + "?sig=" + signature,
                    path[:-1] + ("0" if path[-1] != "0" else "1"),
                    base + "?expires=%d&sig=%s" % (expires + 3600, signature),
                    base + "?expires=%d&sig=" % expires,
                    base + "?expires=x&sig=" + signature,
                    base + "?expires=99999999999999999999&sig=" + signature,
                    CRM + "/files/" + "0" * 64 + "?expires=%d&sig=%s" % (expires, signature),
                    CRM + "/files/..%%2f..%%2ffiles.key?expires=%d&sig=%s" % (expires, signature),
                    CRM + "/files/files.key?expires=%d&sig=%s" % (expires, signature)):
            for token in (None, ""):
                answer = self.daemon.request("GET", bad, token=token)
                self.assertIn((answer.status, answer.code),
                              ((403, "FORBIDDEN"), (404, "NOT_FOUND"), (400, "BAD_REQUEST")), bad)
        self.assertEqual(self.daemon.request("GET", path, token=None).body, b"linked")
        head = self.daemon.request("HEAD", path, token=None)
        self.assertEqual((head.status, head.headers["Content-Length"], head.body), (200, "6", b""))
        self.assertEqual(self.daemon.request("POST", path, {}, token=None).status, 405)

    def test_byte_by_byte(self):
        """However a form is cut into pieces on its way, it is the same form."""
        files = [("first.bin", b"one"), ("empty.txt", b""), ("empty.txt", b"x"),
                 ("last.bin", b"--" + BOUNDARY.encode()[:5])]
        body = form(files, {"caption": "In pieces", "seen_seq": "0", "force": "true", "private": "true"})
        head = ("POST %s/send-file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n"
                "Content-Type: multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n"
                % (self.chat, self.daemon.token, BOUNDARY, len(body))).encode()
        with socket.create_connection(("127.0.0.1", self.daemon.port), timeout=60) as raw:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.sendall(head)
            for i in range(len(body)):
                raw.sendall(body[i:i + 1])
                time.sleep(0.0005) # so that each byte is a segment
            answer = b""
            while chunk := raw.recv(65536):
                answer += chunk
        self.assertTrue(answer.startswith(b"HTTP/1.1 201"), answer[:500])
        message = json.loads(answer.split(b"\r\n\r\n", 1)[1])["data"]["message"]
        self.assertEqual((message["text"], message["private"]), ("In pieces", True))
        self.assertEqual([a["filename"] for a in message["attachments"]], [n for n, _ in files])
        self.assertEqual([get_file(self.daemon, a).body for a in message["attachments"]], [d for _, d in files])

    def test_rest_of_a_file(self):
        data = os.urandom(300000)
        [attachment] = self.message(self.send([("part.bin", data)]))["attachments"]
        whole = get_file(self.daemon, attachment)
        self.assertEqual(whole.headers["Accept-Ranges"], "bytes")
        etag = whole.headers["ETag"]
        self.assertEqual(etag, '"%s"' % attachment["sha256"])

        def ask(**headers):
            return self.daemon.request("GET", "/api/v1" + attachment["url"],
                                       headers={k.replace("_", "-"): v for k, v in headers.items()})
        for first, last in ((1, ""), (100000, ""), (299999, ""), (5, 10), (0, 0), (299000, 999999999)):
            got = ask(Range="bytes=%d-%s" % (first, last), If_Range=etag)
            end = min(int(last) if last != "" else len(data), len(data) - 1)
            self.assertEqual((got.status, got.body), (206, data[first:end + 1]), (first, last))
            self.assertEqual(got.headers["Content-Range"], "bytes %d-%d/%d" % (first, end, len(data)))
        for headers in ({"Range": "bytes=300000-"}, {"Range": "bytes=-5"}, {"Range": "bytes=9-5"},
                        {"Range": "bytes=1-2,4-5"}, {"Range": "lines=1-"}, {"Range": "bytes=x-"},
                        {"Range": "bytes=99999999999999999999999-"},
                        {"Range": "bytes=5-", "If_Range": '"other"'}):
            got = ask(**headers)
            self.assertEqual((got.status, got.body), (200, data), headers)

    def test_links_everywhere(self):
        """Every way by which a message is told has a link that works."""
        cursor = self.daemon.request("GET", CRM + "/changes").data["cursor"]
        epoch_cursor = cursor
        with WebSocket(self.daemon, "?v=2&cursor=" + cursor) as two, \
                WebSocket(self.daemon) as zero:
            two.expect("hello")
            sent = self.message(self.send([("e.txt", b"everywhere")]))
            told = {"answer": sent,
                    "level 2": two.expect("new_message", id=sent["id"])["data"],
                    "level 0": zero.expect("new_message", id=sent["id"])["data"]}
        told["page"] = self.find(sent["id"])
        for name, path in (("offset", self.chat + "/messages?limit=100"),
                           ("all", CRM + "/messages?limit=100")):
            page = self.daemon.request("GET", path, kind="messages_answer").data
            told[name] = next(m for m in page if m["id"] == sent["id"])
        events = self.daemon.request("GET", CRM + "/changes?cursor=" + epoch_cursor,
                                     kind="changes_answer").data["events"]
        told["changes"] = next(e["data"] for e in events
                               if e["type"] == "new_message" and e["data"]["id"] == sent["id"])
        with WebSocket(self.daemon, "?v=2&cursor=" + epoch_cursor) as again:
            told["replay"] = again.expect("new_message", id=sent["id"])["data"]
        for name, message in told.items():
            answer = get_file(self.daemon, message["attachments"][0])
            self.assertEqual((answer.status, answer.body), (200, b"everywhere"), name)

    def test_no_signature_is_stored(self):
        self.message(self.send([("s.txt", b"stored")]))
        for name in os.listdir(self.daemon.data):
            if name.startswith("frontdesk.db"):
                with open(os.path.join(self.daemon.data, name), "rb") as stream:
                    self.assertNotIn(b"sig=", stream.read(), name)

    def test_what_looks_like_a_link_is_text(self):
        text = '"url":"/crm/files/' + "a" * 64 + '"'
        message = self.message(self.send([("t.txt", b"x")], caption=text))
        self.assertEqual(message["text"], text)
        self.assertEqual(self.find(message["id"])["text"], text)


class Connection(unittest.TestCase):
    def test_broken_off(self):
        """A client that goes away in the middle of a file leaves nothing."""
        with Daemon(PROGRAM, config=SHORT) as daemon:
            self.break_off(daemon, chat_of(daemon))

    @staticmethod
    def break_off(daemon, chat):
        body = form([("gone.bin", b"g" * MIB)], end=False)
        before = names_below(daemon.data)
        with socket.create_connection(("127.0.0.1", daemon.port)) as connection:
            connection.sendall(
                ("POST %s/send-file HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: "
                 "multipart/form-data; boundary=%s\r\nContent-Length: %d\r\n\r\n"
                 % (chat, daemon.token, BOUNDARY, 2 * MIB)).encode() + body)
            wait_for(lambda: any("/tmp/" in n for n in names_below(daemon.data)),
                     "the temporary file")
        wait_for(lambda: names_below(daemon.data) == before, "its removal")


class Demo(unittest.TestCase):
    def test_files_of_customers(self):
        """Each file of the demo's past becomes a real one, told by an event; also after a kill."""
        with Daemon(PROGRAM) as daemon:
            wait_for(lambda: daemon.request("GET", CRM + "/chats").data, "the demo's chats")
            daemon.process.kill()
            daemon.process.wait()
            daemon.start()

            def attachments():
                page = daemon.request("GET", CRM + "/messages?limit=1000", kind="messages_answer").data
                found = [a for m in page for a in m["attachments"]]
                return found if found and all(a["state"] != "pending" for a in found) else None
            found = wait_for(attachments, "the files")
            self.assertGreaterEqual(len(found), 5)
            kinds = set()
            for attachment in found:
                self.assertEqual(attachment["state"], "ready", attachment)
                answer = get_file(daemon, attachment)
                self.assertEqual((answer.status, len(answer.body)), (200, attachment["size"]))
                self.assertEqual(hashlib.sha256(answer.body).hexdigest(), attachment["sha256"])
                self.assertEqual(answer.headers["Content-Type"], attachment["mimeType"])
                kinds.add(attachment["mimeType"])
                if attachment["mimeType"] == "image/png":
                    check_png(self, answer.body, attachment["width"], attachment["height"])
            self.assertEqual(kinds, {"image/png", "audio/x-wav", "application/pdf"})
            page = daemon.request("GET", CRM + "/changes?cursor=%s:0-0" % daemon.request(
                "GET", CRM + "/changes").data["cursor"].split(":")[0]).data["events"]
            updated = [e for e in page if e["type"] == "message_updated" and e["data"]["attachments"]]
            self.assertEqual(len(updated), len(found))


def check_png(test, data, width, height):
    """Every checksum and every row."""
    place, pixels = 8, b""
    while place < len(data):
        length, = struct.unpack(">I", data[place:place + 4])
        chunk = data[place + 4:place + 8 + length]
        test.assertEqual(struct.unpack(">I", data[place + 8 + length:place + 12 + length])[0],
                         zlib.crc32(chunk))
        if chunk[:4] == b"IHDR":
            test.assertEqual(struct.unpack(">II", chunk[4:12]), (width, height))
        elif chunk[:4] == b"IDAT":
            pixels += chunk[4:]
        place += 12 + length
    test.assertEqual(len(zlib.decompress(pixels)), height * (1 + 3 * width))


class Cleanup(unittest.TestCase):
    def test_files_that_nobody_names(self):
        """The daily cleanup removes what is old and unnamed, and nothing else."""
        with Daemon(PROGRAM) as daemon:
            chat = chat_of(daemon)
            named = send_file(daemon, chat, [("n.txt", b"named")], caption="hello").data["message"]
            refused = send_file(daemon, CRM + "/chats/demo/nobody", [("o.txt", b"orphan, old")])
            self.assertEqual(refused.status, 404)
            send_file(daemon, CRM + "/chats/demo/nobody", [("y.txt", b"orphan, young")])
            self.assertEqual(daemon.stop()[0], 0)

            def path_of(data):
                digest = hashlib.sha256(data).hexdigest()
                return os.path.join(daemon.data, "files", digest[:2], digest)
            for data in (b"named", b"orphan, old"):
                os.utime(path_of(data), (time.time() - 2 * 86400,) * 2)
            os.utime(os.path.join(daemon.data, "cleanup.stamp"), (time.time() - 3 * 86400,) * 2)
            daemon.start()
            wait_for(lambda: not os.path.exists(path_of(b"orphan, old")), "the cleanup")
            self.assertTrue(os.path.exists(path_of(b"named")))
            self.assertTrue(os.path.exists(path_of(b"orphan, young")))
            page = daemon.request("GET", chat + "/messages?limit=1000&before_seq=0").data
            told = next(m for m in page if m["id"] == named["id"])
            self.assertEqual(get_file(daemon, told["attachments"][0]).body, b"named")


class Restart(unittest.TestCase):
    def test_files_and_links_outlive_it(self):
        with Daemon(PROGRAM) as daemon:
            chat = chat_of(daemon)
            cursor = daemon.request("GET", CRM + "/changes").data["cursor"]
            message = send_file(daemon, chat, [("k.txt", b"kept")]).data["message"]
            left = os.path.join(daemon.data, "files", "tmp", "half")
            with open(left, "wb") as stream:
                stream.write(b"half-written when the power went")
            daemon.process.kill()
            daemon.process.wait()
            daemon.start()
            self.assertEqual(get_file(daemon, message["attachments"][0]).body, b"kept")
            self.assertFalse(os.path.exists(left))
            # the log itself, and no longer what memory holds of it
            events = daemon.request("GET", CRM + "/changes?cursor=" + cursor).data["events"]
            told = next(e["data"] for e in events if e["type"] == "new_message"
                        and e["data"]["id"] == message["id"])
            self.assertEqual(get_file(daemon, told["attachments"][0]).body, b"kept")


class Expiry(unittest.TestCase):
    def test_after_fifteen_minutes(self):
        """Made with the daemon's own key, so that nothing but the time is wrong."""
        import hmac
        with Daemon(PROGRAM) as daemon:
            chat = chat_of(daemon)
            message = send_file(daemon, chat, [("x.txt", b"expires")]).data["message"]
            with open(os.path.join(daemon.data, "files.key"), "rb") as stream:
                key = stream.read()
            self.assertEqual(len(key), 32)
            digest = message["attachments"][0]["sha256"]

            def get(name, expires):
                text = ("%s\n%d" % (name, expires)).encode()
                return daemon.request("GET", "%s/files/%s?expires=%d&sig=%s" % (
                    CRM, name, expires, hmac.new(key, text, "sha256").hexdigest()), token=None)

            now = int(time.time())
            self.assertEqual(get(digest, now + 60).status, 200)
            self.assertEqual((get(digest, now - 1).status, get(digest, now - 1).code),
                             (403, "FORBIDDEN"))
            gone = get("0" * 64, now + 60)
            self.assertEqual((gone.status, gone.code), (404, "NOT_FOUND"))
            self.assertEqual(get("files.key", now + 60).status, 404)


class Disk(unittest.TestCase):
    def test_full(self):
        """A limit on file size stands in for a full disk."""
        with Daemon(PROGRAM, prefix=["prlimit", "--fsize=4000000:unlimited"],
                    config=NO_LIMIT) as daemon:
            chat = chat_of(daemon)
            before = names_below(daemon.data)
            files = [("one.bin", b"1" * 1000), ("big.bin", b"2" * 6000000)]
            refused = send_file(daemon, chat, files, client_message_id="full")
            self.assertEqual((refused.status, refused.code), (503, "STORAGE_FULL"), refused)
            self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
            self.assertEqual(names_below(daemon.data), before)
            self.assertEqual(send_file(daemon, chat, files[:1]).status, 201)
            subprocess.run(["prlimit", "--pid", str(daemon.process.pid), "--fsize=unlimited"],
                           check=True)
            again = send_file(daemon, chat, files, client_message_id="full")
            self.assertEqual(again.status, 201, again)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main()
