from __future__ import annotations

import json
import typing as t
from collections.abc import Callable

import pytest
from fakes import HOST, FakeEngine, Machine, colored, container

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.registry import open_proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext


def test_a_proxy_on_the_server_itself_publishes_colors(machine: Machine) -> None:
    where: dict[str, t.Any] = {"unit": "po-proxy.service", "ports": [20000, 24999], "address": "127.0.0.1", "port": 80}
    where.update(provider="haproxy", behind_traefik=False)
    (machine.root / "proxy" / "proxy.json").write_text(json.dumps(where))
    assert open_proxy(machine.root, machine.engine).ports == (20000, 24999)  # type: ignore[arg-type]
    record = machine.released("green", ports={"web": [20003]})
    assert machine.ctx.target(record).routing.published("web") == ["127.0.0.1:20003"]
    assert machine.ctx.target(record).routing.published("api") == []


def test_where_the_things_of_a_stack_are(machine: Machine) -> None:
    ctx = machine.ctx
    assert ctx.folder == machine.root / "po-prod" / "shop"
    assert ctx.key == "po.shop.prod"
    assert ctx.compose_project("workers") == "po_shop_prod_workers"
    assert ctx.records.folder.parent == ctx.folder


def test_free_space_is_asked_where_things_will_be(machine: Machine) -> None:
    vars(machine.host)["engine"] = FakeEngine(root=str(machine.root))
    free = HostContext(machine.root / "not" / "yet", "po", "prod")
    vars(free)["engine"] = FakeEngine(root="/not/on/this/machine")
    assert list(machine.host.free_bytes()) == [str(machine.root)]
    assert list(free.free_bytes()) == [str(machine.root)]
    assert free.free_bytes()[str(machine.root)] > 0


def test_only_containers_of_this_stack_and_environment_count(machine: Machine) -> None:
    mine = colored("blue", 3)
    foreign = [
        container("a", labels={"environment": "qual", "color": "blue", "release": 9}),
        container("b", labels={"stack": "blog", "color": "blue", "release": 9}),
        container("c", labels={"project": "other", "color": "blue", "release": 9}),
    ]
    machine.engine.start(mine, *foreign)
    assert machine.ctx.containers() == [mine]
    assert machine.ctx.release_on("blue") == 3
    assert [machine.ctx.owns(one) for one in [mine, *foreign]] == [True, False, False, False]


def test_an_empty_color_has_nothing(machine: Machine) -> None:
    assert machine.ctx.release_on("green") is None
    assert machine.ctx.release_on(None) is None
    assert machine.ctx.live() is None


def test_the_live_color_is_what_the_real_proxies_says(machine: Machine) -> None:
    machine.released("green")
    machine.make_live("blue")
    assert machine.ctx.live() == "blue"


def test_what_the_gates_need_of_a_release(machine: Machine) -> None:
    record = machine.released("green", containers=2, replicas={"web": 2})
    target = machine.ctx.target(record)
    assert (target.color, target.network, target.count) == ("green", "po-shop-prod.front", 2)
    assert target.routing.routes[0].host == HOST
    assert target.routing.replicas == {"web": 2}


def test_a_long_pull_reports_its_image(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    report = machine.ctx.folder / progress.NAME
    seen: list[str] = []

    def pull(name: str, _login: object) -> None:
        while not report.exists():
            pass
        seen.append(report.read_text())

    monkeypatch.setattr(machine.engine, "pull", pull)
    machine.ctx.pull("reg/web:2")
    found = progress.Progress(**json.loads(seen[0]))
    assert (found.step, found.detail) == ("pull", "reg/web:2")


def test_a_part_is_started_from_the_releases_own_folder(
    machine: Machine, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("")
    record = machine.released("green")
    machine.ctx.compose_up(record, "workers")
    folder = machine.ctx.records.path(record.number)
    assert notes() == [f"compose -p po_shop_prod_workers -f {folder}/workers.yml {' '.join(compose_cli.UP)}"]
