"""The same requests through every kind of proxy give the same access lines."""

from __future__ import annotations

import json
import socket
import time
import typing as t
import urllib.parse
from dataclasses import dataclass, field

import pytest
import raw_client
from raw_client import Http2Client
from real_proxies import KINDS, RealProxy

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import access_log
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.access_log import (
    CLIENT,
    COMPLETE,
    CUT,
    TIMEOUT,
    UPSTREAM,
    AccessLine,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.log_reader import AccessLogReader, LogReader

WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
LIMIT = 10.0

Value = t.Union[t.Any, dict[str, t.Any]]


@dataclass(frozen=True)
class Case:
    """A request and its line; where proxies differ, a value is a mapping by kind.

    ``leave`` is after how many seconds the client leaves. ``begins`` is whether the line says when an answer began.
    """

    name: str
    target: str
    status: Value
    host: str = "plain.test"
    lines: tuple[str, ...] = ()
    body: bytes = b""
    leave: float | None = None
    termination: Value = COMPLETE
    route: Value = "web"
    color: str | None = "blue"
    begins: Value = True
    failed: bool = False
    milliseconds: tuple[int, int] = (0, 9000)
    path: Value = None
    more: dict[str, t.Any] = field(default_factory=dict)


# Traefik names no service where it refuses a request.
NOT_ASKED: dict[str, t.Any] = {
    "color": None,
    "begins": False,
    "route": {"haproxy": "web", "nginx": "web", "traefik": None},
}
NO_ANSWER: dict[str, t.Any] = {"begins": False, "failed": True}
QUOTES = "/a%22b%5Cc%01%0a%1b[31m\"'{}\\"
LONG = "/" + "a%22" * 600
CASES = [
    Case("an answer", "/x?secret=1", 200, path="/x"),
    Case("a 404 of the application", "/status/404", 404),
    Case("a 502 of the application", "/status/502", 502, failed=True),
    Case("no answer", "/reset", 502, termination=UPSTREAM, **NO_ANSWER),
    Case(
        "no container",
        "/",
        {"haproxy": 503, "nginx": 502, "traefik": 502},
        "gone.test",
        termination=UPSTREAM,
        route="gone",
        **NO_ANSWER,
    ),
    Case(
        "a container that does not listen",
        "/",
        {"haproxy": 503, "nginx": 502, "traefik": 502},
        "closed.test",
        termination=UPSTREAM,
        route="closed",
        **NO_ANSWER,
    ),
    Case(
        "an answer after the timeout",
        "/wait/3000",
        504,
        "late.test",
        termination=TIMEOUT,
        milliseconds=(900, 2990),
        **NO_ANSWER,
    ),
    Case("a slow answer", "/wait/400", 200, milliseconds=(400, 9000)),
    # The length that was announced says it; Traefik does not say which side ended the answer.
    Case(
        "an answer that ends early",
        "/cut",
        200,
        termination={"haproxy": UPSTREAM, "nginx": UPSTREAM, "traefik": CUT},
        begins={"haproxy": True, "nginx": True, "traefik": False},
        failed=True,
    ),
    Case("a client that leaves before the answer", "/wait/2000", 499, leave=0.4, termination=CLIENT, begins=False),
    Case(
        "a client that leaves in the answer",
        "/stream",
        200,
        leave=0.4,
        termination={"haproxy": CLIENT, "nginx": CLIENT, "traefik": CUT},
        begins={"haproxy": True, "nginx": True, "traefik": False},
    ),
    Case("an address that is not allowed", "/admin/", 403, "allow.test", **NOT_ASKED),
    Case("no password", "/admin/", 401, "auth.test", **NOT_ASKED),
    Case("a body that is too long", "/admin/", 413, "body.test", body=b"0123456789", **NOT_ASKED),
    Case("a redirect", "/", {"haproxy": 308, "nginx": 308, "traefik": 301}, "redirect.test", **NOT_ASKED),
    Case("an unknown host", "/", 404, "unknown.test", color=None, begins=False, route=None, more={"stack": None}),
    Case("quotes and control characters", QUOTES, 200),
    Case("quotes in headers", "/h", 200, lines=('User-Agent: "\\{"', 'Referer: "')),
    # Go refuses it, and Traefik writes no line of what it could not read.
    Case(
        "a control character in a header",
        "/h",
        {"haproxy": 200, "nginx": 200, "traefik": None},
        lines=("User-Agent: \x1b[31m",),
    ),
    # Debian's server of the application takes lines up to 64 KiB.
    Case("a long path", LONG, 200, path={"haproxy": LONG[:512], "nginx": LONG[:512], "traefik": LONG}),
    Case("a WebSocket", "/ws", 101, lines=WEBSOCKET, begins={"haproxy": True, "nginx": True, "traefik": True}),
    Case("a preview", "/p", 200, lines=("X-Switchyard-Key: {key}", "X-Switchyard-Color: blue"), more={"preview": True}),
]


def value(of: Value, kind: str) -> t.Any:
    return of[kind] if isinstance(of, dict) else of


def next_line(log: LogReader, name: str) -> AccessLine:
    """Wait for the next line of a request."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = [line for line in map(access_log.parse, log.read()) if line]
        if found:
            assert len(found) == 1, (name, found)
            return found[0]
        time.sleep(0.02)
    pytest.fail(f"no line of {name} within {LIMIT} s")


def ask(proxy: RealProxy, case: Case) -> raw_client.Answer:
    """Send the request of a case."""
    lines = [line.format(key=proxy.proxy.server_key()) if "{key}" in line else line for line in case.lines]
    request = raw_client.request(case.target, case.host, body=case.body, lines=lines)
    if case.leave is None:
        return raw_client.send(proxy.http, request, LIMIT)
    with socket.create_connection(proxy.http, LIMIT) as connection:
        connection.sendall(request)
        time.sleep(case.leave)
    return raw_client.Answer(0)


def request_id(answer: raw_client.Answer) -> str:
    """The id that the application got of a request."""
    headers = dict(json.loads(answer.body)["headers"])
    return headers.get("x-request-id") or headers["traceparent"].split("-")[1]


@pytest.mark.parametrize("kind", KINDS)
def test_lines(running_proxies: dict[str, RealProxy], kind: str) -> None:
    proxy = running_proxies[kind]
    stack = next(iter(proxy.proxy.read().live))
    # Lines of earlier tests, whose last one may still be on its way.
    time.sleep(1.5)
    log = proxy.proxy.process.open_log(time.time() + 1, b"{")
    wrong = []
    for case in CASES:
        begin = time.time()
        answer = ask(proxy, case)
        if value(case.status, kind) is None:
            assert answer.status == 400, case.name
            continue
        line = next_line(log, case.name)
        path = value(case.path, kind) or case.target
        right = {
            "stack": stack,
            "route": value(case.route, kind),
            "color": case.color,
            "status": value(case.status, kind),
            "termination": value(case.termination, kind),
            "method": "POST" if case.body else "GET",
            "host": case.host,
            "preview": False,
            **case.more,
        }
        found = {name: getattr(line, name) for name in right}
        # Traefik writes a path in its own way of escaping.
        right["path"], found["path"] = (urllib.parse.unquote(text, "latin-1") for text in (path, line.path))
        right.update(
            {"begins": value(case.begins, kind), "failed": case.failed and value(case.termination, kind) != CUT}
        )
        found.update({"begins": line.upstream is not None, "failed": line.failed})
        least, most = case.milliseconds
        right.update({"took": True, "ended": True, "began": True})
        found["took"] = least <= line.duration <= most or line.duration
        found["ended"] = begin - 0.1 <= line.time <= time.time() + 0.1 or line.time - begin
        found["began"] = line.upstream is None or line.upstream <= line.duration + 2 or line.upstream
        if answer.status == 200 and answer.body[:1] == b"{":
            right["id"], found["id"] = request_id(answer), line.request_id
            right["size"], found["size"] = True, len(answer.body) <= line.size <= len(answer.body) + 400 or line.size
        wrong += [
            f"{case.name}: {name} is {found[name]!r}, not {right[name]!r}"
            for name in right
            if found[name] != right[name]
        ]
    log.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_http2_and_of_one_connection(running_proxies: dict[str, RealProxy], kind: str) -> None:
    proxy = running_proxies[kind]
    stack = next(iter(proxy.proxy.read().live))
    time.sleep(1.5)
    log = AccessLogReader(proxy.proxy.process.open_log, stack, time.time() - 0.2)
    begin = time.time()
    client = Http2Client(proxy.https, "plain.test")
    pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", "PLAIN.test."), (":path", '/h2"q')]
    assert client.send(pseudo).status == 200
    client.close()
    with socket.create_connection(proxy.http, LIMIT) as connection:
        for number in (1, 2):
            lines = ["Connection: keep-alive"]
            connection.sendall(raw_client.request(f"/keep/{number}", "plain.test", lines=lines))
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(65536)
            time.sleep(1.2)
    lines_found: list[AccessLine] = []
    while len(lines_found) < 3 and time.time() < begin + LIMIT:
        lines_found += log.read()
    log.close()
    assert [urllib.parse.unquote(line.path) for line in lines_found] == ['/h2"q', "/keep/1", "/keep/2"]
    assert {(line.stack, line.color, line.status, line.host) for line in lines_found} == {
        (stack, "blue", 200, "plain.test")
    }
    # The second one begins when it arrives, not when the first one has ended.
    _http2, first, second = lines_found
    assert second.time - first.time > 1.1
    assert second.duration < 1100
    assert log.unreadable == 0
    assert not log.missed
