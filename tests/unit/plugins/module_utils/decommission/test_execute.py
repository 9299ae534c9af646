from __future__ import annotations

import time
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HOST, Machine, checked, colored, container, worker

from ansible_collections.switchyard.stacks.plugins.module_utils import names as names_module
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import execute, plan, scan
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.scan import EnvironmentScan
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container, LabelledResource
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import process
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record

FRONT, BACK, OWN = "po-front-prod", "po-back-prod", "po-shop-prod"


def kept(name: str, *users: str, **labels: str) -> LabelledResource:
    return LabelledResource(name, names_module.labels(project="po", environment="prod", **labels), users)


def server(role: str, *networks: str) -> Container:
    """Return a server that all environments share: it has no label of one."""
    labels = names_module.labels(project="po", role=role)
    return replace(container(f"po-{role}"), labels=labels, addresses=dict.fromkeys(networks, "127.0.0.1"))


def seen(**changes: t.Any) -> EnvironmentScan:
    """Return an environment with one stack, behind a proxy that another environment needs as well."""
    values: dict[str, t.Any] = {
        "environment": "prod",
        "containers": (colored("blue", 1), worker(1)),
        "networks": (kept(OWN, "po-web-prod-blue", stack="shop", role="stack"), kept(FRONT, "po-proxy", role="front")),
        "routes": {"shop": (f"{HOST}/",)},
        "folders": {"shop": (Path("/r/lock"), Path("/r/releases"))},
        "shared": {"po-proxy": server("proxy", FRONT, "po-front-qual")},
        "proxy_folder": Path("/proxy"),
        "others": ("qual",),
        **changes,
    }
    return EnvironmentScan(**values)


# --- what goes ---


def test_a_stack_goes_and_its_environment_stays() -> None:
    wanted = plan.plan(seen(), ["shop"], False)
    assert wanted.routes == {"shop": (f"{HOST}/",)}
    assert wanted.containers == ("po-celery-prod", "po-web-prod-blue")
    assert wanted.networks == (OWN,)
    assert wanted.leaves == ()
    assert wanted.paths == (Path("/r/lock"), Path("/r/releases"))


def test_a_stack_of_which_nothing_stands_is_nothing_to_do() -> None:
    assert not plan.plan(seen(), ["blog"], True).changed


def test_the_other_stacks_are_left_alone() -> None:
    other = container("po-site-prod", labels={"stack": "blog"})
    wanted = plan.plan(seen(containers=(colored("blue", 1), other), routes={"blog": (), "shop": ()}), ["shop"], True)
    assert (wanted.stacks, wanted.containers, list(wanted.routes)) == (("shop",), ("po-web-prod-blue",), ["shop"])


def test_another_environment_keeps_the_proxy() -> None:
    wanted = plan.plan(seen(), [], False)
    assert wanted.servers == ()
    assert wanted.leaves == ((FRONT, "po-proxy"),)
    assert wanted.networks == (FRONT, OWN)
    assert Path("/proxy") not in wanted.paths


def test_the_network_that_carries_the_port_stays_for_the_others() -> None:
    wanted = plan.plan(seen(published_network=FRONT), [], False)
    assert wanted.leaves == ()
    assert wanted.networks == (OWN,)
    assert "the public's port leads through it" in wanted.kept[0]


def test_the_last_environment_takes_the_proxy_along() -> None:
    left_over = LabelledResource(
        "po-front-old", names_module.labels(project="po", environment="old", role="front"), ("po-proxy",)
    )
    pages = LabelledResource("po-pages", names_module.labels(project="po", role="pages"), ("po-pages", "po-proxy"))
    last = seen(
        others=(),
        published_network=FRONT,
        networks=(*seen().networks, left_over, pages),
        shared={"po-proxy": server("proxy", FRONT, "po-pages"), "po-pages": server("pages", "po-pages")},
        trouble="it does not answer",
    )
    wanted = plan.plan(last, [], False)
    assert wanted.servers == ("po-pages", "po-proxy")
    assert wanted.networks == ("po-front-old", FRONT, "po-pages", OWN)
    assert (wanted.routes, wanted.leaves, wanted.paths[-1]) == ({}, (), Path("/proxy"))


def test_a_proxy_on_the_server_itself_goes_with_the_last_environment_too() -> None:
    wanted = plan.plan(seen(others=(), shared={}, unit="po-proxy.service"), [], False)
    assert (wanted.unit, "unit po-proxy.service" in wanted.lines) == ("po-proxy.service", True)
    assert "Debian's package of the proxy, and the user it ran as" in wanted.kept
    assert plan.plan(seen(unit="po-proxy.service"), [], False).unit is None


