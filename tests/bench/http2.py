"""One request at a time over HTTP/2, for the load client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
from connection import Transport

# The type of the frame with which a server closes a connection (RFC 9113, 6.8).
GOAWAY = 7


class Broken(Exception):
    """The server violated HTTP/2, or ended the request."""


class NotTaken(Exception):
    """The server reports that it did not process this request: it may be sent again (RFC 9113, 8.7)."""


@dataclass
class Stream:
    """The received part of an answer."""

    number: int
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False


class Http2:
    """HTTP/2 on an open transport."""

    def __init__(self, transport: Transport, secure: bool) -> None:
        self.transport = transport
        self.scheme = "https" if secure else "http"
        self.leaving = False
        self.incomplete = b""
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()

    def ends_idle(self, data: bytes) -> bool:
        """Process data that came without a request; whether the connection can take no further request."""
        if not data:
            return True
        try:
            self.take(data, None)
        except (Broken, NotTaken):
            return True
        return self.leaving

    async def exchange(self, method: str, host: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Send a request and return status, header fields and body. Raises Broken and NotTaken."""
        stream = Stream(self.connection.get_next_available_stream_id())
        headers = [(":method", method), (":authority", host), (":scheme", self.scheme), (":path", path)]
        headers += [("user-agent", "switchyard-load")]
        if body:
            headers += [("content-type", "application/json"), ("content-length", str(len(body)))]
        self.connection.send_headers(stream.number, headers, end_stream=not body)
        if body:
            self.connection.send_data(stream.number, body, end_stream=True)
        while not stream.ended:
            await self.transport.send(self.connection.data_to_send())
            data = await self.transport.receive()
            if not data:
                raise Broken("closed")
            self.take(data, stream)
        await self.transport.send(self.connection.data_to_send())
        return int(stream.fields[":status"]), stream.fields, stream.body

    def take(self, data: bytes, stream: Stream | None) -> None:
        """Process received data. Raises Broken and NotTaken."""
        events: list[h2.events.Event] = []
        try:
            for frame in self.frames(data):
                if frame[3] == GOAWAY:
                    self.go_away(int.from_bytes(frame[9:13], "big"), stream)
                else:
                    events += self.connection.receive_data(frame)
        except h2.exceptions.ProtocolError as error:
            raise Broken("malformed") from error
        for event in events:
            own = stream is not None and getattr(event, "stream_id", None) == stream.number
            if isinstance(event, h2.events.StreamReset) and own:
                raise NotTaken if event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM else Broken("reset")
            if isinstance(event, h2.events.ResponseReceived) and own:
                stream.fields = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if own:
                    stream.body += event.data
            elif isinstance(event, h2.events.StreamEnded) and own:
                stream.ended = True

    def frames(self, data: bytes) -> Iterator[bytes]:
        """The complete frames in the received data (RFC 9113, 4.1)."""
        self.incomplete += data
        while len(self.incomplete) >= 9 and len(self.incomplete) >= (
            end := 9 + int.from_bytes(self.incomplete[:3], "big")
        ):
            frame, self.incomplete = self.incomplete[:end], self.incomplete[end:]
            yield frame

    def go_away(self, last: int, stream: Stream | None) -> None:
        """Record that the server processes no request after ``last``. It still answers earlier ones (RFC 9113, 6.8),
        which h2 would refuse, for it treats the connection as closed."""
        self.leaving = True
        if stream is not None and stream.number > last & 0x7FFFFFFF:
            raise NotTaken
