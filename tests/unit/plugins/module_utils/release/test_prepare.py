from __future__ import annotations

import hashlib
import io
import json
import tarfile
import typing as t
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import COMPOSE, HOST, Machine, checked, colored, given, normalised
from fakes_release import prepare_release

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import host_ports
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.examine import examine_stack
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import SourceTree
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

Notes = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def commands(docker: Callable[[str], Notes], machine: Machine) -> Notes:
    machine.engine.registry = {"reg/web:1", "reg/celery:1", "reg/db:1"}
    return docker(COMPOSE)


def published(machine: Machine, number: int) -> t.Any:
    record = machine.ctx.records.require(number)
    content = json.loads((machine.ctx.records.path(number) / f"{record.color}.yml").read_text())
    return content["services"][f"po-shop-web-prod-{record.color}"]["ports"][0]["published"]


def two_releases(machine: Machine) -> None:
    machine.released("blue", state="superseded", images={"reg/web:1": "reg/web@sha256:1"})
    machine.released("green", previous=1)
    machine.make_live("green")
    machine.engine.registry.add("reg/web@sha256:1")


def canary_out(machine: Machine, state: str, steps: int = 1) -> None:
    """Leave release 1 live on blue, and release 2 on green with a quarter of the clients."""
    stack = checked(strategy="canary", canary="25/pause, 50/1s, 100", drain=0)
    machine.released("blue", stack)
    machine.released("green", stack, state=state, canary_steps_done=steps)
    machine.make_live("blue")
    machine.proxy.apply(lambda seen: machine.proxy.plan_weight(seen, "po.shop.prod", 25))


def test_a_first_release_is_brought_to_the_server(machine: Machine, commands: Notes) -> None:
    begun = prepare_release(machine)
    folder = machine.ctx.records.path(1)
    assert (begun.ready.previous, begun.ready.dropped_requests, begun.noted) == (None, 0, [(1, None)])
    assert {path.name for path in folder.glob("*.yml")} == {"blue.yml", "green.yml"}
    record = machine.ctx.records.require(1)
    assert record == begun.ready.record
    assert (record.state, record.holder, record.containers) == ("prepared", "ann@laptop", 1)
    assert record.images == {"reg/web:1": "reg/web:1@sha256:abc"}
    service = json.loads((folder / "blue.yml").read_text())["services"]["po-shop-web-prod-blue"]
    assert service["image"] == "reg/web:1@sha256:abc"
    assert service["labels"]["io.switchyard.fingerprint"] == record.fingerprint
    assert (folder / "blue.yml").stat().st_mode & 0o777 == 0o600
    assert machine.proxy.state.routes == {("po.shop.prod", "blue", f"{HOST}/"): "web"}
    assert machine.proxy.live() is None
    assert machine.engine.made_networks["po-shop-default-prod"]["subnet"] == "10.201.0.0/26"
    assert record.networks == {
        "po-shop-default-prod": {"role": "stack", "internal": False, "containers": 2},
        "po-shop-prod.front": {"role": "front", "internal": True, "containers": 4},
    }


