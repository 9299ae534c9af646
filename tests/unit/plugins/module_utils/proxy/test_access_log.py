"""Lines as real proxies wrote them; tests/proxies/test_access_lines.py asks the proxies themselves."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import access_log
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.access_log import AccessLine, UnreadableLine

HAPROXY: dict[str, t.Any] = {
    "time": 1796038857324,
    "stack": "po.shop.prod",
    "route": "web",
    "color": "blue",
    "status": 200,
    "ms": 55,
    "upstream_ms": 15,
    "bytes": 506,
    "method": "GET",
    "host": "plain.test",
    "path": "/x",
    "client": "10.201.0.193",
    "preview": "-",
    "termination": "--",
    "id": "c5b5561b-5a09-4f38-9c20-40ce02a0b108",
}
TRAEFIK: dict[str, t.Any] = {
    "ClientHost": "10.201.0.129",
    "DownstreamContentSize": 384,
    "DownstreamStatus": 200,
    "Duration": 14506813,
    "OriginDuration": 14423118,
    "OriginStatus": 200,
    "RequestHost": "Plain.test.",
    "RequestMethod": "GET",
    "RequestPath": "/x?secret=1",
    "RetryAttempts": 0,
    "RouterName": "po.shop.prod:https-public:plain.test/@file",
    "ServiceName": "po.shop.prod:blue:web@file",
    "StartUTC": "2026-11-30T11:41:13.738236089Z",
    "TraceId": "e3b4176e6d9bfb52db0173cbee9250ad",
    "level": "info",
    "msg": "",
    "time": "2026-11-30T11:41:13Z",
}


def haproxy(**changes: t.Any) -> AccessLine:
    line = access_log.parse(json.dumps({**HAPROXY, **changes}))
    assert line
    return line


def traefik(**changes: t.Any) -> AccessLine:
    given = {name: value for name, value in {**TRAEFIK, **changes}.items() if value is not None}
    line = access_log.parse(json.dumps(given))
    assert line
    return line


def test_a_line_of_haproxy_and_nginx() -> None:
    assert haproxy() == AccessLine(
        time=1796038857.324,
        stack="po.shop.prod",
        route="web",
        color="blue",
        status=200,
        duration=55.0,
        upstream=15.0,
        size=506,
        method="GET",
        host="plain.test",
        path="/x",
        client="10.201.0.193",
        request_id="c5b5561b-5a09-4f38-9c20-40ce02a0b108",
        termination="complete",
        preview=False,
    )


def test_a_line_of_traefik() -> None:
    line = traefik()
    assert line.time == pytest.approx(1796038873.738236 + 0.0145, abs=0.001)
    assert line._replace(time=0) == AccessLine(
        time=0,
        stack="po.shop.prod",
        route="web",
        color="blue",
        status=200,
        duration=14.506813,
        upstream=14.423118,
        size=384,
        method="GET",
        host="plain.test",
        path="/x",
        client="10.201.0.129",
        request_id="e3b4176e6d9bfb52db0173cbee9250ad",
        termination="complete",
        preview=False,
    )


@pytest.mark.parametrize(
    ("changes", "status", "termination", "color", "failed"),
    [
        ({}, 200, "complete", "blue", False),
        ({"status": 503}, 503, "complete", "blue", True),
        ({"status": 404}, 404, "complete", "blue", False),
        ({"status": 503, "upstream_ms": -1, "termination": "SC"}, 503, "upstream", "blue", True),
        ({"status": 502, "upstream_ms": -1, "termination": "SH"}, 502, "upstream", "blue", True),
        ({"status": 502, "upstream_ms": -1, "termination": "PH"}, 502, "upstream", "blue", True),
        ({"termination": "SD"}, 200, "upstream", "blue", True),
        ({"status": 504, "upstream_ms": -1, "termination": "sH"}, 504, "timeout", "blue", True),
        ({"status": 503, "upstream_ms": -1, "termination": "sC"}, 503, "timeout", "blue", True),
        ({"status": 400, "upstream_ms": -1, "termination": "CH"}, 499, "client", "blue", False),
        ({"status": -1, "upstream_ms": -1, "termination": "CC"}, 499, "client", "blue", False),
        ({"termination": "CD"}, 200, "client", "blue", False),
        ({"status": 408, "upstream_ms": -1, "termination": "cR", "color": "-"}, 499, "client", None, False),
        ({"status": 403, "upstream_ms": -1, "termination": "LR"}, 403, "complete", None, False),
        ({"status": 403, "upstream_ms": -1, "termination": "PR"}, 403, "complete", None, False),
        ({"status": 101, "termination": "CD"}, 101, "complete", "blue", False),
        ({"status": 503, "upstream_ms": -1, "termination": "LR", "color": "-"}, 503, "complete", None, False),
    ],
)
def test_how_a_request_of_haproxy_and_nginx_ended(
    changes: dict[str, t.Any], status: int, termination: str, color: str | None, failed: bool
) -> None:
    line = haproxy(**changes)
    assert (line.status, line.termination, line.color, line.failed) == (status, termination, color, failed)
    assert (line.upstream is None) == (changes.get("upstream_ms") == -1)


@pytest.mark.parametrize(
    ("changes", "status", "termination", "color", "failed"),
    [
        ({"DownstreamStatus": 502, "DownstreamContentSize": 0}, 502, "complete", "blue", True),
        ({"DownstreamStatus": 502, "DownstreamContentSize": 11}, 502, "upstream", "blue", True),
        ({"DownstreamStatus": 504, "DownstreamContentSize": 15}, 504, "timeout", "blue", True),
        ({"DownstreamStatus": 499, "DownstreamContentSize": 21}, 499, "client", "blue", False),
        ({"OriginDuration": 0, "OriginStatus": 0}, 200, "cut", "blue", False),
        ({"DownstreamStatus": 0, "OriginStatus": 0}, 101, "complete", "blue", False),
        ({"DownstreamStatus": 403, "ServiceName": None, "OriginDuration": 0}, 403, "complete", None, False),
        ({"DownstreamStatus": 503, "ServiceName": "switchyard:pages@file"}, 503, "complete", None, False),
    ],
)
def test_how_a_request_of_traefik_ended(
    changes: dict[str, t.Any], status: int, termination: str, color: str | None, failed: bool
) -> None:
    line = traefik(**changes)
    assert (line.status, line.termination, line.color, line.failed) == (status, termination, color, failed)


@pytest.mark.parametrize(
    ("router", "service", "stack", "color", "route", "preview"),
    [
        ("po.shop.prod:public:h/@file", "po.shop.prod:green:web:1.5@file", "po.shop.prod", "green", "web", False),
        (
            "po.shop.prod:public:h/@file",
            "po.shop.prod:green:web:forwarded-h/@file",
            "po.shop.prod",
            "green",
            "web",
            False,
        ),
        (
            "po.shop.prod:https-public-upgrade:h/@file",
            "po.shop.prod:blue:web@file",
            "po.shop.prod",
            "blue",
            "web",
            False,
        ),
        ("po.shop.prod:sticky-blue:h/@file", "po.shop.prod:blue:web@file", "po.shop.prod", "blue", "web", False),
        ("po.shop.prod:held:h/@file", "po.shop.prod:blue:web@file", "po.shop.prod", "blue", "web", False),
        ("po.shop.prod:blue:h/@file", "po.shop.prod:blue:web@file", "po.shop.prod", "blue", "web", True),
        ("po.shop.prod:https-forwarded-green:h/@file", "po.shop.prod:green:a@file", "po.shop.prod", "green", "a", True),
        ("po.shop.prod:private-blue:h/@file", "po.shop.prod:blue:web@file", "po.shop.prod", "blue", "web", True),
        ("po.shop.prod:keyed:h/@file", "po.shop.prod:blue:web@file", "po.shop.prod", "blue", "web", True),
        ("po.shop.prod:refused:1@file", None, "po.shop.prod", None, None, False),
        ("switchyard:public-invalid@file", None, None, None, None, False),
        (None, None, None, None, None, False),
    ],
)
def test_the_names_of_traefik(
    router: str | None, service: str | None, stack: str | None, color: str | None, route: str | None, preview: bool
) -> None:
    line = traefik(RouterName=router, ServiceName=service)
    assert (line.stack, line.color, line.route, line.preview) == (stack, color, route, preview)


def test_quotes_and_control_characters() -> None:
    text = json.dumps(HAPROXY).replace('"/x"', r'"\/a%22\"\u001b[31m\\\n"')
    line = access_log.parse(text)
    assert line
    assert line.path == '/a%22"\x1b[31m\\\n'


@pytest.mark.parametrize(
    "text", ["", "[WARNING] (19) : a server is down", '{"level":"error","msg":"no"}', "2026/11/30 [error] 22#22: {}"]
)
def test_other_lines(text: str) -> None:
    assert access_log.parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(HAPROXY)[:100],
        json.dumps({**HAPROXY, "status": "x"}),
        json.dumps({key: value for key, value in HAPROXY.items() if key != "id"}),
        json.dumps({**TRAEFIK, "StartUTC": "yesterday"}),
    ],
)
def test_broken_lines(text: str) -> None:
    with pytest.raises(UnreadableLine):
        access_log.parse(text)
