"""The load client over TLS and over HTTP/2, against servers that misbehave there."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
from certificates import self_signed
from faulty_http_server import Server, finish, start


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    pair = self_signed("app.localhost")
    path = tmp_path / "certificate.pem"
    path.write_text(pair["certificate"] + pair["key"])
    return path


class SecureServer(Server):
    """The same server behind TLS; what it offers to speak is `protocol`."""

    protocol = "http/1.1"

    def __init__(self, certificate: Path, **options):
        super().__init__(**options)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.tls.set_alpn_protocols([self.protocol])

    def __enter__(self):
        self.thread.start()
        serving = asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=self.tls)
        started = asyncio.run_coroutine_threadsafe(serving, self.loop).result(5)
        self.url = f"https://127.0.0.1:{started.sockets[0].getsockname()[1]}"
        return self


# The type of a frame (RFC 9113, 6.8).
GOAWAY = 7


class Http2Server(SecureServer):
    """`faults` by the number of the request: "refuse" (not begun with), "reset", "drop", and the last one here: "go",
    or "going", which is said before the answer."""

    protocol = "h2"

    async def serve(self, reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        try:
            while data := await asyncio.wait_for(reader.read(65536), self.close_idle):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.DataReceived):
                        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    if isinstance(event, h2.events.StreamEnded):
                        self.requests["all"] += 1
                        fault = self.faults.get(self.requests.total())
                        if fault == "drop":
                            return
                        if fault in ("refuse", "reset"):
                            code = "REFUSED_STREAM" if fault == "refuse" else "INTERNAL_ERROR"
                            connection.reset_stream(event.stream_id, h2.errors.ErrorCodes[code])
                            continue
                        if fault == "going":
                            last = event.stream_id.to_bytes(4, "big")
                            writer.write(bytes([0, 0, 8, GOAWAY, 0, 0, 0, 0, 0]) + last + bytes(4))
                        fields = [(":status", "200"), ("x-app-version", "1.0.0"), ("content-length", "5")]
                        connection.send_headers(event.stream_id, fields)
                        connection.send_data(event.stream_id, b"hello", end_stream=True)
                        if fault == "go":
                            connection.close_connection(last_stream_id=event.stream_id)
                writer.write(connection.data_to_send())
                await writer.drain()
        except (asyncio.TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()


def load(server, certificate, *options, rate=200, duration=0.6):
    words = ["run", "--ca", str(certificate), "--duration", str(duration), "--rate", str(rate), "--slow-clients", "0"]
    return finish(start(server, *words, "--no-bookings", "--post-path", "/", *options))


def test_tls(certificate):
    with SecureServer(certificate) as server:
        code, output = load(server, certificate)
    assert code == 0, output
    assert server.requests["GET"] >= 100


def test_a_certificate_that_is_not_trusted(certificate, tmp_path):
    other = tmp_path / "other.pem"
    other.write_text(self_signed("app.localhost")["certificate"])
    with SecureServer(certificate) as server:
        code, output = load(server, other)
    assert code == 1
    assert "connect: " in output
    assert server.requests.total() == 0


def test_over_tls_an_idle_connection_that_the_server_closed_is_not_a_failure(certificate):
    with SecureServer(certificate, close_idle=0.25) as server:
        code, output = load(server, certificate, rate=20, duration=2.5)
    assert code == 0, output


@pytest.mark.parametrize(("fault", "kind"), [("drop", "reset: 1"), ("503", "status 503: 1")])
def test_over_tls_a_failure_is_seen(certificate, fault, kind):
    with SecureServer(certificate, faults={77: fault}) as server:
        code, output = load(server, certificate)
    assert code == 1
    assert f"1 failed ({kind})" in output


def test_http2(certificate):
    with Http2Server(certificate) as server:
        code, output = load(server, certificate, "--http", "2")
    assert code == 0, output
    assert "version 1.0.0" in output
    assert server.requests.total() >= 120


@pytest.mark.parametrize("fault", ["refuse", "go", "going"])
def test_what_an_http2_server_did_not_begin_with_is_sent_again(certificate, fault):
    with Http2Server(certificate, faults={50: fault, 77: fault}) as server:
        code, output = load(server, certificate, "--http", "2")
    assert code == 0, output


@pytest.mark.parametrize("fault", ["reset", "drop"])
def test_over_http2_a_failure_is_seen(certificate, fault):
    with Http2Server(certificate, faults={77: fault}) as server:
        code, output = load(server, certificate, "--http", "2")
    assert code == 1
    assert "1 failed (reset: 1)" in output


def test_an_idle_http2_connection_that_the_server_closed_is_not_a_failure(certificate):
    with Http2Server(certificate, close_idle=0.25) as server:
        code, output = load(server, certificate, "--http", "2", rate=20, duration=2.5)
    assert code == 0, output


def test_a_server_without_http2(certificate):
    with SecureServer(certificate) as server:
        code, output = load(server, certificate, "--http", "2")
    assert code == 1
    assert "no HTTP/2: " in output