def test_a_single_stack_never_takes_the_proxy_along() -> None:
    assert plan.plan(seen(others=()), ["shop"], True).servers == ()


def test_a_proxy_that_does_not_answer_stops_what_needs_it() -> None:
    with pytest.raises(SwitchyardError, match="it does not answer"):
        plan.plan(seen(trouble="it does not answer"), [], False)


# --- what stays ---


def test_the_shared_servers_stay_where_a_network_is_all_they_have() -> None:
    networks = (kept(BACK, "po-postgres", "po-redis", role="back"),)
    shared = {"po-postgres": server("postgres", BACK), "po-redis": server("redis", BACK, "po-back-qual")}
    wanted = plan.plan(seen(networks=networks, shared=shared), [], False)
    assert (wanted.leaves, wanted.networks) == ((), ())
    assert wanted.kept == (f"the network {BACK}: po-postgres has no other",)


def test_what_somebody_else_uses_stays() -> None:
    networks = (kept(OWN, "po-web-prod-blue", "stranger", stack="shop"),)
    volumes = (kept("po-media-prod", "po-celery-prod", "stranger", stack="shop"),)
    wanted = plan.plan(seen(networks=networks, volumes=volumes), [], True)
    assert (wanted.networks, wanted.volumes) == ((), ())
    assert [line.rpartition(": ")[2] for line in wanted.kept] == ["stranger uses it"] * 2


def test_data_is_named_and_goes_only_when_asked_to() -> None:
    folders = {"shop": (Path("/r/backups"), Path("/r/releases"))}
    stack = checked(postgres={"password": "x"}, redis={"password": "x", "databases": [0]})
    record = Record(1, "blue", "live", "f", stack, "ann", 1.0)
    whole = seen(
        volumes=(kept("po-media-prod", stack="shop"),),
        folders=folders,
        records={"shop": record},
    )
    left = plan.plan(whole, [], False)
    assert (left.volumes, left.paths) == ((), (Path("/r/releases"),))
    assert left.kept == (
        "the volume po-media-prod (-e data=remove removes it)",
        "/r/backups (-e data=remove removes it)",
        "the database shop_prod in PostgreSQL, with its logins",
        "the user shop-prod in Redis, with its database numbers",
    )
    gone = plan.plan(whole, [], True)
    assert gone.volumes == ("po-media-prod",)
    assert Path("/r/backups") in gone.paths
    assert [line.split()[1] for line in gone.kept] == ["database", "user"]


def test_the_labels_of_an_edge_are_named() -> None:
    proxy = replace(server("proxy", FRONT, "traefik"), labels={"io.switchyard.edge.prod": "{}"})
    assert "until setup.yml runs" in plan.plan(seen(shared={"po-proxy": proxy}), [], False).kept[-1]


# --- carried out ---


@pytest.fixture
def shop(machine: Machine) -> Machine:
    """Give a server with the stack live, its network and volume, and a page."""
    machine.make_live("blue")
    machine.released("blue")
    machine.engine.start(server("proxy", FRONT))
    labels = names_module.labels(project="po", environment="prod", stack="shop", role="stack")
    machine.engine.made_networks[OWN] = {"labels": labels}
    machine.engine.made_networks[FRONT] = {
        "labels": names_module.labels(project="po", environment="prod", role="front")
    }
    machine.engine.made_volumes["po-media-prod"] = {"labels": labels}
    machine.proxy.files["po.shop.prod-blue"] = "backend"
    (machine.root / "proxy" / "pages" / "po.shop.prod.maintenance.html").write_text("closed")
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    return machine


def test_nothing_of_a_stack_is_left(shop: Machine) -> None:
    _seen, wanted = execute.execute(shop.server, ["shop"], False, "ann")
    assert wanted.changed
    assert shop.proxy.state == ProxyState()
    assert shop.proxy.files == {}
    assert shop.engine.removed == ["po-web-prod-blue"]
    assert list(shop.engine.made_networks) == [FRONT]
    assert list(shop.engine.made_volumes) == ["po-media-prod"]
    assert list((shop.root / "proxy" / "pages").iterdir()) == []
    assert not (shop.root / "po-prod").exists()
    assert not execute.execute(shop.server, ["shop"], False, "ann")[1].changed
    assert execute.execute(shop.server, ["shop"], True, "ann")[1].volumes == ("po-media-prod",)


