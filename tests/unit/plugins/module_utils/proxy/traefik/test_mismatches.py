from __future__ import annotations

from fakes import HOST
from fakes_traefik import ADDRESS, FORM, FULL, INVALID, KEY, SERVERS, STATE, ruled, seen

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    mismatches,
    stack_config,
)


def test_a_changed_rule_is_a_difference() -> None:
    content, http = ruled({"blue": FULL})
    for kind, words, value in (
        ("users", "basicAuth", {"usersFile": "/another", "realm": "shop"}),
        ("allow", "ipAllowList", {"sourceRange": ["0.0.0.0/0"]}),
        ("body", "buffering", {}),
    ):
        raw = seen(content)
        raw["middlewares"][f"{KEY}:{kind}-blue:{ADDRESS}@file"] = {words: value}
        assert mismatches.config_mismatches(content, raw, KEY) == [f"{KEY}:{kind}-blue:{ADDRESS} differs"]
    assert http["middlewares"]


def test_a_container_without_https_is_not_waited_for() -> None:
    content, _http = ruled({})
    raw = seen(content)
    raw["routers"][f"{KEY}:https-public:{ADDRESS}@file"]["error"] = [
        'entryPoint "https" doesn\'t exist',
        "no valid entryPoint for this router",
    ]
    assert mismatches.config_mismatches(content, raw, KEY) == []


def test_each_difference_is_named() -> None:
    content = stack_config.document(KEY, STATE, SERVERS, FORM)
    raw = seen(content)
    assert mismatches.config_mismatches(content, raw, KEY) == []
    raw["routers"][f"{KEY}:public:{HOST}/@file"]["priority"] = 1
    raw["routers"][f"{KEY}:blue:{HOST}/@file"]["error"] = ["the service does not exist"]
    del raw["services"][f"{KEY}:blue:web@file"]
    raw["middlewares"][f"{KEY}:old@file"] = {}
    assert sorted(mismatches.config_mismatches(content, raw, KEY)) == [
        f"{KEY}:blue:{HOST}/: the service does not exist",
        f"{KEY}:blue:web is missing",
        f"{KEY}:old still exists",
        f"{KEY}:public:{HOST}/ differs",
    ]


def test_an_error_of_traefik_is_reported_without_the_folder() -> None:
    router = '{"level":"error","routerName":"x@file","error":"no such service"}'
    assert mismatches.error_messages(f'noise\n{{"level":"info"}}\n{INVALID}\n{router}\n"text"') == [
        "foreign.yml: field not found, node: bogus",
        "x@file: no such service",
    ]
