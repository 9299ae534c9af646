"""An application that answers with the request that it got, and with the path as two kinds of frameworks read it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def of_django(path: str) -> str:
    """The path as WSGI applications get it: decoded once (PEP 3333, PATH_INFO)."""
    return urllib.parse.unquote(path, "latin-1")


def of_servlet(path: str) -> str:
    """The path as a servlet container reads it: without parameters, decoded, dots resolved (Servlet 6.1, 3.5.2)."""
    plain = "/".join(segment.partition(";")[0] for segment in path.split("/"))
    found: list[str] = []
    for segment in urllib.parse.unquote(plain, "latin-1").replace("\\", "/").split("/"):
        if segment == "..":
            del found[-1:]
        elif segment not in ("", "."):
            found.append(segment)
    return "/" + "/".join(found) + ("/" if plain.endswith("/") else "")


class Echo(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    # Threads of requests take a number each: two of them never see the same one.
    numbers = itertools.count(1)
    eaten = b""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upgrade = self.headers.get("Upgrade")
        if upgrade:
            self.send_response(101)
            self.send_header("Upgrade", upgrade)
            self.send_header("Connection", "Upgrade")
            # RFC 6455, 4.2.2
            accepted = hashlib.sha1((self.headers.get("Sec-WebSocket-Key", "") + GUID).encode()).digest()
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(accepted).decode())
            self.end_headers()
            self.close_connection = True
            return
        if self.path == "/secure" and self.headers.get("X-Forwarded-Proto") != "https":
            self.send_response(301)
            self.send_header("Location", f"https://{self.headers['Host']}/secure")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        # BaseHTTPRequestHandler.path has lost slashes at the beginning.
        target = self.requestline.split(" ")[1]
        path = target.partition("?")[0]
        if path.startswith("/status/"):
            self.send_response(int(path[8:]))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if path.startswith("/wait/"):
            time.sleep(int(path[6:]) / 1000)
        if path == "/version":
            # As an application of a version that fails or is slow, for users and not for gates.
            number = next(Echo.numbers)
            time.sleep(int(os.environ.get("SLOW_MS", "0")) / 1000)
            fails = int(os.environ.get("FAILS", "0"))
            self.send_response(500 if fails and number % fails == 0 else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if path == "/eat-in-child" and os.fork() == 0:
            Echo.eaten = bytes(b"x" * 400_000_000)
            os._exit(0)
        if path == "/eat":
            Echo.eaten = bytes(b"x" * 400_000_000)
        if path == "/reset":
            self.close_connection = True
            return
        if path in ("/cut", "/stream"):
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"x" * 50000)
            self.wfile.flush()
            time.sleep(2 if path == "/stream" else 0.1)
            self.close_connection = True
            return
        content = {
            "service": os.environ.get("SERVICE"),
            "target": target,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "django": of_django(path),
            "servlet": of_servlet(path),
        }
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_OPTIONS = answer

    def log_message(self, *words: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8000), Echo).serve_forever()
