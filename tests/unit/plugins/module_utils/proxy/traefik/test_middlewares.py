from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes_traefik import ADDRESS, FORM, FULL, KEY, STATE, marks, ruled

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import RouteOptions


def test_users_pass_all_options_and_the_key_only_those_of_the_answer() -> None:
    _content, http = ruled({"blue": FULL})
    assert marks(http, f"public:{ADDRESS}") == [
        f"{kind}-blue" for kind in ("headers", "redirect", "allow", "rate", "users", "body")
    ]
    assert marks(http, f"https-public:{ADDRESS}") == [
        f"{kind}-blue" for kind in ("hsts", "headers", "allow", "rate", "users", "body")
    ]
    for kind in ("keyed", "blue"):
        assert marks(http, f"{kind}:{ADDRESS}") == ["headers-blue", "body-blue"]
        assert marks(http, f"https-{kind}:{ADDRESS}") == ["hsts-blue", "headers-blue", "body-blue"]
    assert marks(http, f"green:{ADDRESS}") == []


def test_rules_in_the_words_of_traefik() -> None:
    _content, http = ruled({"blue": FULL})
    made = {name.split(":")[1]: value for name, value in http["middlewares"].items() if name.count(":") == 2}
    assert made["redirect-blue"] == {"redirectScheme": {"scheme": "https", "permanent": True, "port": "8443"}}
    assert made["hsts-blue"] == {"headers": {"customResponseHeaders": {"Strict-Transport-Security": "max-age=60"}}}
    assert made["allow-blue"] == {"ipAllowList": {"sourceRange": ["192.0.2.0/24", "2001:db8::/32"]}}
    users = {"usersFile": "/etc/switchyard/users/prod.staff.htpasswd", "realm": "shop"}
    assert made["users-blue"] == {"basicAuth": users}
    # One may come, and 20 more at once.
    source = {"ipStrategy": {"ipv6Subnet": 64}}
    assert made["rate-blue"] == {
        "rateLimit": {"average": 1, "period": "0.200000000s", "burst": 21, "sourceCriterion": source}
    }
    assert made["body-blue"] == {"buffering": {"maxRequestBodyBytes": 1000}}
    assert made["headers-blue"] == {"headers": {"customResponseHeaders": {"X-Frame-Options": "DENY"}}}
    assert http["serversTransports"][f"{KEY}:2.5"]["forwardingTimeouts"] == {
        "dialTimeout": "5s",
        "responseHeaderTimeout": "2.5s",
    }
    balancer = {"servers": [{"url": "http://po-shop-web-prod-blue:8000"}], "serversTransport": f"{KEY}:2.5@file"}
    assert http["services"][f"{KEY}:blue:web:2.5"] == {"loadBalancer": balancer}
    assert http["routers"][f"{KEY}:blue:{ADDRESS}"]["service"] == f"{KEY}:blue:web:2.5@file"


def test_a_request_that_is_buffered_needs_no_limit() -> None:
    _content, http = ruled({"blue": RouteOptions(buffer_requests=True)})
    assert http["middlewares"][f"{KEY}:body-blue:{ADDRESS}"] == {"buffering": {"memRequestBodyBytes": 2**20}}
    assert marks(http, f"public:{ADDRESS}") == ["body-blue"]


def test_the_usual_port_is_left_out_and_without_https_no_client_is_sent_there() -> None:
    for port, there in ((443, {"scheme": "https", "permanent": True}), (0, None)):
        _content, http = ruled({"blue": FULL}, form=replace(FORM, https_port=port))
        redirect = http["middlewares"].get(f"{KEY}:redirect-blue:{ADDRESS}", {}).get("redirectScheme")
        assert redirect == there
        assert (f"redirect-blue:{ADDRESS}" in json.dumps(http["routers"])) == bool(there)
        assert any("https" in router["entryPoints"] for router in http["routers"].values()) == bool(there)


@pytest.mark.parametrize("how", ["maintenance", "held"])
def test_a_page_asks_for_the_options_but_is_not_an_answer_of_the_application(how: str) -> None:
    # A request that waited continues with the key, which passes the options: so they are asked before.
    _content, http = ruled({"blue": FULL}, replace(STATE, availability={KEY: how}))
    assert marks(http, f"public:{ADDRESS}") == [f"{kind}-blue" for kind in ("redirect", "allow", "rate", "users")]
    assert marks(http, f"https-public:{ADDRESS}") == [f"{kind}-blue" for kind in ("hsts", "allow", "rate", "users")]
