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


def ways(machine: Machine) -> dict[str, str]:
    return {at: key for key, _color, at in machine.proxy.state.routes}


def test_the_proxy_learns_the_hosts_and_has_its_pages_once(machine: Machine) -> None:
    done = placeholder.apply(machine.host, stack(), PAGES)
    assert done.changed
    assert (ways(machine), machine.proxy.state.live) == ({f"{HOST}/": SHOP}, {})
    assert {path.name: path.read_text() for path in machine.proxy.pages.iterdir()} == {
        "placeholder.html": "soon",
        "maintenance.html": "closed",
    }
    assert not placeholder.apply(machine.host, stack(), PAGES).changed
    assert len(machine.proxy.plans) == 1


def test_check_mode_says_the_same_and_does_nothing(machine: Machine) -> None:
    looked = placeholder.result(placeholder.apply(machine.host, stack(), PAGES, check_mode=True))
    assert (ways(machine), list(machine.proxy.pages.iterdir())) == ({}, [])
    assert looked == placeholder.result(placeholder.apply(machine.host, stack(), PAGES))
    # Before the first setup there was no proxy to ask.
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    assert not placeholder.apply(machine.host, stack(), PAGES, check_mode=True).changed
    assert looked["diff"]["after"] == f"{HOST}/\nplaceholder.html: 4 bytes\nmaintenance.html: 6 bytes\n"


def test_a_host_that_changes_before_the_first_release_changes_here_too(machine: Machine) -> None:
    placeholder.apply(machine.host, stack(), PAGES)
    placeholder.apply(machine.host, stack(host="new.example.org"), PAGES)
    assert ways(machine) == {"new.example.org/": SHOP}


def test_a_stack_that_was_only_announced_gives_its_hosts_back(machine: Machine) -> None:
    placeholder.apply(machine.host, stack("shpo"), PAGES)
    done = placeholder.apply(machine.host, stack(), PAGES)
    assert ways(machine) == {f"{HOST}/": SHOP}
    assert placeholder.result(done)["stacks"] == ["shop"]
    assert not placeholder.apply(machine.host, stack(), PAGES).changed


def test_what_is_live_or_has_a_release_is_left_as_it_is(machine: Machine) -> None:
    machine.make_live("green")
    before = machine.proxy.state
    assert placeholder.apply(machine.host, stack(host="new.example.org"), {}).changed is False
    machine.proxy.state = ProxyState(routes=before.routes)
    machine.released("green", state="failed")
    assert placeholder.apply(machine.host, stack(host="new.example.org"), {}).changed is False
    assert placeholder.apply(machine.host, {}, {}).changed is False


def test_a_release_that_was_quicker_keeps_its_routes(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    read = machine.proxy.read

    def then_released() -> ProxyState:
        seen = read()
        machine.make_live("blue")
        return seen

    monkeypatch.setattr(machine.proxy, "read", then_released)
    placeholder.apply(machine.host, stack(host="new.example.org"), {})
    assert ways(machine) == {f"{HOST}/": SHOP}


def test_a_host_that_another_stack_has_is_refused_with_every_other(machine: Machine) -> None:
    machine.proxy.state = ProxyState(
        {"po.old.qual": "blue"},
        {("po.old.qual", "blue", f"{HOST}/"): "web", ("po.old.qual", "blue", "b.org/"): "web"},
    )
    with pytest.raises(SwitchyardError) as error:
        placeholder.apply(machine.host, {**stack(), **stack("blog", "b.org"), **stack("new", "c.org")}, PAGES)
    assert f"1. switchyard_stacks[shop].routes: {HOST}/ leads to po.old.qual on this server" in str(error.value)
    assert "2. switchyard_stacks[blog].routes: b.org/ leads to po.old.qual" in str(error.value)
    assert (len(ways(machine)), list(machine.proxy.pages.iterdir())) == (2, [])
