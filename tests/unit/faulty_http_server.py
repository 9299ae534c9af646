"""A server that misbehaves at chosen requests, for the tests of the load client."""

from __future__ import annotations

import asyncio
import collections
import json
import subprocess
import sys
import threading
from pathlib import Path

LOAD = Path(__file__).parents[1] / "bench" / "load.py"
ANSWER = "HTTP/1.1 {status} Text\r\nX-App-Version: {version}\r\nContent-Length: {length}\r\n\r\n{body}"


class Server:
    """A small HTTP server in a thread that counts what it received and misbehaves at chosen requests.

    `faults`: number of the request (from 1, over all connections) -> "drop" | "cut" | "hang" | "503" | "chunked".
    `close_idle`: seconds of silence after which it closes a connection without a word.
    `switch_at`: from this request on its version is 2.0.0.
    """

    def __init__(self, faults=None, close_idle=None, switch_at=10**9):
        self.faults = faults or {}
        self.close_idle = close_idle
        self.switch_at = switch_at
        self.requests = collections.Counter()
        self.bookings = {}
        self.stats = dict.fromkeys(
            ("doubled_keys", "overbooked_events", "tasks_run_twice", "tasks_rescued", "beat_ticks_doubled"), 0
        )
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self.serve, "127.0.0.1", 0), self.loop)
        self.url = f"http://127.0.0.1:{started.result(5).sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.cancel(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def cancel(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def serve(self, reader, writer):
        try:
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.close_idle)
                method, path, _ = head.decode().split(" ", 2)
                length = [line for line in head.decode().split("\r\n") if line.startswith("Content-Length")]
                body = await reader.readexactly(int(length[0].split()[1])) if length else b""
                self.requests[method] += 1
                fault = self.faults.get(self.requests.total())
                if fault == "drop":
                    return
                if fault == "hang":
                    await asyncio.sleep(30)
                status, text = (503, "no") if fault == "503" else self.answer(method, path, body)
                version = "2.0.0" if self.requests.total() >= self.switch_at else "1.0.0"
                answer = ANSWER.format(status=status, version=version, length=len(text), body=text)
                if fault == "chunked":
                    answer = answer.replace(f"Content-Length: {len(text)}", "Transfer-Encoding: chunked")
                    answer = answer.replace(f"\r\n\r\n{text}", f"\r\n\r\n{len(text):x}\r\n{text}\r\n0\r\n\r\n")
                writer.write(answer.encode()[: -1 if fault == "cut" else None])
                if fault == "cut":
                    return
        except (asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, method, path, body):
        key = path.rstrip("/").rsplit("/", 1)[-1]
        if method == "POST" and body != b"{}":
            self.bookings[json.loads(body)["key"]] = 1
            return 201, "{}"
        if path == "/api/stats/":
            return 200, json.dumps({"bookings": len(self.bookings), "confirmed": len(self.bookings), **self.stats})
        if path.startswith("/api/bookings/"):
            found = key in self.bookings
            return (200, json.dumps({"requests": self.bookings[key]})) if found else (404, "{}")
        return 200, "hello"


def start(server, *options):
    command = [sys.executable, str(LOAD), *options, "--url", server.url, "--host", "app.localhost"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process):
    output = process.communicate(timeout=20)[0]
    return process.returncode, output
