from __future__ import annotations

import json
import time
import typing as t

import pytest
from fakes import Machine, container, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.config import server_state
from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import SettingsRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.execute import execute
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import LabelledImage
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import process
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState

FRONT, OWN = "po-shop-prod.front", "po-shop-default-prod"


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """Return a server with a live stack, its network, volume and page."""
    machine.make_live("blue")
    machine.released("blue")
    machine.engine.start(shared_container("proxy", FRONT))
    labels = names.labels(project="po", environment="prod", stack="shop", role="stack")
    machine.engine.made_networks[OWN] = {"labels": labels}
    machine.engine.made_networks[FRONT] = {"labels": names.labels(project="po", environment="prod", role="front")}
    machine.engine.made_volumes["po-shop-media-prod"] = {"labels": labels}
    machine.proxy.files["po.shop.prod-blue"] = "backend"
    (machine.root / "proxy" / "pages" / "po.shop.prod.maintenance.html").write_text("closed")
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    return machine


def test_a_stack_is_removed_completely(shop: Machine) -> None:
    _before, planned = execute(shop.host, ["shop"], False, "ann")
    assert planned.changed
    assert shop.proxy.state == ProxyState()
    assert shop.proxy.files == {}
    assert shop.engine.removed == ["po-shop-web-prod-blue"]
    assert list(shop.engine.made_networks) == [FRONT]
    assert list(shop.engine.made_volumes) == ["po-shop-media-prod"]
    assert list((shop.root / "proxy" / "pages").iterdir()) == []
    assert not (shop.root / "po-prod").exists()
    assert not execute(shop.host, ["shop"], False, "ann")[1].changed
    assert execute(shop.host, ["shop"], True, "ann")[1].volumes == ("po-shop-media-prod",)


def test_the_subnets_of_a_retired_stack_are_free_again(shop: Machine) -> None:
    book = {"pool": "10.201.0.0/16", "subnets": {OWN: "10.201.0.0/26", FRONT: "10.201.0.64/26"}}
    (shop.root / "networks.json").write_text(json.dumps(book))
    execute(shop.host, ["shop"], False, "ann")
    assert json.loads((shop.root / "networks.json").read_text())["subnets"] == {FRONT: "10.201.0.64/26"}


def test_images_that_were_built_for_a_stack_go_with_it(shop: Machine) -> None:
    labels = names.labels(project="po", stack="shop", service="web")
    shop.engine.labelled_images = [LabelledImage("sha256:0", ("po-shop-web:0123456789ab",), labels)]
    execute(shop.host, ["shop"], False, "ann", check_mode=True)
    assert shop.engine.removed == []
    execute(shop.host, ["shop"], False, "ann")
    assert shop.engine.removed == ["po-shop-web-prod-blue", "po-shop-web:0123456789ab"]


def test_requests_are_drained_before_a_container_is_removed(shop: Machine) -> None:
    running: list[t.Any] = []
    shop.proxy.busy = {"blue": [1, 1, 0]}
    apply = shop.proxy.apply
    shop.proxy.apply = lambda change: (running.append([*shop.engine.by_name]), apply(change))[1]  # type: ignore
    execute(shop.host, ["shop"], False, "ann")
    assert len(running) == 2
    assert all("po-shop-web-prod-blue" in names for names in running)
    off, forgotten = shop.proxy.plans
    assert (off.after.live, bool(off.after.routes), bool(forgotten.after.routes)) == ({}, True, False)
    assert shop.proxy.busy == {"blue": [0]}


def test_an_environment_is_removed_with_the_proxy(shop: Machine) -> None:
    (shop.root / "proxy" / "proxy.json").write_text("{}")
    execute(shop.host, [], True, "ann")
    assert (shop.engine.by_name, shop.engine.made_networks, shop.engine.made_volumes) == ({}, {}, {})
    assert list(shop.root.iterdir()) == []
    assert not execute(shop.host, [], True, "ann")[1].changed


def test_the_unit_of_the_proxy_is_removed_before_its_folder(shop: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.root / "proxy" / "proxy.json").write_text('{"unit": "po-proxy.service"}')
    removed: list[tuple[str, bool]] = []
    note = lambda unit: removed.append((unit.unit, (shop.root / "proxy").exists()))  # noqa: E731
    monkeypatch.setattr(process.SystemdProcess, "remove", note)
    execute(shop.host, [], True, "ann")
    assert removed == [("po-proxy.service", True)]
    assert not (shop.root / "proxy").exists()


def test_a_proxy_that_others_use_is_only_disconnected(shop: Machine) -> None:
    other = container("po-shop-web-qual", labels={"environment": "qual"}, addresses={})
    shop.engine.start(shared_container("proxy", FRONT, "po-front-qual"), other)
    execute(shop.host, [], False, "ann")
    assert set(shop.engine.by_name) == {"po-proxy", "po-shop-web-qual"}
    assert list(shop.engine.by_name["po-proxy"].addresses) == ["po-front-qual"]
    assert shop.engine.made_networks == {}
    assert (shop.root / "proxy").exists()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_release_in_progress_is_not_disturbed(shop: Machine, check_mode: bool) -> None:
    shop.lock("ann@laptop")
    with pytest.raises(SwitchyardError, match="is being released by ann@laptop"):
        execute(shop.host, [], True, "bob", check_mode)
    assert shop.proxy.plans == []
    assert shop.engine.removed == []


def test_the_lock_is_held_until_the_end_and_released_after_a_failure(shop: Machine) -> None:
    held: list[t.Any] = []

    def remove_resource(kind: str, name: str) -> None:
        held.append(shop.ctx.lock.state())
        raise SwitchyardError("network is busy")

    shop.engine.remove_resource = remove_resource  # type: ignore
    with pytest.raises(SwitchyardError, match="network is busy"):
        execute(shop.host, ["shop"], False, "ann")
    assert (held[0].holder, held[0].until > time.time()) == ("ann", True)
    assert shop.ctx.lock.state() is None


def test_a_proxy_that_keeps_the_routes_is_an_error(shop: Machine) -> None:
    shop.proxy.plan_forget = lambda state, key: shop.proxy.plan_switch(state, key, None)  # type: ignore
    with pytest.raises(SwitchyardError, match="still has routes for shop"):
        execute(shop.host, ["shop"], False, "ann")
    assert shop.engine.removed == []


def test_a_retired_environment_uses_nothing_of_the_server_any_more(shop: Machine) -> None:
    for environment in ("prod", "qual"):
        settings = {"proxy": {"proxy_memory": "256m"}}
        server_state.apply(shop.root, SettingsRequest("po", environment, "ann", 1.0, settings))
    execute(shop.host, ["shop"], False, "ann")
    execute(shop.host, [], False, "ann", check_mode=True)
    assert server_state.read(shop.root).users == {"proxy": ("po/prod", "po/qual")}
    shop.engine.start(container("po-shop-web-qual-blue", labels={"environment": "qual"}))
    shop.released("blue")
    _before, planned = execute(shop.host, [], False, "ann")
    assert "use of the server's shared settings of proxy" in planned.removed
    assert server_state.read(shop.root).users == {"proxy": ("po/qual",)}
    assert not execute(shop.host, [], False, "ann")[1].changed
