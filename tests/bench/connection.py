"""A connection of the load client, plain or with TLS, which detects exactly when the server has closed it.

asyncio's own transports read ahead, so that a connection which the server closed while it was idle looks like one that
was closed during a request. Here data is read only on request.
"""

from __future__ import annotations

import asyncio
import socket
import ssl


class Transport:
    """A TCP connection without TLS."""

    # The protocol that both sides negotiated (ALPN, RFC 7301).
    protocol: str | None = None

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def open(self) -> None:
        await self.loop.sock_connect(self.socket, self.address)

    async def send(self, data: bytes) -> None:
        await self.loop.sock_sendall(self.socket, data)

    async def receive(self) -> bytes:
        """The next data; empty when the server has closed."""
        return await self.loop.sock_recv(self.socket, 65536)

    def waiting(self) -> bytes | None:
        """Data that came on an idle connection: None for none, empty when the server has closed."""
        try:
            return self.socket.recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def close(self) -> None:
        self.socket.close()


class TlsTransport(Transport):
    """A TCP connection with TLS."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, host: str) -> None:
        super().__init__(address)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)

    async def open(self) -> None:
        """Connect. Raises OSError, also for a certificate that is not trusted (ssl.SSLError is one)."""
        await super().open()
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.flush()
                if not self.feed(await super().receive()):
                    raise ConnectionResetError("closed within the handshake") from None
        await self.flush()
        self.protocol = self.tls.selected_alpn_protocol()

    async def flush(self) -> None:
        if self.outgoing.pending:
            await super().send(self.outgoing.read())

    def feed(self, data: bytes) -> bool:
        """Pass data from the network to TLS; whether there was any."""
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()
        return bool(data)

    async def send(self, data: bytes) -> None:
        self.tls.write(data)
        await self.flush()

    def decrypted(self) -> bytes | None:
        """The data that can be read now: None for none yet, empty when the server has closed."""
        try:
            return self.tls.read(65536)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def receive(self) -> bytes:
        while (data := self.decrypted()) is None:
            self.feed(await super().receive())
        return data

    def waiting(self) -> bytes | None:
        data = super().waiting()
        if data is not None:
            self.feed(data)
        # A ticket for the next session (RFC 8446, 4.6.1) is consumed by TLS itself.
        return self.decrypted()


def tls_context(ca: str | None, protocol: str) -> ssl.SSLContext:
    """The TLS settings of a client: `ca` is a file of trusted certificates, `protocol` h2 or http/1.1."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols([protocol])
    return context
