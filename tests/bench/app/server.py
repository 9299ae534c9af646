"""The application of the benchmarks: what a release costs, not what an application does.

It refuses connections for START_SECONDS (1), then answers at once; /slow takes 2 s, /slow?10 takes 10; /echo is a
WebSocket (RFC 6455) that sends back what it gets, behind its version. SIGTERM: no new connections, requests in flight
get their answer, idle connections and WebSockets are closed. Python's standard library only.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import signal
import time

STARTED = time.monotonic()
VERSION = os.environ.get("APP_VERSION", "0")
START_SECONDS = float(os.environ.get("START_SECONDS", "1"))
SLOW_SECONDS = 2.0
PORT = 8000


class Server:
    """An HTTP/1.1 server with keep-alive; knows which connections wait for a request and which are at work."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.tasks: set[asyncio.Task] = set()
        self.idle: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            while not self.stopping.is_set():
                self.idle.add(writer)
                head = await reader.readuntil(b"\r\n\r\n")
                self.idle.discard(writer)
                await self.answer(reader, writer, head)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
            pass  # the client has left or violates HTTP, so that there is no answer
        finally:
            self.idle.discard(writer)
            self.tasks.discard(asyncio.current_task())
            writer.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        request, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = request.split(" ")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        await self.discard_body(reader, fields)
        path, _, query = target.partition("?")
        path = path.rstrip("/")
        if path == "/slow":
            await asyncio.sleep(float(query or SLOW_SECONDS))
        if path == "/echo" and fields.get("upgrade", "").lower() == "websocket":
            await self.echo(reader, writer, fields["sec-websocket-key"])
        status = "200 OK" if path in ("", "/slow", "/healthz", "/version") else "404 Not Found"
        close = self.stopping.is_set() or fields.get("connection", "").lower() == "close"
        body = b"" if method == "HEAD" else f"bench {VERSION}\n".encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nX-App-Version: {VERSION}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(body)}\r\n{'Connection: close' + chr(13) + chr(10) if close else ''}\r\n".encode()
            + body
        )
        await writer.drain()
        if close:
            raise ConnectionResetError("said Connection: close")

    async def discard_body(self, reader: asyncio.StreamReader, fields: dict[str, str]) -> None:
        """Read the whole body (RFC 9112, section 7.1): an answer before it would hide that a proxy refuses the body."""
        if fields.get("transfer-encoding", "").lower() != "chunked":
            await reader.readexactly(int(fields.get("content-length", "0")))
            return
        size = -1
        while size:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            await reader.readexactly(size)
            await reader.readuntil(b"\r\n")

    async def echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
        """Send short text frames back until the client leaves or the server stops (RFC 6455, 4.2.2 and 5.2)."""
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        accept = base64.b64encode(digest).decode()
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        stopping = asyncio.create_task(self.stopping.wait())
        while True:
            header = asyncio.create_task(reader.readexactly(2))
            await asyncio.wait({header, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not header.done() or header.exception():
                header.cancel()
                raise ConnectionResetError("the WebSocket ends")
            length = header.result()[1] & 127
            mask = await reader.readexactly(4)
            text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(await reader.readexactly(length)))
            answer = f"{VERSION} ".encode() + text
            writer.write(bytes([0x81, len(answer)]) + answer)
            await writer.drain()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stopping.set)
        try:
            # A SIGTERM ends the wait for the start, too.
            await asyncio.wait_for(self.stopping.wait(), START_SECONDS - (time.monotonic() - STARTED))
            return
        except asyncio.TimeoutError:
            pass
        server = await asyncio.start_server(self.serve, "0.0.0.0", PORT, backlog=512)
        print(f"bench {VERSION}: up after {time.monotonic() - STARTED:.2f} s", flush=True)
        await self.stopping.wait()
        server.close()
        for writer in self.idle:
            writer.close()
        if self.tasks:
            await asyncio.wait(self.tasks)
        print(f"bench {VERSION}: down", flush=True)


asyncio.run(Server().run())