def test_the_public_leaves_before_anything_stops(shop: Machine) -> None:
    standing: list[t.Any] = []
    shop.proxy.busy = {"blue": [1, 1, 0]}
    apply = shop.proxy.apply
    shop.proxy.apply = lambda change: (standing.append([*shop.engine.standing]), apply(change))[1]  # type: ignore
    execute.execute(shop.server, ["shop"], False, "ann")
    assert len(standing) == 2
    assert all("po-web-prod-blue" in names for names in standing)
    off, forgotten = shop.proxy.plans
    assert (off.after.live, bool(off.after.routes), bool(forgotten.after.routes)) == ({}, True, False)
    assert shop.proxy.busy == {"blue": [0]}


def test_the_whole_environment_goes_with_the_proxy(shop: Machine) -> None:
    (shop.root / "proxy" / "proxy.json").write_text("{}")
    execute.execute(shop.server, [], True, "ann")
    assert (shop.engine.standing, shop.engine.made_networks, shop.engine.made_volumes) == ({}, {}, {})
    assert list(shop.root.iterdir()) == []
    assert not execute.execute(shop.server, [], True, "ann")[1].changed


def test_the_unit_of_the_proxy_goes_before_its_folder(shop: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (shop.root / "proxy" / "proxy.json").write_text('{"unit": "po-proxy.service"}')
    gone: list[tuple[str, bool]] = []
    note = lambda unit: gone.append((unit.unit, (shop.root / "proxy").exists()))  # noqa: E731
    monkeypatch.setattr(process.SystemdProcess, "remove", note)
    execute.execute(shop.server, [], True, "ann")
    assert gone == [("po-proxy.service", True)]
    assert not (shop.root / "proxy").exists()


def test_a_proxy_of_others_only_leaves_the_network(shop: Machine) -> None:
    other = container("po-web-qual", labels={"environment": "qual"}, addresses={})
    shop.engine.start(server("proxy", FRONT, "po-front-qual"), other)
    execute.execute(shop.server, [], False, "ann")
    assert set(shop.engine.standing) == {"po-proxy", "po-web-qual"}
    assert list(shop.engine.standing["po-proxy"].addresses) == ["po-front-qual"]
    assert shop.engine.made_networks == {}
    assert (shop.root / "proxy").exists()


@pytest.mark.parametrize("look", [True, False])
def test_a_release_that_is_under_way_is_not_disturbed(shop: Machine, look: bool) -> None:
    shop.lock("ann@laptop")
    with pytest.raises(SwitchyardError, match="is being released by ann@laptop"):
        execute.execute(shop.server, [], True, "bob", look)
    assert shop.proxy.plans == []
    assert shop.engine.removed == []


def test_nobody_releases_meanwhile_and_a_failure_gives_the_lock_back(shop: Machine) -> None:
    held: list[t.Any] = []

    def drop(kind: str, name: str) -> None:
        held.append(shop.ctx.lock.holder())
        raise SwitchyardError("network is busy")

    shop.engine.remove_resource = drop  # type: ignore
    with pytest.raises(SwitchyardError, match="network is busy"):
        execute.execute(shop.server, ["shop"], False, "ann")
    assert (held[0].holder, held[0].until > time.time()) == ("ann", True)
    assert shop.ctx.lock.holder() is None


def test_a_proxy_that_does_not_forget_is_told(shop: Machine) -> None:
    shop.proxy.plan_forget = lambda state, key: shop.proxy.plan_switch(state, key, None)  # type: ignore
    with pytest.raises(SwitchyardError, match="still knows it"):
        execute.execute(shop.server, ["shop"], False, "ann")
    assert shop.engine.removed == []


def test_other_environments_are_known_by_what_stands(machine: Machine) -> None:
    machine.engine.start(server("proxy", FRONT), container("po-web-dev", labels={"environment": "dev"}))
    machine.proxy.state = ProxyState({"po.shop.qual": "blue", "other.shop.test": "blue"})
    (machine.root / "po-staging" / "shop" / "releases").mkdir(parents=True)
    assert scan.scan(machine.server).others == ("dev", "qual", "staging")


def test_a_proxy_that_cannot_be_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> ProxyState:
        raise SwitchyardError("The proxy does not answer")

    monkeypatch.setattr(machine.proxy, "read", silent)
    assert scan.scan(machine.server).trouble is None
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    assert scan.scan(machine.server).trouble == "The proxy does not answer"
