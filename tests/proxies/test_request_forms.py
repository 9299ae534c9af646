"""Every proxy reads a request in the same way: the matrix of request_forms.py, on real proxies."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace

import pytest
import raw_client
import request_forms
from raw_client import Answer, Http2Client
from real_proxies import GUARDS, KINDS, RealProxy
from request_forms import GUARDED, OPEN, REFUSED

BODY = b"0123456789"


@pytest.fixture(scope="module")
def proxies(running_proxies: dict[str, RealProxy]) -> dict[str, RealProxy]:
    for proxy in running_proxies.values():
        # The first request uses up the rate; Traefik counts those with https apart.
        raw_client.send(proxy.http, raw_client.request("/admin/", "rate.test"))
        client = Http2Client(proxy.https, "rate.test")
        ask_http2(client, "rate.test", "/admin/", b"")
        client.close()
    return running_proxies


def ask_http2(client: Http2Client, host: str, target: str, body: bytes) -> Answer:
    headers = [(":method", "POST" if body else "GET"), (":scheme", "https"), (":authority", host), (":path", target)]
    return client.send(headers, body)


def outcome(answer: Answer, guarded: int) -> str:
    """What an answer means on a host with a guard."""
    return {200: OPEN, 400: REFUSED, guarded: GUARDED}.get(answer.status, str(answer.status))


class Matrix:
    """The answers of one proxy, compared with the right values."""

    def __init__(self, proxy: RealProxy) -> None:
        self.proxy, self.cells = proxy, 0
        self.wrong: list[str] = []

    def compare(self, cell: str, found: t.Any, right: t.Any) -> None:
        """Count a cell, and keep it where it is wrong."""
        self.cells += 1
        if found != right:
            self.wrong.append(f"{self.proxy.kind}, {cell}: {found!r}, not {right!r}")

    def __enter__(self) -> Matrix:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if not kind and self.wrong:
            pytest.fail("\n".join([f"{len(self.wrong)} of {self.cells} cells are wrong", *self.wrong]), pytrace=False)


@pytest.mark.parametrize("kind", KINDS)
def test_paths(proxies: dict[str, RealProxy], kind: str) -> None:
    proxy = proxies[kind]
    with Matrix(proxy) as matrix:
        hosts = {"plain": 0, **{name: status for name, (_options, status) in GUARDS.items()}}
        for name, guarded in hosts.items():
            host = f"{name}.test"
            body = BODY if name == "body" else b""
            client = Http2Client(proxy.https, host)
            for form in request_forms.PATHS:
                target = form.target.format(host=host) if "{host}" in form.target else form.target
                scoped, plain = form.expected(kind)
                for version in form.versions:
                    if version == "2":
                        answer = ask_http2(client, host, target, body)
                    else:
                        answer = raw_client.send(proxy.http, raw_client.request(target, host, version, body))
                    cell = f"HTTP/{version} {host} {form.target!r}"
                    if guarded:
                        matrix.compare(cell, outcome(answer, guarded), scoped)
                        if answer.status == 200 and scoped != OPEN:
                            matrix.compare(f"{cell} reached the application", answer.echo, None)
                        if answer.status == 200:
                            read = [answer.echo[framework].lower() for framework in ("django", "servlet")]
                            below = [path for path in read if path.startswith("/admin/")]
                            matrix.compare(f"{cell} as frameworks read it", below, [])
                    else:
                        got = answer.echo["target"] if answer.status == 200 else str(answer.status)
                        matrix.compare(cell, got, plain)
            client.close()


@pytest.mark.parametrize("kind", KINDS)
def test_hosts(proxies: dict[str, RealProxy], kind: str) -> None:
    proxy = proxies[kind]
    with Matrix(proxy) as matrix:
        for form in request_forms.HOSTS:
            answer = raw_client.send(proxy.http, raw_client.request(form.target, form.hosts))
            status = form.traefik if form.traefik and kind == "traefik" else form.status
            matrix.compare(f"{form.hosts} {form.target}", answer.status, status)
            if answer.status == 200:
                matrix.compare(f"{form.hosts} {form.target}: service", answer.echo["service"], form.service)
            if answer.status == 200 and form.target == "/":
                headers = dict(answer.echo["headers"])
                matrix.compare(f"{form.hosts}: Host", headers["host"], form.hosts[0])
                matrix.compare(f"{form.hosts}: X-Forwarded-Host", headers["x-forwarded-host"], form.hosts[0])


@pytest.mark.parametrize("kind", KINDS)
def test_headers_of_clients(proxies: dict[str, RealProxy], kind: str) -> None:
    proxy = proxies[kind]
    with Matrix(proxy) as matrix:
        forged = request_forms.FORGED
        for name in (*request_forms.HEADERS, ", ".join(("close", "X-Forwarded-Proto", "X-Forwarded-For", "X-Real-IP"))):
            lines = [f"Connection: {name}"] if "," in name else [f"{name}: {forged}", "Connection: close"]
            for https in (False, True):
                if https and "," in name:
                    continue
                if https:
                    client = Http2Client(proxy.https, "plain.test")
                    pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", "plain.test"), (":path", "/")]
                    answer = client.send([*pseudo, (name.lower(), forged)])
                    client.close()
                else:
                    answer = raw_client.send(proxy.http, raw_client.request("/", "plain.test", lines=lines))
                cell = f"{name}{' over https' if https else ''}"
                # A header of HTTP/2 that is of a connection makes the request malformed (RFC 9113, 8.2.2).
                matrix.compare(cell, answer.status, 200)
                if answer.status != 200:
                    continue
                got = dict(answer.echo["headers"])
                matrix.compare(f"{cell}: forged", [header for header, value in got.items() if forged in value], [])
                written = [got.get(f"x-forwarded-{word}") for word in ("proto", "port", "host")]
                right = ["https", str(proxy.https[1])] if https else ["http", str(proxy.http[1])]
                matrix.compare(f"{cell}: written", written, [*right, "plain.test"])
                matrix.compare(f"{cell}: client", got.get("x-real-ip"), got.get("x-forwarded-for", "missing"))


@pytest.mark.parametrize("kind", KINDS)
def test_upgrades(proxies: dict[str, RealProxy], kind: str) -> None:
    proxy = proxies[kind]
    with Matrix(proxy) as matrix:
        websocket = ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        for form in request_forms.UPGRADES:
            lines = [f"Connection: {form.connection}", *(f"Upgrade: {name}" for name in form.upgrade), *form.more]
            for host in ("plain.test", "allow.test"):
                answer = raw_client.send(proxy.http, raw_client.request("/", host, lines=[*lines, *websocket]))
                found = answer.headers.get("upgrade", "").lower() if answer.status == 101 else None
                right = form.haproxy if form.haproxy and kind == "haproxy" else form.upgraded_to
                matrix.compare(f"{host} {form}", (answer.status, found), (101 if right else 200, right))
                if answer.status == 200:
                    names = {name for name, _value in answer.echo["headers"]}
                    matrix.compare(f"{host} {form}: headers", names & {"upgrade", "http2-settings"}, set())


@pytest.mark.parametrize("kind", KINDS)
def test_methods_and_smuggling(proxies: dict[str, RealProxy], kind: str) -> None:
    proxy = proxies[kind]
    with Matrix(proxy) as matrix:
        for method, statuses in request_forms.METHODS.items():
            target = "plain.test:80" if method == "CONNECT" else "/"
            sent = f"{method} {target} HTTP/1.1\r\nHost: plain.test:80\r\nConnection: close\r\n\r\n"
            matrix.compare(method, raw_client.send(proxy.http, sent.encode()).status in statuses, True)
        for name, rest in request_forms.SMUGGLING.items():
            sent = f"POST / HTTP/1.1\r\nHost: plain.test\r\nConnection: close\r\n{rest}"
            answer = raw_client.send(proxy.http, sent.encode("latin-1"))
            matrix.compare(f"{name}: {answer.status}", answer.status == 200 or answer.status >= 400, True)
            matrix.compare(f"{name}: one answer", answer.body.count(b'"target"') <= 1, True)


@pytest.mark.parametrize("kind", KINDS)
def test_gates_ask_as_users_do(proxies: dict[str, RealProxy], kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = proxies[kind].proxy
    assert proxy.request("plain.test", "/secure", "blue")[:2] == (200, "blue")
    assert proxy.request("*.wild.test", "/", "blue")[:2] == (200, "blue")
    # Where another proxy in front has the certificates, the application itself says that users have https.
    monkeypatch.setattr(proxy, "capabilities", replace(proxy.capabilities, certificates=()))
    status, color, body = proxy.request("plain.test", "/", "blue")
    assert (status, color, dict(json.loads(body)["headers"])["x-forwarded-proto"]) == (200, "blue", "http")
    assert proxy.request("plain.test", "/secure", "blue")[:2] == (200, "blue")
    # A client cannot say so.
    asked = raw_client.request("/secure", "plain.test", lines=["X-Forwarded-Proto: https"])
    assert raw_client.send(proxies[kind].http, asked).status == 301
    # A preview key opens guards, and paths are read in one way only.
    key = [f"X-Switchyard-Key: {proxy.server_key()}"]
    for target, right in (("/admin/", 200), ("//admin/", 400)):
        assert raw_client.send(proxies[kind].http, raw_client.request(target, "allow.test", lines=key)).status == right
