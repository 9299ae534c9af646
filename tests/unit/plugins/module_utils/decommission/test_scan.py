from __future__ import annotations

import pytest
from fakes import Machine, container, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.scan import scan
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState

FRONT = "po-shop-prod.front"


def test_other_environments_are_found_by_their_resources(machine: Machine) -> None:
    machine.engine.start(shared_container("proxy", FRONT), container("po-shop-web-dev", labels={"environment": "dev"}))
    machine.proxy.state = ProxyState({"po.shop.qual": "blue", "other.shop.test": "blue"})
    (machine.root / "po-staging" / "shop" / "releases").mkdir(parents=True)
    assert scan(machine.host).others == ("dev", "qual", "staging")


def test_the_error_of_a_silent_proxy_is_part_of_the_scan(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> ProxyState:
        raise SwitchyardError("The proxy does not answer")

    monkeypatch.setattr(machine.proxy, "read", silent)
    assert scan(machine.host).proxy_error is None
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    assert scan(machine.host).proxy_error == "The proxy does not answer"
