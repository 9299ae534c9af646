"""Hosts that a foreign container claims by its labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import HOST, Machine, container, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import foreign_routers
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext


@pytest.mark.parametrize(
    ("labels", "hosts"),
    [
        (
            {"traefik.http.routers.a.rule": "Host(`a.org`) || (Host(`B.org`, `c.org`) && Path(`/x`))"},
            {"a.org", "b.org", "c.org"},
        ),
        ({"traefik.tcp.routers.a.rule": "HostSNI(`a.org`)"}, {"a.org"}),
        (
            {"caddy": "a.org, http://shop.example.org:8443/x", "caddy.reverse_proxy": "{{upstreams 80}}"},
            {"a.org", "shop.example.org"},
        ),
        ({"caddy_1": "a.org"}, {"a.org"}),
        ({"traefik.enable": "true", "traefik.http.services.a.loadbalancer.server.port": "80"}, set()),
    ],
)
def test_the_hosts_in_labels(labels: dict[str, str], hosts: set[str]) -> None:
    assert foreign_routers.claimed_hosts(labels) == hosts


def test_a_foreign_container_with_our_host(machine: Machine) -> None:
    rule = {"traefik.http.routers.old.rule": f"Host(`{HOST}`)"}
    machine.engine.start(replace(container("old-shop"), labels=rule))
    context = HostCheckContext(machine.host, specs=[given()])
    (problem,) = foreign_routers.check(context)
    assert (problem.where, problem.code) == ("switchyard_stacks[shop].routes[0].hosts", "route.foreign")
    assert problem.message == f"the container old-shop claims {HOST} by its labels for another proxy"
    assert problem.severity == "warning"
    # Behind the same Traefik, both would get requests.
    machine.proxy.capabilities = replace(machine.proxy.capabilities, behind_traefik=True)
    assert [problem.severity for problem in foreign_routers.check(context)] == ["error"]
    assert foreign_routers.check(replace(context, needs_proxy=False)) == []


def test_the_labels_of_our_own_containers_are_ignored(machine: Machine) -> None:
    own = container("po-proxy")
    labels = {**own.labels, "traefik.http.routers.prod-0.rule": f"Host(`{HOST}`)"}
    machine.engine.start(replace(own, labels=labels))
    assert foreign_routers.check(HostCheckContext(machine.host, specs=[given()])) == []
