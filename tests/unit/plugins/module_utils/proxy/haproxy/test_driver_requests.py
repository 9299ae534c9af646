from __future__ import annotations

import socketserver
import ssl
import tempfile
import typing as t
from datetime import datetime, timezone
from pathlib import Path

import pytest
from certificates import self_signed
from fakes import HOST, application, serving

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.capabilities import Certificate, ProxyCapabilities
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


def test_an_application_that_redirects_to_https_is_asked_as_behind_a_load_balancer(proxy: driver.HAProxy) -> None:
    seen: list[str] = []

    def answer(path: str, headers: t.Any) -> tuple[int, dict[str, str], str]:
        seen.append(headers.get("X-Forwarded-Proto", "none"))
        if seen[-1] == "https":
            return 200, {"X-Switchyard-Color": "green"}, "secure"
        target = f"https://{headers['Host']}{path}" if path == "/healthz?a=b" else "https://login.example.org/"
        return 301, {"Location": target}, ""

    with application(answer) as port:
        proxy.port = port
        assert proxy.request(HOST, "/healthz?a=b", "green") == (200, "green", "secure")
        # A redirect to another place is the answer.
        assert proxy.request(HOST, "/account")[0] == 301
        assert proxy.request(HOST, "/healthz?a=b", public=True)[0] == 301
    assert seen == ["none", "https", "none", "none"]


def test_users_of_an_existing_traefik_with_https_come_with_it(proxy: driver.HAProxy) -> None:
    proxy.capabilities = ProxyCapabilities(443, behind_traefik=True)
    with application(lambda path, headers: (200, {}, headers.get("X-Forwarded-Proto", "none"))) as port:
        proxy.port = port
        assert proxy.request(HOST, "/")[2] == "https"


def test_a_host_with_a_certificate_is_asked_over_tls(proxy: driver.HAProxy, tmp_path: Path) -> None:
    pair = self_signed("*.example.org")
    (tmp_path / "pair.pem").write_text(pair["certificate"] + pair["key"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    named: list[str | None] = []
    context.sni_callback = lambda connection, name, own: named.append(name)
    until = datetime(2099, 1, 1, tzinfo=timezone.utc)
    proxy.capabilities = ProxyCapabilities(443, (Certificate(("*.example.org",), until),))
    with application(lambda path, headers: (200, {}, headers["Host"]), context) as port:
        proxy.https_address = ("127.0.0.1", port)
        assert proxy.request("shop.example.org", "/")[2] == "shop.example.org"
        assert proxy.request("*.example.org", "/")[2] == "switchyard-check.example.org"
    assert named == ["shop.example.org", "switchyard-check.example.org"]
