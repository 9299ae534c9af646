from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import Machine, container, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import shared_scan
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.shared_scan import scan_shared


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the units of systemd and the files of cron a folder of the test."""
    for name in ("UNITS", "CRON"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(shared_scan, name, tmp_path / name)


def write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_server_with_one_environment(machine: Machine) -> None:
    machine.engine.start(shared_container("postgres"), shared_container("redis"), shared_container("proxy"))
    machine.engine.made_volumes["po-postgres"] = {"labels": names.labels(project="po", role="postgres")}
    machine.engine.made_volumes["po-shop-media-prod"] = {"labels": names.labels(project="po", environment="prod")}
    front = names.labels(project="po", environment="prod", role="front")
    machine.engine.made_networks["po-front-prod"] = {"labels": front}
    write(machine.root / "redis/conf/allotted/prod.json", '{"shop-prod": [2]}')
    machine.engine.inside = lambda command: (0, "shop_prod\nwiki")
    found = scan_shared(machine.host, [])
    assert sorted(found.servers) == ["po-postgres", "po-redis"]
    assert [volume.name for volume in found.volumes] == ["po-postgres"]
    assert (found.networks, found.is_last, found.redis_numbers) == ((), True, (2,))
    assert (found.databases, found.foreign_databases) == (("shop_prod",), ("wiki",))


def test_what_shows_another_environment(machine: Machine) -> None:
    own = container("po-own-redis-dev", labels={"environment": "", "stack": "", "role": "redis"})
    machine.engine.start(own)
    front = names.labels(project="po", environment="qual", role="front")
    machine.engine.made_networks["po-front-qual"] = {"labels": front}
    write(machine.root / "postgres/conf/tenants/old.conf", 'host "shop_old" "shop_old" 10.0.0.0/8 scram-sha-256')
    write(machine.root / "postgres/conf/tenants/none.conf", "# no login")
    write(machine.root / "backups/po-gone/shop/x")
    found = scan_shared(machine.host, ["staging", "prod"])
    assert sorted(found.proxy_users) == ["qual", "staging"]
    assert sorted(found.server_users) == ["dev", "old"]
    assert found.proxy_users["qual"] == ("the network po-front-qual",)
    assert not found.is_last


def test_the_files_of_timers(machine: Machine, tmp_path: Path) -> None:
    names_of_units = ["switchyard-backup-po-prod.timer", "switchyard-backup-po-prod-check.service"]
    for name in [*names_of_units, "switchyard-backup-po-prod-2.timer", "switchyard-backup-po-qual.timer"]:
        write(tmp_path / "UNITS" / name)
    write(tmp_path / "CRON" / "switchyard-backup-po-prod")
    found = {path.name for path in scan_shared(machine.host, []).units}
    assert found == {*names_of_units, "switchyard-backup-po-prod"}


def test_a_stopped_server_has_unknown_databases(machine: Machine) -> None:
    machine.engine.start(replace(shared_container("postgres"), state="exited"))
    found = scan_shared(machine.host, [])
    assert (found.databases, found.foreign_databases) == (None, None)
