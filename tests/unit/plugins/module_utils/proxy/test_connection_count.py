from __future__ import annotations

import pytest
from fakes import FakeEngine, colored

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import sockets
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.connection_count import ConnectionCount

KEY = "po.shop.prod"


class Counting(ConnectionCount):
    def __init__(self, engine: FakeEngine, ports: dict[str, int]) -> None:
        self.engine = engine  # type: ignore[assignment]
        self.ports = ports

    def container_ports(self, key: str, color: str) -> dict[str, int]:
        return self.ports


def test_connections_to_the_ports_of_a_colors_services_count(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine(
        colored("green", 2, pid=7), colored("green", 2, service="side", pid=8), colored("blue", 1, pid=9)
    )
    monkeypatch.setattr(sockets, "open_to", lambda pid, port: {(7, 8000): 3}[pid, port])
    counting = Counting(engine, {"web": 8000})
    assert [(container.name, count) for container, count in counting.connections(KEY, "green")] == [
        ("po-shop-web-prod-green", 3)
    ]
    assert counting.in_flight(KEY, "green") == 3


def test_a_container_that_ended_has_no_connection() -> None:
    engine = FakeEngine(colored("green", 2, pid=0))
    assert Counting(engine, {"web": 8000}).in_flight(KEY, "green") == 0
    assert Counting(engine, {}).in_flight(KEY, "green") == 0
