from __future__ import annotations

import typing as t

import pytest
from fakes import Machine, checked, container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import last_backup
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.last_backup import (
    LastBackup,
    VolumeSource,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.scan import scan
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.shared_scan import SharedScan

ACCESSORY = {"project": "po", "environment": "prod", "stack": "shop", "role": "accessory", "service": "db"}


def found(machine: Machine, inventory: t.Sequence[str] = (), **shared: t.Any) -> LastBackup:
    common = SharedScan(root=machine.root, project="po", environment="prod", own_redis="", **shared)
    return last_backup.find_sources(machine.host, scan(machine.host), common, inventory)


def volumes(machine: Machine, *created: str) -> None:
    for name in created:
        labels = names.labels(project="po", environment="prod", stack="shop")
        machine.engine.made_volumes[names.volume("po", "shop", name, "prod")] = {"labels": labels}


def test_a_server_without_data_needs_no_backup(machine: Machine) -> None:
    assert found(machine, ["shop"]) == LastBackup()


def test_the_databases_of_the_shared_server_are_found_by_their_stack(machine: Machine) -> None:
    machine.released("blue")
    (machine.root / "backups" / "po-prod" / "retired").mkdir(parents=True)
    databases = ("shop_prod", "blog_prod", "retired_prod", "shop_prod__before_1")
    assert found(machine, ["blog", "new"], databases=databases).stacks == ("blog", "retired", "shop")


def test_an_accessory_is_found_by_its_image_also_without_the_key_postgres(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = {"po-shop-db-prod": ["postgres:17"], "po-shop-queue-prod": ["rabbitmq:4"]}
    monkeypatch.setattr(machine.engine, "image_names", images.__getitem__)
    machine.engine.start(container("po-shop-queue-prod", labels={**ACCESSORY, "service": "queue"}))
    assert found(machine).accessory_stacks == ()
    machine.engine.start(container("po-shop-db-prod", labels=ACCESSORY))
    assert found(machine).accessory_stacks == ("shop",)


def test_the_volumes_of_the_newest_release_are_found_with_their_commands(machine: Machine) -> None:
    volumes(machine, "uploads", "cache", "queue")
    queue = {"volume": "queue", "service": "web", "before": ["queue", "stop"]}
    named = [{"volume": "uploads"}, queue, {"volume": "gone"}]
    machine.released("blue", checked(backup_volumes=named))
    assert found(machine).volumes == (
        VolumeSource("shop", "uploads"),
        VolumeSource("shop", "queue", "web", ("queue", "stop")),
    )