def test_each_color_has_ports_of_its_own_and_keeps_them(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = {20000}
    monkeypatch.setattr(host_ports, "is_free", lambda port: port not in busy)
    machine.proxy.ports = (20000, 20009)
    other = machine.host.stack("blog")
    other.folder.mkdir()
    other.records.begin()
    other.records.save(replace(machine.released("green"), number=1, ports={"web": [20001]}))
    machine.make_live("green")
    assert prepare_release(machine).ready.record.color == "blue"
    assert (machine.ctx.records.require(2).ports, published(machine, 2)) == ({"web": [20002]}, "20002")
    # The next release on this color takes its own ports.
    machine.engine.start(colored("blue", 2))
    busy.add(20002)
    prepare_release(machine, given(normalised(web={"environment": {"NEW": "1"}})), gone=1)
    assert published(machine, 3) == "20002"
    # What another program took while nothing of this color ran is left to it.
    prepare_release(machine, given(normalised(web={"environment": {"NEW": "2"}})), gone=2)
    assert published(machine, 4) == "20003"


def test_a_stack_of_a_proxy_in_a_container_is_released_again_for_one_on_the_server(machine: Machine) -> None:
    machine.engine.pull("reg/web:1")
    machine.deployed("blue", given())
    assert not examine_stack(machine.ctx, given(), "deploy")[1].changed
    machine.proxy.ports = (20000, 20009)
    assert examine_stack(machine.ctx, given(), "deploy")[1].changed


def test_a_color_that_waits_for_nothing_starts_at_once(machine: Machine, commands: Notes) -> None:
    assert prepare_release(machine).ready.started
    assert commands()[-1].startswith("compose -p po_shop_prod_blue ")
    assert commands()[-1].endswith("/0001/blue.yml up --detach --remove-orphans --pull never --no-build")


@pytest.mark.parametrize("stack", [{"migrate": {"service": "web", "command": ["migrate"]}}, {"accessories": ["db"]}])
def test_a_color_that_waits_for_jobs_or_accessories_does_not(
    machine: Machine, commands: Notes, stack: dict[str, t.Any]
) -> None:
    assert not prepare_release(machine, given(normalised(web={}, db={}), **stack)).ready.started
    assert not any(" up " in line for line in commands())


def test_an_image_that_cannot_be_pulled_does_not_affect_users(machine: Machine) -> None:
    machine.engine.registry.clear()
    with pytest.raises(SwitchyardError, match="reg/web:1 cannot be pulled") as failed:
        prepare_release(machine)
    assert failed.value.hint == "Users still have the version that was live before."
    assert machine.proxy.plans == []


def test_secrets_are_files_of_the_stack_that_only_root_reaches(machine: Machine) -> None:
    content = normalised(web={"secrets": [{"source": "key"}]})
    prepare_release(machine, given(content, {"key": "hunter2"}))
    (secret,) = machine.ctx.folder.glob("secrets/*/key")
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == ("hunter2", 0o444)
    assert (machine.ctx.folder / "secrets").stat().st_mode & 0o777 == 0o700
    project = json.loads((machine.ctx.records.path(1) / "blue.yml").read_text())
    assert project["secrets"] == {"key": {"file": str(secret)}}
    others = [path for path in machine.root.rglob("*") if path.is_file() and path != secret]
    assert not [path for path in others if "hunter2" in path.read_text()]


def test_an_accessory_is_the_same_in_every_release_until_its_own_files_change(machine: Machine) -> None:
    def accessories(release: int) -> t.Any:
        return json.loads((machine.ctx.records.path(release) / "accessories.yml").read_text())

    mounts = [
        {"type": "bind", "source": "/.switchyard-source/redis.conf", "target": "/redis.conf", "read_only": True},
        {"type": "bind", "source": "/.switchyard-source/data", "target": "/data"},
    ]
    db = {"secrets": [{"source": "key"}], "volumes": mounts, "image": "reg/web:1"}

    def release(conf: str, key: str, version: str) -> StackInput:
        content = normalised(web={"environment": {"V": version}}, db=db)
        blob = f"f{hashlib.sha256(conf.encode()).hexdigest()}"
        archive = machine.root / "files.tar.gz"
        with tarfile.open(archive, "w:gz") as file:
            member = tarfile.TarInfo(blob)
            member.size = len(conf)
            file.addfile(member, io.BytesIO(conf.encode()))
        spec = given(content, {"key": key}, accessories=["db"])
        return replace(spec, tree=SourceTree({"redis.conf": blob}), archive=str(archive))

    prepare_release(machine, release("a", "1", "1"))
    prepare_release(machine, release("a", "1", "2"), gone=1)
    assert accessories(1) == accessories(2)
    prepare_release(machine, release("a", "2", "2"), gone=2)
    prepare_release(machine, release("b", "2", "2"), gone=3)
    assert len({json.dumps(accessories(number)) for number in (2, 3, 4)}) == 3
    mounted = accessories(4)["services"]["po-shop-db-prod"]["volumes"]
    assert Path(mounted[0]["source"]).read_text() == "b"
    assert mounted[1]["source"] == str(machine.ctx.folder / "data/data")
    assert Path(mounted[1]["source"]).is_dir()
    assert "releases" not in json.dumps(accessories(4))


def test_the_idle_color_finishes_its_requests_before_it_is_removed(machine: Machine) -> None:
    machine.released("blue", state="superseded")
    machine.deployed("green", given(), previous=1)
    machine.proxy.busy = {"blue": [2, 1, 0], "green": [50]}
    begun = prepare_release(machine, given(normalised(web={"environment": {"NEW": "1"}})))
    assert (begun.ready.record.color, begun.ready.dropped_requests, begun.noted) == ("blue", 0, [(3, 2)])
    assert machine.engine.removed == ["po-shop-web-prod-blue"]
    assert machine.proxy.live() == "green"
    assert machine.ctx.records.require(3).previous == 2


def test_requests_that_were_cut_off_are_counted(machine: Machine) -> None:
    machine.engine.start(colored("blue", 1))
    machine.proxy.busy = {"blue": [3]}
    assert prepare_release(machine, given(drain=0.05)).ready.dropped_requests == 3


def test_a_pull_that_took_so_long_that_the_lock_was_lost_ends_the_release(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = machine.engine.pull

    def slow(name: str, login: t.Any) -> t.Any:
        held = machine.ctx.lock.state()
        machine.ctx.lock.take("bob@desk", "prepare", lambda: None, stale_token=held and held.token)
        return pull(name)

    monkeypatch.setattr(machine.engine, "pull", slow)
    with pytest.raises(SwitchyardError, match=r"lost its lock .* by bob@desk"):
        prepare_release(machine)
    assert machine.proxy.plans == []
    assert machine.ctx.records.all() == []


def test_a_color_that_still_runs_needs_nothing(machine: Machine) -> None:
    two_releases(machine)
    begun = prepare_release(machine, mode="rollback")
    assert (begun.ready.record.color, begun.ready.started, begun.noted) == ("blue", True, [(1, 2)])
    assert machine.engine.removed == []


def test_a_color_that_does_not_run_any_more_is_started_again(machine: Machine) -> None:
    two_releases(machine)
    machine.engine.start(colored("blue", 1, state="exited"))
    assert not prepare_release(machine, mode="rollback").ready.started
    assert machine.engine.removed == ["po-shop-web-prod-blue"]
    assert machine.proxy.live() == "green"


def test_a_canary_has_steps_up_to_its_pause(machine: Machine) -> None:
    machine.released("green", checked(drain=0))
    machine.make_live("green")
    ready = prepare_release(machine, given(strategy="canary", canary="5/1s, 25/pause, 50/1s, 100")).ready
    assert [step.percent for step in ready.canary_steps] == [5, 25]
    assert ready.canary_steps[-1].pause


def test_where_nothing_is_live_there_are_no_clients_to_share(machine: Machine) -> None:
    ready = prepare_release(machine, given(strategy="canary")).ready
    assert ready.canary_steps == ()


def test_a_paused_canary_continues_with_its_next_step(machine: Machine) -> None:
    canary_out(machine, "paused")
    ready, _token, noted = prepare_release(machine, mode="promote")
    assert (ready.record.color, ready.started, noted) == ("green", True, [(2, 1)])
    assert [step.percent for step in ready.canary_steps] == [50]
    assert machine.proxy.state.weights == {"po.shop.prod": 25}
    assert machine.ctx.records.require(2).state == "prepared"


def test_a_deploy_does_not_run_over_a_canary_that_waits(machine: Machine) -> None:
    canary_out(machine, "paused")
    with pytest.raises(SwitchyardError, match=r"release 2 waits at 25 % of the clients. Go on with promote\.yml, or"):
        prepare_release(machine)
    assert machine.proxy.state.weights == {"po.shop.prod": 25}


def test_a_canary_whose_release_was_killed_has_no_share_any_more(machine: Machine) -> None:
    canary_out(machine, "prepared")
    prepare_release(machine, given(normalised(web={"environment": {"NEW": "1"}}), drain=0))
    assert machine.proxy.state.weights == {}
    assert "po-shop-web-prod-green" in machine.engine.removed


def test_the_strategy_recreate_starts_nothing_next_to_the_old_application(machine: Machine, commands: Notes) -> None:
    assert not prepare_release(machine, given(strategy="recreate")).ready.started
    assert not any(" up " in line for line in commands())
