"""The ports of a proxy that does not answer."""

from __future__ import annotations

import json
import socket

import pytest
from fakes import Machine
from fakes_preflight import fails

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ProxyUnavailable
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import port_holders
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext


def set_up(machine: Machine, port: int) -> None:
    settings = {
        "provider": "haproxy",
        "address": "127.0.0.1",
        "port": port,
        "https": {"port": 0},
        "container": "po-proxy",
    }
    (machine.root / "proxy" / "proxy.json").write_text(json.dumps(settings))
    machine.proxy.read = fails(ProxyUnavailable("It does not answer."))  # type: ignore[method-assign]


def test_another_container_has_the_port(machine: Machine) -> None:
    set_up(machine, 8080)
    machine.engine.published = {8080: {"old-nginx": {"0.0.0.0"}}}
    (problem,) = port_holders.check(HostCheckContext(machine.host))
    assert problem.code == "proxy.port_in_use"
    assert problem.message == "the port 8080 is in use on 0.0.0.0 by the container old-nginx"


def test_another_process_has_the_port(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        set_up(machine, server.getsockname()[1])
        (problem,) = port_holders.check(HostCheckContext(machine.host))
        assert "in use on 127.0.0.1 by " in problem.message


def test_a_proxy_that_answers_has_its_ports(machine: Machine) -> None:
    set_up(machine, 8080)
    machine.engine.published = {8080: {"old-nginx": {"0.0.0.0"}}}
    del machine.proxy.read  # type: ignore[method-assign]
    assert port_holders.check(HostCheckContext(machine.host)) == []


@pytest.mark.parametrize(
    ("settings", "ports"),
    [
        ({}, ()),
        ({"address": "", "port": 8080}, ()),
        ({"address": "127.0.0.1", "port": 80, "https": {"port": 443}}, (("127.0.0.1", 80), ("127.0.0.1", 443))),
    ],
)
def test_the_ports_of_the_settings(settings: dict[str, object], ports: object) -> None:
    assert port_holders.ports_of(settings) == ports
