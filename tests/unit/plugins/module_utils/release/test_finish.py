from __future__ import annotations

import typing as t

import pytest
from fakes import Machine, checked, worker

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import LabelledImage
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import finish, stack_networks
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import state as migration_state


def switched(machine: Machine, live: str = "green", **changes: t.Any) -> int:
    """Leave release 1 on blue and a prepared release 2 on green; return the token."""
    stack = checked(worker_min_ready=0, drain=0, **changes)
    machine.released("blue", stack)
    machine.released("green", stack, state="prepared", previous=1)
    machine.make_live(live)
    return machine.lock()


def test_a_release_is_recorded(machine: Machine) -> None:
    token = switched(machine)
    finish.finish(machine.ctx, 2, 1, token)
    first, second = machine.ctx.records.require(1), machine.ctx.records.require(2)
    assert (first.state, second.state, second.previous) == ("superseded", "live", 1)
    assert second.finished


def test_the_old_color_stays_warm(machine: Machine) -> None:
    finish.finish(machine.ctx, 2, 1, switched(machine))
    assert "po-shop-web-prod-blue" in machine.engine.by_name


def test_the_old_color_is_removed_when_it_is_not_kept(machine: Machine) -> None:
    token = switched(machine, keep_previous=False)
    machine.proxy.busy = {"blue": [3]}
    assert finish.finish(machine.ctx, 2, 1, token).dropped_requests == 3
    assert list(machine.engine.by_name) == ["po-shop-web-prod-green"]


def test_a_clean_up_that_fails_does_not_end_the_release(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(containers: t.Any) -> t.NoReturn:
        raise OSError("the engine is away")

    token = switched(machine)
    monkeypatch.setattr(machine.engine, "remove", fail)
    (problem,) = finish.finish(machine.ctx, 2, 1, token).problems
    assert problem.startswith("Release 2 is live. The clean-up after it failed")
    assert "the engine is away" in problem
    assert machine.ctx.records.require(2).state == "live"


def test_old_records_go_and_the_way_back_stays(machine: Machine) -> None:
    stack = checked(worker_min_ready=0, keep_releases=2)
    for _again in range(5):
        machine.released("blue", stack)
    machine.make_live("blue")
    finish.finish(machine.ctx, 5, 1, machine.lock())
    assert [record.number for record in machine.ctx.records.all()] == [5, 4, 1]


def test_networks_that_the_release_no_longer_has_are_removed(machine: Machine) -> None:
    token = switched(machine)
    network = {"role": "stack", "internal": False, "containers": 2}
    stack_networks.ensure(machine.ctx, {"po-shop-default-prod": network, "po-shop-old-prod": network})
    machine.ctx.records.save(machine.ctx.records.require(2).updated(networks={"po-shop-default-prod": network}))
    finish.finish(machine.ctx, 2, 1, token)
    assert list(machine.engine.made_networks) == ["po-shop-default-prod"]


@pytest.mark.parametrize(("kept", "removed"), [(3, ["po-shop-web:0123456789ab"]), (5, [])])
def test_images_that_were_built_for_old_records_go_with_them(machine: Machine, kept: int, removed: list[str]) -> None:
    stack = checked(worker_min_ready=0, keep_releases=kept)
    images = [f"po-shop-web:{number * 12}" for number in "456"]
    old = machine.released("blue", stack, images={"po-shop-web:0123456789ab": "sha256:0"})
    for number, name in enumerate(images):
        machine.released("blue", stack, images={name: f"sha256:{number}"})
    labels = names.labels(project="po", stack="shop", service="web")
    machine.engine.labelled_images = [
        LabelledImage(f"sha256:{name}", (name,), labels) for name in (*old.images, *images)
    ]
    machine.make_live("blue")
    finish.finish(machine.ctx, 4, 3, machine.lock())
    assert machine.engine.removed == removed


def test_workers_that_the_release_no_longer_has_are_stopped(machine: Machine) -> None:
    token = switched(machine)
    machine.engine.start(worker(1, service="beat"), worker(2, service="celery"))
    finish.finish(machine.ctx, 2, 1, token)
    assert machine.engine.removed == ["po-shop-beat-prod"]


def test_a_release_that_lost_its_lock_is_not_recorded_as_finished(machine: Machine) -> None:
    token = switched(machine, keep_previous=False)
    with pytest.raises(SwitchyardError, match="lost its lock"):
        finish.finish(machine.ctx, 2, 1, token + 1)
    assert "po-shop-web-prod-blue" in machine.engine.by_name
    assert machine.ctx.records.require(2).state == "prepared"
    assert machine.ctx.records.require(1).state == "live"


def test_a_canary_waits_with_the_share_that_it_has(machine: Machine) -> None:
    token = switched(machine, live="blue")
    machine.proxy.apply(lambda state: machine.proxy.plan_weight(state, "po.shop.prod", 25))
    assert finish.pause(machine.ctx, 2, token).state == "paused"
    assert machine.ctx.records.require(2).state == "paused"
    assert machine.proxy.state.weights == {"po.shop.prod": 25}


def test_a_release_that_is_recorded_has_brought_its_migration_to_an_end(machine: Machine) -> None:
    token = switched(machine)
    migration_state.save_state(
        machine.ctx, migration_state.MigrationState(2, "breaking", "shop_prod", "begun", "m", "b")
    )
    finish.finish(machine.ctx, 2, 1, token)
    assert migration_state.load_state(machine.ctx) is None
