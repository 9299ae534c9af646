"""Clients that send a request exactly as it is written, valid or not."""

from __future__ import annotations

import json
import re
import socket
import ssl
import typing as t
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.exceptions

TIMEOUT = 3.0


@dataclass(frozen=True)
class Answer:
    """What a proxy answered. A request that HTTP/2 ends without an answer has the status 400, which it means."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def echo(self) -> dict[str, t.Any]:
        """The request that the application got."""
        content: dict[str, t.Any] = json.loads(self.body)
        return content


def send(address: tuple[str, int], request: bytes, timeout: float = TIMEOUT) -> Answer:
    """Send one request over HTTP/1 and read its answer; without an answer, the status is 0."""
    received = b""
    with socket.create_connection(address, timeout) as connection:
        connection.sendall(request)
        try:
            while not _is_whole(received) and (part := connection.recv(65536)):
                received += part
        except (ConnectionResetError, TimeoutError):
            pass
    return parse(received)


def _is_whole(received: bytes) -> bool:
    """Return whether an answer needs no more bytes."""
    head, blank, body = received.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    if length:
        return len(body) >= int(length[1])
    return b" 101 " in head[:16] or body.endswith(b"0\r\n\r\n")


def parse(received: bytes) -> Answer:
    """Return the first answer in what a server sent."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) < 2 or not words[1].isdigit():
        return Answer(0)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = _without_chunks(body)
    return Answer(int(words[1]), headers, body)


def _without_chunks(body: bytes) -> bytes:
    content = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if not length:
            break
        content, body = content + body[:length], body[length + 2 :]
    return content


def request(
    target: str, host: str | tuple[str, ...], version: str = "1.1", body: bytes = b"", lines: t.Iterable[str] = ()
) -> bytes:
    """Return the bytes of a request."""
    hosts = (host,) if isinstance(host, str) else host
    head = [f"{'POST' if body else 'GET'} {target} HTTP/{version}", *(f"Host: {name}" for name in hosts)]
    head += [f"Content-Length: {len(body)}"] * bool(body) + list(lines)
    if not any(line.lower().startswith("connection:") for line in head):
        head.append("Connection: close")
    return ("\r\n".join(head) + "\r\n\r\n").encode("utf-8") + body


class Http2Client:
    """One connection over TLS, which is opened again after the server closed it."""

    def __init__(self, address: tuple[str, int], name: str) -> None:
        self.address, self.name = address, name
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.context.set_alpn_protocols(["h2"])
        self.socket: ssl.SSLSocket | None = None

    def close(self) -> None:
        """Close the connection."""
        if self.socket:
            self.socket.close()
        self.socket = None

    def _open(self) -> ssl.SSLSocket:
        plain = socket.create_connection(self.address, TIMEOUT)
        self.socket = self.context.wrap_socket(plain, server_hostname=self.name)
        assert self.socket.selected_alpn_protocol() == "h2"
        config = h2.config.H2Configuration(
            header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.http2 = h2.connection.H2Connection(config)
        self.http2.initiate_connection()
        return self.socket

    def send(self, headers: t.Iterable[tuple[str, str]], body: bytes = b"") -> Answer:
        """Send one request."""
        connection = self.socket or self._open()
        stream = self.http2.get_next_available_stream_id()
        self.http2.send_headers(stream, list(headers), end_stream=not body)
        if body:
            self.http2.send_data(stream, body, end_stream=True)
        answer, content = Answer(400), b""
        try:
            connection.sendall(self.http2.data_to_send())
            while data := connection.recv(65536):
                for event in self.http2.receive_data(data):
                    if getattr(event, "stream_id", None) not in (None, stream):
                        continue
                    if isinstance(event, h2.events.ResponseReceived):
                        fields = dict(event.headers)
                        answer = Answer(int(fields[":status"]), fields)
                    elif isinstance(event, h2.events.DataReceived):
                        content += event.data
                        self.http2.acknowledge_received_data(event.flow_controlled_length, stream)
                    elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                        return Answer(answer.status, answer.headers, content)
                    elif isinstance(event, h2.events.ConnectionTerminated):
                        raise OSError("closed")
                connection.sendall(self.http2.data_to_send())
        except (OSError, h2.exceptions.ProtocolError):
            pass
        self.close()
        return Answer(answer.status, answer.headers, content)
