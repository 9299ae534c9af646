"""The connections of the load client: each request is sent once, and every failure has its kind."""

from __future__ import annotations

import abc
import asyncio
import ssl
from dataclasses import dataclass

import h11
from connection import TlsTransport, Transport


class Failed(Exception):
    """A request that got no good answer. `str()` is the kind, as it is counted."""


@dataclass(frozen=True)
class Answer:
    status: int
    version: str
    body: bytes


@dataclass(frozen=True)
class Server:
    """The server that gets the requests, and the protocol."""

    address: tuple[str, int]
    host: str
    timeout: float
    tls: ssl.SSLContext | None = None
    http2: bool = False

    def transport(self) -> Transport:
        return TlsTransport(self.address, self.tls, self.host.split(":")[0]) if self.tls else Transport(self.address)


class Connection(abc.ABC):
    """One keep-alive connection to the server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.transport: Transport | None = None
        self.reopened = 0

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()
            self.transport = None

    def closed_by_server(self) -> bool:
        """Whether the server has ended the idle connection (or sent data without a request)."""
        assert self.transport is not None
        return self.transport.waiting() is not None

    async def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Send one request, once. Raises Failed when no complete answer arrives."""
        if self.transport is not None and self.closed_by_server():
            self.close()
            self.reopened += 1
        try:
            async with asyncio.timeout(self.server.timeout):
                if self.transport is None:
                    await self.open()
                return await self.exchange(method, path, body)
        except TimeoutError:
            self.close()
            raise Failed("timeout") from None
        except OSError:
            self.close()
            raise Failed("reset") from None
        except BaseException:
            self.close()
            raise

    async def open(self) -> None:
        self.transport = self.server.transport()
        try:
            await self.transport.open()
        except TimeoutError:
            raise
        except OSError:
            raise Failed("connect") from None

    async def more(self) -> bytes:
        assert self.transport is not None
        data = await self.transport.receive()
        if not data:
            raise Failed("reset")
        return data

    @abc.abstractmethod
    async def exchange(self, method: str, path: str, body: bytes) -> Answer:
        """Send a request and read its answer. Raises Failed."""


class Http1Connection(Connection):
    """HTTP/1.1."""

    async def open(self) -> None:
        await super().open()
        self.http1 = h11.Connection(h11.CLIENT)

    async def exchange(self, method: str, path: str, body: bytes) -> Answer:
        headers = [("Host", self.server.host), ("User-Agent", "switchyard-load")]
        if body:
            headers.append(("Content-Type", "application/json"))
        if method == "POST":
            headers.append(("Content-Length", str(len(body))))
        events = [h11.Request(method=method, target=path, headers=headers), h11.Data(data=body), h11.EndOfMessage()]
        assert self.transport is not None
        await self.transport.send(b"".join(self.http1.send(event) or b"" for event in events))
        try:
            answer = await self.read_answer()
            # Bytes after the answer belong to no request.
            if self.http1.trailing_data[0]:
                raise Failed("malformed")
        except h11.RemoteProtocolError:
            raise Failed("malformed") from None
        if self.http1.our_state is h11.DONE and self.http1.their_state is h11.DONE:
            self.http1.start_next_cycle()
        else:
            self.close()
        return answer

    async def read_answer(self) -> Answer:
        """Read one complete answer. Raises Failed when the connection ends first, also for one without a length."""
        status, version, content = 0, "none", b""
        while True:
            event = self.http1.next_event()
            if event is h11.NEED_DATA:
                self.http1.receive_data(await self.more())
            elif isinstance(event, h11.Response):
                status, fields = event.status_code, dict(event.headers)
                version = fields.get(b"x-app-version", b"none").decode("latin-1")
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, h11.EndOfMessage):
                return Answer(status, version, content)


class Http2Connection(Connection):
    """HTTP/2: one request at a time."""

    async def open(self) -> None:
        # Here and below: the demo's environment has no h2.
        from http2 import Http2

        await super().open()
        assert self.transport is not None
        if self.server.tls and self.transport.protocol != "h2":
            raise Failed("no HTTP/2")
        self.http2 = Http2(self.transport, bool(self.server.tls))

    def closed_by_server(self) -> bool:
        assert self.transport is not None
        data = self.transport.waiting()
        return data is not None and self.http2.ends_idle(data)

    async def exchange(self, method: str, path: str, body: bytes) -> Answer:
        from http2 import Broken, NotTaken

        try:
            status, fields, content = await self.http2.exchange(method, self.server.host, path, body)
        except NotTaken:
            self.close()
            self.reopened += 1
            await self.open()
            return await self.exchange(method, path, body)
        except Broken as kind:
            raise Failed("malformed" if str(kind) == "malformed" else "reset") from None
        if self.http2.leaving:
            self.close()
        return Answer(status, fields.get("x-app-version", "none"), content)


def connect(server: Server) -> Connection:
    return Http2Connection(server) if server.http2 else Http1Connection(server)
