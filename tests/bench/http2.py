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

# The type of the frame with which a server says that it leaves (RFC 9113, 6.8).
GOAWAY = 7


class Broken(Exception):
    """The server said something that is no HTTP/2, or ended the request."""


class NotTaken(Exception):
    """The server has not begun with this request and says so: it may be sent again (RFC 9113, 8.7)."""


@dataclass
class Stream:
    """What came of an answer so far."""

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
        self.begun = b""
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()

    def ends_idle(self, data: bytes) -> bool:
        """Takes what came while no request was on its way; says whether the connection can take no further one."""
        if not data:
            return True
        try:
            self.take(data, None)
        except (Broken, NotTaken):
            return True
        return self.leaving

    async def exchange(self, method: str, host: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Sends a request and returns its status, header fields and body. Raises Broken and NotTaken."""
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
        """Goes through what came. Raises Broken and NotTaken."""
        events: list[h2.events.Event] = []
        try:
            for frame in self.frames(data):
                if frame[3] == GOAWAY:
                    self.goes(int.from_bytes(frame[9:13], "big"), stream)
                else:
                    events += self.connection.receive_data(frame)
        except h2.exceptions.ProtocolError as error:
            raise Broken("malformed") from error
        for event in events:
            mine = stream is not None and getattr(event, "stream_id", None) == stream.number
            if isinstance(event, h2.events.StreamReset) and mine:
                raise NotTaken if event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM else Broken("reset")
            if isinstance(event, h2.events.ResponseReceived) and mine:
                stream.fields = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if mine:
                    stream.body += event.data
            elif isinstance(event, h2.events.StreamEnded) and mine:
                stream.ended = True

    def frames(self, data: bytes) -> Iterator[bytes]:
        """Yields the whole frames of what came (RFC 9113, 4.1)."""
        self.begun += data
        while len(self.begun) >= 9 and len(self.begun) >= (end := 9 + int.from_bytes(self.begun[:3], "big")):
            frame, self.begun = self.begun[:end], self.begun[end:]
            yield frame

    def goes(self, last: int, stream: Stream | None) -> None:
        """Knows that the server takes no request after one. Answers to those before still come (RFC 9113, 6.8), which
        h2 would refuse: it takes the connection as closed."""
        self.leaving = True
        if stream is not None and stream.number > last & 0x7FFFFFFF:
            raise NotTaken
