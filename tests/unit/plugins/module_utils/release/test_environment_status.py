from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from fakes import HOST, Machine, checked, container, worker
from fakes_postgres import manifest

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import manifest as backup_manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import BackupStore
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.capabilities import Certificate
from ansible_collections.switchyard.stacks.plugins.module_utils.release.environment_status import (
    NewestBackup,
    StackLine,
    environment_status,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record
from ansible_collections.switchyard.stacks.plugins.module_utils.release.status import CanaryStatus

NOW = 5000.0


def released(machine: Machine, color: str, version: str, **changes: object) -> Record:
    """Leave a release with two images; users reach one of its services."""
    named = {"web": f"reg:5000/shop/web:{version}", "cache": "redis:8.0"}
    return machine.released(color, checked(), service_images=named, finished=1000.0, **changes)


def line(machine: Machine) -> StackLine:
    [only] = environment_status(machine.host, [], NOW)
    return only


def test_the_live_release_has_the_version_of_its_routed_services(machine: Machine) -> None:
    released(machine, "blue", "1.4.0")
    machine.make_live("blue")
    seen = line(machine)
    assert seen.release
    assert (seen.stack, seen.live, seen.release.version, seen.release.number) == ("shop", "blue", "1.4.0", 1)
    assert (seen.release.since, seen.release.holder, seen.routes) == (1000.0, "ann@laptop", (f"{HOST}/",))
    assert (seen.containers, seen.failing, seen.warm, seen.canary, seen.lock) == (1, {}, None, None, None)


def test_the_end_of_the_certificates_of_its_hosts_is_shown(machine: Machine) -> None:
    released(machine, "blue", "1.4.0")
    machine.make_live("blue")
    assert line(machine).certificates == {}
    ends = [datetime(2030, month, 1, tzinfo=timezone.utc) for month in (1, 2)]
    certificates = (*(Certificate((HOST,), end) for end in ends), Certificate(("other.org",), ends[0]))
    machine.proxy.capabilities = replace(machine.proxy.capabilities, https_port=443, certificates=certificates)
    assert line(machine).certificates == {HOST: ends[1].timestamp()}


def test_a_release_that_runs_on_the_idle_color_is_warm(machine: Machine) -> None:
    released(machine, "blue", "1.4.0")
    released(machine, "green", "1.5.0")
    machine.make_live("green")
    seen = line(machine)
    assert seen.release
    assert seen.warm
    assert (seen.release.version, seen.warm.version, seen.containers) == ("1.5.0", "1.4.0", 1)
    machine.engine.by_name["po-shop-web-prod-blue"] = replace(
        machine.engine.by_name["po-shop-web-prod-blue"], state="exited"
    )
    assert line(machine).warm is None


def test_a_canary_does_not_count_as_warm(machine: Machine) -> None:
    released(machine, "blue", "1.4.0")
    released(machine, "green", "1.5.0", state="paused", canary_steps_done=1)
    machine.make_live("blue")
    machine.proxy.state = replace(machine.proxy.state, weights={"po.shop.prod": 25})
    seen = line(machine)
    assert seen.warm is None
    assert seen.canary == CanaryStatus(release=2, version="1.5.0", weight=25, step=1, paused=True)


def test_containers_that_do_not_work_are_named(machine: Machine) -> None:
    released(machine, "blue", "1.4.0")
    machine.make_live("blue")
    machine.engine.start(replace(worker(1), state="restarting"))
    machine.engine.start(
        container("po-shop-db-prod", labels={"role": "accessory", "service": "db"}, health="unhealthy")
    )
    job = container("po-shop-jobs-prod-1-seed", labels={"role": "job", "service": "seed"}, state="exited")
    machine.engine.start(job)
    seen = line(machine)
    assert seen.containers == 3
    assert seen.failing == {"po-shop-celery-prod": "restarting", "po-shop-db-prod": "unhealthy"}


def test_maintenance_lock_and_backup_are_shown(machine: Machine) -> None:
    released(machine, "blue", "1.4.0")
    machine.make_live("blue")
    machine.proxy.state = machine.proxy.state.with_availability(["po.shop.prod"], "maintenance")
    machine.lock("bob@desk")
    store = BackupStore(machine.root, "po", "prod", "shop")
    store.create_folder()
    saved = manifest("20260102T000000Z-0002", state="restored")
    (store.folder / saved.name).mkdir()
    backup_manifest.write(store.folder / saved.name, saved)
    seen = line(machine)
    assert seen.availability == "maintenance"
    assert seen.lock
    assert seen.lock.holder == "bob@desk"
    assert seen.backup == NewestBackup("20260102T000000Z-0002", "restored", saved.finished)


def test_volumes_that_no_file_names_are_listed(machine: Machine) -> None:
    released(machine, "blue", "1.4.0")
    machine.make_live("blue")
    own = names.labels(project="po", environment="prod", stack="shop")
    unnamed = names.labels(service="redis", path="/data")
    for name, labels in {
        "po-shop-redis-data-prod": {**own, **unnamed},
        "po-shop-uploads-prod": own,
        "po-blog-redis-data-prod": {**own, **names.labels(stack="blog"), **unnamed},
    }.items():
        machine.engine.ensure_volume(name, "local", {}, labels)
    assert line(machine).unnamed_volumes == {"po-shop-redis-data-prod": "redis:/data"}


def test_a_stack_without_a_live_release_is_listed(machine: Machine) -> None:
    machine.ctx.records.begin()
    seen = line(machine)
    assert (seen.stack, seen.live, seen.release, seen.containers) == ("shop", None, None, 0)


def test_an_unknown_stack_is_refused_with_the_known_ones(machine: Machine) -> None:
    released(machine, "blue", "1.4.0")
    machine.make_live("blue")
    with pytest.raises(SwitchyardError, match=r"no release of shpo \(prod\)\. Did you mean 'shop'\?"):
        environment_status(machine.host, ["shpo"], NOW)
    with pytest.raises(SwitchyardError, match="The stacks with a release are: shop"):
        environment_status(machine.host, ["billing"], NOW)
    assert [item.stack for item in environment_status(machine.host, ["shop"], NOW)] == ["shop"]
