from __future__ import annotations

from pathlib import Path

import pytest
from fakes import Machine, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import shared_scan, uninstall
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError


@pytest.fixture
def shop(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a server with one environment: a live stack, the proxy, PostgreSQL with its data, and backups."""
    for name in ("UNITS", "CRON"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(shared_scan, name, tmp_path / name)
    monkeypatch.setattr(uninstall.code_cache, "ROOT", tmp_path / "cache" / "code")
    machine.make_live("blue")
    machine.released("blue")
    machine.engine.start(shared_container("proxy", "po-front-prod"), shared_container("postgres", "po-back-prod"))
    for role in ("front", "back"):
        labels = names.labels(project="po", environment="prod", role=role)
        machine.engine.made_networks[f"po-{role}-prod"] = {"labels": labels}
    machine.engine.made_volumes["po-postgres"] = {"labels": names.labels(project="po", role="postgres")}
    machine.engine.mounted["po-postgres"] = ("po-postgres",)
    for name in ("postgres/conf", "backups/po-prod/shop/1"):
        (machine.root / name).mkdir(parents=True)
    (machine.root / "proxy" / "proxy.json").write_text("{}")
    (tmp_path / "CRON" / "switchyard-backup-po-prod").write_text("daily")
    return machine


def test_check_mode_returns_the_same_and_removes_nothing(shop: Machine) -> None:
    predicted = uninstall.uninstall(shop.host, True, True, "ann", check_mode=True)
    assert len(shop.engine.containers()) == 3
    done = uninstall.uninstall(shop.host, True, True, "ann")
    assert predicted.removed == done.removed
    assert not uninstall.uninstall(shop.host, True, True, "ann", check_mode=True).changed


def test_nothing_is_left_when_everything_is_asked_for(shop: Machine) -> None:
    uninstall.uninstall(shop.host, True, True, "ann")
    assert (shop.engine.containers(), shop.engine.made_networks, shop.engine.made_volumes) == ([], {}, {})
    assert sorted(path.name for path in shop.root.iterdir()) == ["CRON", "UNITS"]
    assert list((shop.root / "CRON").iterdir()) == []


def test_applications_stop_before_the_servers_that_they_use(shop: Machine) -> None:
    uninstall.uninstall(shop.host, False, False, "ann")
    assert shop.engine.removed == ["po-proxy", "po-shop-web-prod-blue", "po-postgres"]


def test_data_and_backups_stay_unless_they_are_asked_for(shop: Machine) -> None:
    uninstall.uninstall(shop.host, False, False, "ann")
    assert list(shop.engine.made_volumes) == ["po-postgres"]
    assert sorted(path.name for path in shop.root.iterdir()) == ["CRON", "UNITS", "backups", "postgres"]
    uninstall.uninstall(shop.host, True, False, "ann")
    assert shop.engine.made_volumes == {}
    assert sorted(path.name for path in shop.root.iterdir()) == ["CRON", "UNITS", "backups"]


def test_the_result_names_the_other_environments(shop: Machine) -> None:
    labels = names.labels(project="po", environment="qual", role="front")
    shop.engine.made_networks["po-front-qual"] = {"labels": labels}
    answer = uninstall.uninstall(shop.host, False, False, "ann", check_mode=True)
    assert (answer.changed, answer.others) == (True, ["qual"])
    assert "container po-proxy" not in answer.removed


def test_a_release_that_runs_prevents_it(shop: Machine) -> None:
    shop.lock("ann@laptop")
    with pytest.raises(SwitchyardError, match="is being released by ann@laptop"):
        uninstall.uninstall(shop.host, True, True, "bob")
    assert len(shop.engine.containers()) == 3
