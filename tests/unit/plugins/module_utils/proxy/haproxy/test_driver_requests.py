from __future__ import annotations

import socketserver
import tempfile
import typing as t
from pathlib import Path

import pytest
from fakes import HOST, application, serving

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import driver


def test_a_request_carries_the_servers_key_and_the_color_and_learns_who_answered(proxy: driver.HAProxy) -> None:
    seen: list[dict[str, str]] = []

    def answer(path: str, headers: t.Any) -> tuple[int, dict[str, str], str]:
        seen.append(dict(headers))
        color = headers.get("X-Switchyard-Color", "blue")
        return 404, {"X-Switchyard-Color": color}, f"asked for {path}"

    with application(answer) as port:
        proxy.port = port
        assert proxy.request(HOST, "/healthz", "green") == (404, "green", "asked for /healthz")
        assert proxy.request(HOST, "/")[1] == "blue"
    assert seen[0]["Host"] == HOST
    assert [headers["X-Switchyard-Key"] for headers in seen] == ["key-of-this-server"] * 2
    assert "X-Switchyard-Color" not in seen[1]


def test_a_request_of_a_release_does_not_wait_behind_users(proxy: driver.HAProxy) -> None:
    lines: list[bytes] = []

    class Gates(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines.append(self.rfile.readline())
            lines.extend(iter(self.rfile.readline, b"\r\n"))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Switchyard-Color: green\r\nContent-Length: 2\r\n\r\nok")

    # The path of a socket has a hundred characters at most.
    with tempfile.TemporaryDirectory() as name:
        proxy.folder = Path(name)
        (proxy.folder / "server-preview.key").write_text("key-of-this-server\n")
        path = proxy.run / "gates.sock"
        path.parent.mkdir()
        with serving(socketserver.ThreadingUnixStreamServer(str(path), Gates)):
            assert proxy.request(HOST, "/", "green") == (200, "green", "ok")
    assert lines[0] == b"PROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\n"
    assert f"Host: {HOST}\r\n".encode() in lines


def test_a_request_as_anybodys_carries_no_key(proxy: driver.HAProxy) -> None:
    seen: list[dict[str, str]] = []

    def answer(path: str, headers: t.Any) -> tuple[int, dict[str, str], str]:
        seen.append(dict(headers))
        return 503, {}, "closed"

    with application(answer) as port:
        proxy.port = port
        assert proxy.request(HOST, "/", public=True) == (503, None, "closed")
    assert "X-Switchyard-Key" not in seen[0]
    assert seen[0]["X-Switchyard-Bypass"] == "off"


def test_without_the_key_no_request_is_sent(proxy: driver.HAProxy) -> None:
    (proxy.folder / "server-preview.key").unlink()
    with pytest.raises(SwitchyardError, match=r"server-preview.key is missing"):
        proxy.request(HOST, "/")
