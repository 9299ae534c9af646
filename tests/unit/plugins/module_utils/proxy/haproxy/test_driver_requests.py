from __future__ import annotations

import typing as t

import pytest
from fakes import HOST, application

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
