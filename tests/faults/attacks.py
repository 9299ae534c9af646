"""Attacks of one client on a proxy, each bounded in time and number.

    python3 attacks.py wrong-passwords switchyard-test-server1 8081 attacked.localhost --seconds 10

It runs on another server than the clients that are measured, so that its address is another one: Python's standard
library only. Prints as JSON how often each status came, or what else happened to a connection.

    wrong-passwords   eight clients guess a password
    idle              connections that send one request and stay open
    slow-headers      connections that send a line of a header every second
    slow-bodies       connections that send a byte of a body every second
    huge-headers      twenty clients send headers of 60 KB
    many-headers      twenty clients send 150 headers
    in-flight         requests that the application answers after twenty seconds
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import time
from collections import Counter

# Seconds until a connection that gets no answer is given up.
LIMIT = 5.0


class Attack:
    """One attack, and what came of it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.end = time.monotonic() + options.seconds
        self.counts: Counter[str] = Counter()

    def head(self, method: str = "GET", path: str = "/", *lines: str) -> bytes:
        """The beginning of a request, without the blank line."""
        return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {self.options.host}", *lines, ""]).encode()

    async def status(self, reader: asyncio.StreamReader) -> str:
        """The status of an answer; its body is read."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = [line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:")]
        if length:
            await reader.readexactly(int(length[0]))
        return head.split(" ")[1]

    async def repeat(self, request: bytes) -> None:
        """Send a request again and again."""
        while time.monotonic() < self.end:
            with contextlib.suppress(OSError, EOFError, ValueError):
                reader, writer = await asyncio.open_connection(self.options.address, self.options.port)
                try:
                    while time.monotonic() < self.end:
                        writer.write(request)
                        self.counts[await asyncio.wait_for(self.status(reader), LIMIT)] += 1
                except (asyncio.TimeoutError, asyncio.IncompleteReadError, ConnectionError):
                    self.counts["closed"] += 1
                finally:
                    writer.close()

    async def hold(self, first: bytes, more: bytes, every: float = 1.0) -> None:
        """Open a connection, and send some more of a request until the end, or until an answer arrives."""
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(self.options.address, self.options.port), LIMIT
            )
        except (OSError, asyncio.TimeoutError):
            self.counts["refused"] += 1
            return
        answer = asyncio.ensure_future(reader.readline())
        try:
            writer.write(first)
            while time.monotonic() < self.end and not answer.done():
                await asyncio.wait({answer}, timeout=every)
                if more and not answer.done():
                    writer.write(more)
            line = answer.result() if answer.done() else b""
            self.counts[line.split()[1].decode() if line else "closed" if answer.done() else "held"] += 1
            # A connection whose request was answered stays open, idle.
            while not more and answer.done() and line and time.monotonic() < self.end:
                await asyncio.sleep(every)
        except (OSError, IndexError):
            self.counts["closed"] += 1
        finally:
            answer.cancel()
            writer.close()

    async def run(self) -> Counter[str]:
        """Attack until the time is over."""
        password = base64.b64encode(b"anna:wrong").decode()
        many = [f"X-{number}: {number}" for number in range(150)]
        repeated = {
            "wrong-passwords": (8, self.head("GET", "/", f"Authorization: Basic {password}")),
            "huge-headers": (20, self.head("GET", "/", *(f"X-{number}: {'x' * 1000}" for number in range(60)))),
            "many-headers": (20, self.head("GET", "/", *many)),
        }
        held = {
            "idle": (self.head() + b"\r\n", b""),
            "slow-headers": (self.head(), b"X-More: 1\r\n"),
            "slow-bodies": (self.head("POST", "/", "Content-Length: 100000") + b"\r\n", b"x"),
            "in-flight": (self.head("GET", "/slow?20") + b"\r\n", b""),
        }
        if self.options.kind in repeated:
            number, request = repeated[self.options.kind]
            clients = [self.repeat(request + b"\r\n") for _client in range(number)]
        else:
            clients = [self.hold(*held[self.options.kind]) for _client in range(self.options.connections)]
        await asyncio.gather(*clients)
        return self.counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind")
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("host")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=1500, help="of an attack that holds them (%(default)s)")
    print(json.dumps(asyncio.run(Attack(parser.parse_args()).run())))


if __name__ == "__main__":
    main()
