# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy between clients and a backend that does what bad networks and bad proxies do, by a seed.

Of HTTP it understands whole requests and answers: it drops them before and after the backend saw them, delays them, delivers
a request twice (at once, or later when nobody waits for it any more), cuts an answer in the middle, lets answers overtake each
other, says 5xx itself, and keeps connections open on which nothing ever comes. Of a websocket it understands the backend's
frames: it tears them at any byte, doubles, swaps, drops and delays them, and falls silent.

It runs in a thread of its own. storm() and calm() may be called at any time; counts says what was done.
"""

import asyncio
import collections
import random
import re
import threading

READ = 65536
# What happens to a request, in weights.
STORM = {
    "pass": 60, "slow": 10, "lost before": 5, "lost after": 6, "cut": 4, "silent before": 1, "silent after": 1,
    "5xx before": 4, "5xx after": 3, "twice": 4, "late copy": 2, "held back": 6,
}
# What happens to a frame of a websocket; the rest passes.
FRAMES = {"tear": 0.006, "silent": 0.002, "double": 0.05, "swap": 0.05, "drop": 0.01, "slow": 0.05, "crumbs": 0.05}
REFUSALS = (
    (500, b"<html>Internal Server Error</html>", "text/html"),
    (502, b"", "text/plain"),
    (503, b'{"success":false,"error":{"code":"UNAVAILABLE","message":"later","request_id":"proxy"}}', "application/json"),
    (504, b'{"success":false,"status_message":"timeout"}', "application/json"),
)


class Ended(Exception):
    """This connection is over."""


async def read_message(reader):
    """(head, body as it stands on the wire) of a request or an answer; EOFError at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise EOFError from error
    lower = head.lower()
    if re.search(rb"\r\ntransfer-encoding:\s*chunked", lower):
        body = b""
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            body += line + await reader.readexactly(size + 2)
            if size == 0:
                return head, body
    length = re.search(rb"\r\ncontent-length:\s*(\d+)", lower)
    if re.match(rb"http/1\.1 (1\d\d|204|304)", lower) or length is None:
        return head, b""
    return head, await reader.readexactly(int(length.group(1)))


async def read_frame(reader):
    """(opcode, the frame's bytes): of the backend, hence not masked."""
    frame = await reader.readexactly(2)
    length = frame[1] & 0x7F
    if length >= 126:
        more = await reader.readexactly(2 if length == 126 else 8)
        frame += more
        length = int.from_bytes(more, "big")
    return frame[0] & 0x0F, frame + await reader.readexactly(length)


