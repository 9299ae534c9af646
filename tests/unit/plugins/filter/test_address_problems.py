from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.filter.address_problems import FilterModule

address_problems = FilterModule().filters()["address_problems"]


@pytest.mark.parametrize("value", ["0.0.0.0", "::1", [], ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "10.1.2.3/8"]])
def test_addresses(value: t.Any) -> None:
    assert address_problems({"proxy_trusted_proxies": value}) == []


@pytest.mark.parametrize("item", ["10.0.0.0/8\n    http-request allow", "lb.example.org", "10.0.0.0/33", "", "10.1"])
def test_other_texts(item: str) -> None:
    assert address_problems({"proxy_http_address": "::", "proxy_bypass_ips": ["::1", item]}) == [
        {
            "where": "proxy_bypass_ips",
            "message": f"{item!r} is not an address or a network",
            "hint": "Write an address or a network, as 10.0.0.0/8",
            "code": "proxy.address",
            "severity": "error",
        }
    ]


def test_a_proxy_listens_on_addresses_only() -> None:
    (problem,) = address_problems({"proxy_http_address": "10.0.0.0/8"})
    assert problem["message"] == "'10.0.0.0/8' is not an address"
