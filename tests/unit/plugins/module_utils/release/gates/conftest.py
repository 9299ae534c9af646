from __future__ import annotations

import pytest
from fakes import FakeEngine, FakeProxy, colored

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState


@pytest.fixture
def proxy() -> FakeProxy:
    return FakeProxy(ProxyState({"po.shop.prod": "green"}))


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine(colored("blue", 2), colored("green", 1))
    engine.written = {"po-shop-web-prod-blue": ["booting", "no database"]}
    return engine