class FaultyProxy:
    """silence_s: how long a connection on which nothing comes any more is held open."""

    def __init__(self, seed, silence_s=60):
        self.random = random.Random(seed)
        self.silence_s = silence_s
        self.target = 0
        self.stormy = False
        self.counts = collections.Counter()
        self.held = []
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait()
        self.url = "http://127.0.0.1:%d" % self.port

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        # One that is cut on purpose is no news.
        self.loop.set_exception_handler(lambda *unused: None)
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0, limit=1 << 26))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    def storm(self):
        self.stormy = True

    def calm(self, cut=False):
        """No faults from now on. cut: what has fallen silent ends, too; otherwise the clients must find out."""
        self.stormy = False
        self.loop.call_soon_threadsafe(self.release_held)
        if cut:
            self.loop.call_soon_threadsafe(self.cut_all)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def cut_all(self):
        for writer in list(self.writers):
            writer.transport.abort()

    # ── HTTP ──

    def pick(self):
        if not self.stormy:
            return "pass"
        return self.random.choices(list(STORM), STORM.values())[0]

    def release_held(self):
        for waiting in self.held:
            if not waiting.done():
                waiting.set_result(None)
        self.held.clear()

    async def serve(self, reader, writer):
        self.writers.add(writer)
        try:
            while True:
                head, body = await read_message(reader)
                if re.search(rb"\r\nupgrade:\s*websocket", head.lower()):
                    await self.websocket(head, reader, writer)
                    break
                await self.exchange(head, body, writer)
        except (Ended, EOFError, OSError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writers.discard(writer)
            writer.transport.abort() if self.stormy and self.random.random() < 0.5 else writer.close()

    async def forward(self, head, body):
        """The backend's answer; OSError when there is none."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 26)
        try:
            writer.write(head + body)
            await writer.drain()
            while True:
                answer = await read_message(reader)
                if not answer[0].startswith(b"HTTP/1.1 100"):
                    return b"".join(answer)
        except (EOFError, asyncio.IncompleteReadError) as error:
            raise OSError("no answer") from error
        finally:
            writer.close()

    async def late_copy(self, head, body, seconds):
        await asyncio.sleep(seconds)
        try:
            await self.forward(head, body)
        except OSError:
            pass

    async def silence(self):
        await asyncio.sleep(self.silence_s)
        raise Ended

    def refuse(self, writer):
        status, body, kind = self.random.choice(REFUSALS)
        writer.write(b"HTTP/1.1 %d Trouble\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
            status, kind.encode(), len(body)) + body)

    async def exchange(self, head, body, writer):
        fate = self.pick()
        self.counts[fate] += 1
        if fate == "slow":
            await asyncio.sleep(self.random.uniform(0, 1.5))
        elif fate == "lost before":
            raise Ended
        elif fate == "silent before":
            await self.silence()
        elif fate == "5xx before":
            self.refuse(writer)
            return
        elif fate == "late copy":
            asyncio.ensure_future(self.late_copy(head, body, self.random.uniform(0, 6)))
        try:
            if fate == "twice":
                first, second = await asyncio.gather(self.forward(head, body), self.forward(head, body))
                answer = self.random.choice((first, second))
            else:
                answer = await self.forward(head, body)
        except OSError:
            self.counts["no backend"] += 1
            if self.random.random() < 0.5:
                raise Ended
            self.refuse(writer)
            return
        await self.give(fate, answer, writer)

    async def give(self, fate, answer, writer):
        if fate == "lost after":
            raise Ended
        if fate == "silent after":
            await self.silence()
        if fate == "5xx after":
            self.refuse(writer)
            return
        if fate == "cut":
            writer.write(answer[:self.random.randrange(len(answer))])
            await writer.drain()
            raise Ended
        if fate == "held back":  # until another answer overtook it
            waiting = self.loop.create_future()
            self.held.append(waiting)
            await asyncio.wait([waiting], timeout=2)
        writer.write(answer)
        await writer.drain()
        if fate != "held back":
            self.release_held()

    # ── Websocket ──

    async def websocket(self, head, reader, writer):
        self.counts["websocket"] += 1
        fate = self.pick()
        if fate in ("lost before", "cut"):
            raise Ended
        if fate == "5xx before":
            self.refuse(writer)
            raise Ended
        if fate == "silent before":
            await self.silence()
        if fate == "slow":
            await asyncio.sleep(self.random.uniform(0, 3))
        there_reader, there = await asyncio.open_connection("127.0.0.1", self.target, limit=1 << 26)
        self.writers.add(there)
        try:
            there.write(head)
            answer, body = await read_message(there_reader)
            writer.write(answer + body)
            if not answer.startswith(b"HTTP/1.1 101"):
                return
            down = asyncio.ensure_future(self.down(there_reader, writer))
            up = asyncio.ensure_future(self.up(reader, there, down))
            done, rest = await asyncio.wait([down, up], return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            for task in done:
                task.exception()
        finally:
            self.writers.discard(there)
            there.close()

    async def up(self, reader, there, down):
        while True:
            data = await reader.read(READ)
            if not data:
                return
            if getattr(down, "is_silent", False):
                continue
            there.write(data)
            await there.drain()

    async def fall_silent(self):
        self.counts["silent websocket"] += 1
        asyncio.current_task().is_silent = True
        await self.silence()

    async def down(self, there_reader, writer):
        kept = []
        while True:
            opcode, frame = await read_frame(there_reader)
            fates = self.frame_fates(opcode)
            if "slow" in fates:
                await asyncio.sleep(self.random.uniform(0, 0.7))
            if "silent" in fates:
                await self.fall_silent()
            if "tear" in fates:
                writer.write(frame[:self.random.randrange(len(frame) + 1)])
                await writer.drain()
                if self.random.random() < 0.3:
                    await self.fall_silent()
                raise Ended
            if "swap" in fates and not kept:
                kept.append(frame)
                continue
            frames = [] if "drop" in fates else [frame, frame] if "double" in fates else [frame]
            frames += kept  # one behind the next
            kept.clear()
            for one in frames:
                await self.write_frame(writer, one, "crumbs" in fates)

    def frame_fates(self, opcode):
        if not self.stormy:
            return ()
        fates = [fate for fate, chance in FRAMES.items() if self.random.random() < chance]
        if opcode != 1:  # only what bears events is doubled, swapped and dropped
            fates = [fate for fate in fates if fate in ("tear", "silent", "slow", "crumbs")]
        self.counts.update("frame: " + fate for fate in fates)
        return fates

    async def write_frame(self, writer, frame, crumbs):
        if not crumbs:
            writer.write(frame)
        else:
            at = 0
            while at < len(frame):
                size = self.random.randint(1, max(1, len(frame) // 3))
                writer.write(frame[at:at + size])
                await writer.drain()
                await asyncio.sleep(0.01)
                at += size
        await writer.drain()
