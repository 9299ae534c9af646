from __future__ import annotations

import json
import typing as t

import pytest
from fakes import Machine, container
from fakes_haproxy import FakeMaster

from ansible_collections.switchyard.stacks.plugins.module_utils import paths
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ProxyUnavailable
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik.driver import BehindTraefikProxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy.driver import HAProxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx.driver import Nginx
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.registry import PROVIDERS, open_proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik.driver import Traefik

OWN_PORT: dict[str, t.Any] = {
    "container": "po-proxy",
    "address": "127.0.0.1",
    "port": 80,
    "behind_traefik": False,
    "uid": 10099,
}
BEHIND: dict[str, t.Any] = {**OWN_PORT, "address": "", "port": 8080, "behind_traefik": True}


def opened(machine: Machine, settings: dict[str, t.Any]) -> Proxy:
    paths.proxy_settings(machine.root).write_text(json.dumps(settings))
    return open_proxy(machine.root, machine.engine)  # type: ignore[arg-type]


def test_a_server_without_a_proxy_is_reported(machine: Machine) -> None:
    with pytest.raises(ProxyUnavailable, match=r"This server has no proxy .*proxy\.json is missing.*setup\.yml"):
        open_proxy(machine.root, machine.engine)  # type: ignore[arg-type]


def test_the_proxy_of_the_server_is_the_one_that_answers(machine: Machine, master: FakeMaster) -> None:
    master.maps["12"] = {"live": {"po.shop.prod": "green"}, "routes": {}}
    assert opened(machine, {**OWN_PORT, "provider": "haproxy"}).read().live == {"po.shop.prod": "green"}


@pytest.mark.parametrize(("provider", "driver"), [("haproxy", HAProxy), ("nginx", Nginx), ("traefik", Traefik)])
def test_the_settings_name_the_driver(machine: Machine, provider: str, driver: type) -> None:
    proxy = opened(machine, {**OWN_PORT, "provider": provider})
    assert type(proxy) is driver
    assert (proxy.address, proxy.port, proxy.uid) == ("127.0.0.1", 80, 10099)


def test_every_provider_is_a_choice_of_the_role(machine: Machine) -> None:
    assert list(PROVIDERS) == ["haproxy", "nginx", "traefik"]


def test_an_unknown_provider_is_reported(machine: Machine) -> None:
    with pytest.raises(ProxyUnavailable, match=r"names 'caddy', which this version does not know. Run setup\.yml"):
        opened(machine, {**OWN_PORT, "provider": "caddy"})


@pytest.mark.parametrize("provider", ["nginx", "traefik"])
def test_a_proxy_behind_traefik_is_reached_at_its_container(machine: Machine, provider: str) -> None:
    assert opened(machine, {**BEHIND, "provider": provider}).address == ""
    machine.engine.start(container("po-proxy", addresses={"none": "", "po-shop-prod.front": "172.18.0.9"}))
    assert opened(machine, {**BEHIND, "provider": provider}).address == "172.18.0.9"


def test_haproxy_behind_traefik_is_whichever_container_runs(machine: Machine) -> None:
    assert opened(machine, {**BEHIND, "provider": "haproxy"}).address == ""
    machine.engine.start(container("po-proxy", addresses={"none": "", "po-shop-prod.front": "172.18.0.9"}))
    proxy = opened(machine, {**BEHIND, "provider": "haproxy"})
    assert isinstance(proxy, BehindTraefikProxy)
    assert proxy.address == "172.18.0.9"
    machine.engine.remove([machine.engine.by_name["po-proxy"]])
    machine.engine.start(container("po-proxy-next", mounts={"/run/switchyard": "/other-folder"}))
    assert str(proxy.run) == "/other-folder"
