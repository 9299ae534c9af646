from __future__ import annotations

import pytest
from fakes import FakeProxy
from fakes_gates import target

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import confirm


def test_the_confirmation_waits_for_every_route(proxy: FakeProxy) -> None:
    asked = []

    def answer(color: str, path: str) -> tuple[int, str]:
        asked.append(color)
        proxy.state = ProxyState({"po.shop.prod": "blue"})
        return 404, "any status confirms it"

    proxy.answer = answer
    assert confirm.confirm_switch(proxy, target(80, "web", "api").routing, "blue") == 3
    assert asked == ["green", "blue", "blue"]


def test_the_confirmation_fails_while_another_color_answers(proxy: FakeProxy) -> None:
    with pytest.raises(
        SwitchyardError, match=r"set to send shop to blue, but GET http://web.example.org/: 200 from green"
    ):
        confirm.confirm_switch(proxy, target(80).routing, "blue", limit=0.1)
