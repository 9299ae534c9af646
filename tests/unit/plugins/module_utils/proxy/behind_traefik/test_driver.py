from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeEngine
from fakes_behind_traefik import NEXT, OLD, FrontTraefik

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik.driver import BehindTraefikProxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyPlan, ProxyState


def test_no_change_reaches_one_of_two(engine: FrontTraefik, folder: Path) -> None:
    settings = {"container": OLD, "address": "", "port": 8080}
    proxy = BehindTraefikProxy(folder, settings, engine)  # type: ignore[arg-type]
    assert proxy.address == "127.0.0.1"
    proxy.apply(lambda state: ProxyPlan(state, state))
    engine.start_container(NEXT)
    with pytest.raises(SwitchyardError, match=r"po-proxy and po-proxy-next.*Nothing was changed. Run setup\.yml"):
        proxy.apply(lambda state: ProxyPlan(state, state))
    engine.remove([engine.by_name[OLD]])
    assert proxy.run == folder / "run.2"
    assert proxy.read() == ProxyState()


def test_without_a_container_there_is_not_a_proxy(folder: Path) -> None:
    proxy = BehindTraefikProxy(folder, {"container": OLD, "address": "", "port": 1}, FakeEngine())  # type: ignore
    assert proxy.address == ""
    with pytest.raises(SwitchyardError, match="container po-proxy of the proxy is missing"):
        proxy.read()
