from __future__ import annotations

import pytest
from fakes import HOST, Machine

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import RouteSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.maintenance import placeholder
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState

PAGES = {"placeholder": "soon", "maintenance": "closed"}
SHOP = "po.shop.prod"


def stack(name: str = "shop", host: str = HOST) -> dict[str, list[RouteSpec]]:
    return {name: [RouteSpec("web", 8000, (host,))]}


def routes(machine: Machine) -> dict[str, str]:
    return {route: key for key, _color, route in machine.proxy.state.routes}


def test_routes_and_pages_are_set_up_once(machine: Machine) -> None:
    done = placeholder.apply(machine.host, stack(), PAGES)
    assert done.changed
    assert (routes(machine), machine.proxy.state.live) == ({f"{HOST}/": SHOP}, {})
    assert {path.name: path.read_text() for path in machine.proxy.pages.iterdir()} == {
        "placeholder.html": "soon",
        "maintenance.html": "closed",
    }
    assert not placeholder.apply(machine.host, stack(), PAGES).changed
    assert len(machine.proxy.plans) == 1


def test_check_mode_returns_the_same_and_changes_nothing(machine: Machine) -> None:
    predicted = placeholder.result(placeholder.apply(machine.host, stack(), PAGES, check_mode=True))
    assert (routes(machine), list(machine.proxy.pages.iterdir())) == ({}, [])
    assert predicted == placeholder.result(placeholder.apply(machine.host, stack(), PAGES))
    # Before the first setup there was no proxy to read.
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    assert not placeholder.apply(machine.host, stack(), PAGES, check_mode=True).changed
    assert predicted.diff["after"] == f"{HOST}/\nplaceholder.html: 4 bytes\nmaintenance.html: 6 bytes\n"


def test_a_host_can_change_before_the_first_release(machine: Machine) -> None:
    placeholder.apply(machine.host, stack(), PAGES)
    placeholder.apply(machine.host, stack(host="new.example.org"), PAGES)
    assert routes(machine) == {"new.example.org/": SHOP}


def test_a_stack_without_a_release_loses_its_routes_when_it_leaves_the_inventory(machine: Machine) -> None:
    placeholder.apply(machine.host, stack("shpo"), PAGES)
    done = placeholder.apply(machine.host, stack(), PAGES)
    assert routes(machine) == {f"{HOST}/": SHOP}
    assert placeholder.result(done).stacks == ("shop",)
    assert not placeholder.apply(machine.host, stack(), PAGES).changed


def test_a_stack_that_is_live_or_has_a_release_does_not_change(machine: Machine) -> None:
    machine.make_live("green")
    before = machine.proxy.state
    assert placeholder.apply(machine.host, stack(host="new.example.org"), {}).changed is False
    machine.proxy.state = ProxyState(routes=before.routes)
    machine.released("green", state="failed")
    assert placeholder.apply(machine.host, stack(host="new.example.org"), {}).changed is False
    assert placeholder.apply(machine.host, {}, {}).changed is False


def test_a_release_that_went_live_in_between_keeps_its_routes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = machine.proxy.read

    def read_then_release() -> ProxyState:
        seen = read()
        machine.make_live("blue")
        return seen

    monkeypatch.setattr(machine.proxy, "read", read_then_release)
    placeholder.apply(machine.host, stack(host="new.example.org"), {})
    assert routes(machine) == {f"{HOST}/": SHOP}


def test_every_route_conflict_is_reported(machine: Machine) -> None:
    machine.proxy.state = ProxyState(
        {"po.old.qual": "blue"},
        {("po.old.qual", "blue", f"{HOST}/"): "web", ("po.old.qual", "blue", "b.org/"): "web"},
    )
    with pytest.raises(SwitchyardError) as error:
        placeholder.apply(machine.host, {**stack(), **stack("blog", "b.org"), **stack("new", "c.org")}, PAGES)
    assert f"1. switchyard_stacks[shop].routes: {HOST}/ is a route of po.old.qual on this server" in str(error.value)
    assert "2. switchyard_stacks[blog].routes: b.org/ is a route of po.old.qual" in str(error.value)
    assert (len(routes(machine)), list(machine.proxy.pages.iterdir())) == (2, [])
