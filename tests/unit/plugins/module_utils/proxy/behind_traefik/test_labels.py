from __future__ import annotations

import json
import typing as t

import pytest
from fakes import HOST, written

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik import (
    labels as behind_traefik_labels,
)

FRONT_PROXY = {"network": "traefik", "entrypoints": ["web", "websecure"]}


def of(environment: str = "prod", before: dict[str, str] | None = None, **changes: t.Any) -> dict[str, str]:
    return behind_traefik_labels.labels([written()], "po", environment, {**FRONT_PROXY, **changes}, before)


def test_a_routed_service_has_a_router_by_the_convention() -> None:
    labels = of()
    assert labels["traefik.enable"] == "true"
    assert labels["traefik.docker.network"] == "traefik"
    assert labels["traefik.http.routers.web-prod.rule"] == f'Host("{HOST}")'
    assert labels["traefik.http.routers.web-prod.entrypoints"] == "web,websecure"
    assert labels["traefik.http.routers.web-prod.service"] == "po-proxy"
    assert labels["traefik.http.services.po-proxy.loadbalancer.server.port"] == "8080"
    assert labels["traefik.http.middlewares.po-proxy.retry.attempts"] == "3"


def test_hosts_and_paths_of_a_service_are_one_rule() -> None:
    routes = [
        {"service": "web", "port": 80, "hosts": ["a.org", "b.org"]},
        {"service": "api", "port": 81, "hosts": ["a.org"], "path": "/api/"},
        {"service": "web", "port": 80, "hosts": ["a.org"]},
    ]
    stacks = [written(routes=routes), {"name": "jobs"}]
    assert behind_traefik_labels.routers(stacks, "qual", "{stack}-{service}-{environment}") == {
        "shop-api-qual": '(Host("a.org") && PathPrefix("/api/"))',
        "shop-web-qual": 'Host("a.org") || Host("b.org")',
    }


def test_the_routers_of_other_environments_stay_and_ones_own_are_replaced() -> None:
    before = {**of("qual"), "io.switchyard.routers.prod": json.dumps({"old-prod": "Host(`x`)"}), "other": "label"}
    labels = of("prod", before)
    assert labels["traefik.http.routers.web-qual.rule"] == f'Host("{HOST}")'
    assert not [name for name in labels if "old-prod" in name or name == "other"]
    assert of("qual", labels) == labels


def test_two_environments_do_not_share_a_router() -> None:
    with pytest.raises(ValueError, match=r"web is a router of .* and of .*pattern with \{environment\}"):
        of("prod", of("qual", router="{service}"), router="{service}")


def test_more_labels_reach_each_router() -> None:
    assert of(labels={"tls": "true"})["traefik.http.routers.web-prod.tls"] == "true"


def test_without_a_front_proxy_there_are_none() -> None:
    assert behind_traefik_labels.label_stages([written()], "po", "prod", {}) == [{}]


def test_the_routers_of_environments_that_are_gone_go() -> None:
    before = of("qual", of("dev"))
    labels = behind_traefik_labels.labels([written()], "po", "prod", FRONT_PROXY, before, ["prod", "dev"])
    assert [label for label in labels if label.startswith(behind_traefik_labels.ROUTERS_LABEL)] == [
        f"{behind_traefik_labels.ROUTERS_LABEL}dev",
        f"{behind_traefik_labels.ROUTERS_LABEL}prod",
    ]
    assert not [label for label in labels if "web-qual" in label]


def stages(current: dict[str, str] | None = None, **changes: t.Any) -> list[dict[str, str]]:
    return behind_traefik_labels.label_stages([written()], "po", "prod", {**FRONT_PROXY, **changes}, current)


def test_labels_that_only_add_names_need_no_container_in_between() -> None:
    assert stages() == stages(of()) == [of()]
    assert stages(of("qual")) == [of("prod", of("qual"))]


def test_where_two_containers_would_differ_in_a_name_another_one_is_used_in_between() -> None:
    changed = of(before=of(), entrypoints=["web"])
    first, last = stages(of(), entrypoints=["web"])
    assert last == changed
    # The container in between has no name in common with the others.
    traefik = [{label for label in each if label.startswith("traefik.http.")} for each in (of(), first, changed)]
    assert not traefik[1] & (traefik[0] | traefik[2])
    assert first["traefik.http.routers.web-prod-next.service"] == "po-proxy-next"
    assert first["traefik.http.routers.web-prod-next.middlewares"] == "po-proxy-next"
    label = f"{behind_traefik_labels.ROUTERS_LABEL}prod"
    assert first[label] == changed[label]
