from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes import colored, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.scan import EnvironmentScan
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.shared_scan import SharedScan
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.uninstall_plan import (
    UninstallPlan,
    plan_uninstall,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import LabelledResource
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

SERVERS = {
    "po-postgres": shared_container("postgres", "po-back-prod"),
    "po-redis": shared_container("redis", "po-back-prod"),
}
QUAL = {"qual": ("the network po-front-qual",)}


def volume(name: str, *users: str, **labels: str) -> LabelledResource:
    return LabelledResource(name, names.labels(project="po", **labels), users)


VOLUMES = (volume("po-postgres", "po-postgres"), volume("po-redis", "po-redis"), volume("po-own-redis-qual"))


def planned(root: Path, data: bool = False, backups: bool = False, **shared: t.Any) -> UninstallPlan:
    scan = EnvironmentScan(
        environment="prod",
        containers=(colored("blue", 1),),
        networks=(
            LabelledResource(
                "po-front-prod", names.labels(project="po", environment="prod", role="front"), ("po-proxy",)
            ),
            LabelledResource(
                "po-back-prod", names.labels(project="po", environment="prod", role="back"), ("po-postgres", "po-redis")
            ),
        ),
        volumes=(volume("po-shop-media-prod", environment="prod", stack="shop"),),
        routes={"shop": ("shop.example.org/",)},
        shared={**SERVERS, "po-proxy": shared_container("proxy", "po-front-prod")},
        proxy_folder=Path("/r/proxy"),
    )
    values: dict[str, t.Any] = {
        "servers": SERVERS,
        "volumes": VOLUMES,
        "databases": ("shop_prod",),
        "redis_numbers": (2,),
        "units": (Path("/etc/systemd/system/switchyard-backup-po-prod.timer"),),
        **shared,
    }
    common = SharedScan(root=root, project="po", environment="prod", own_redis="po-own-redis-prod", **values)
    return plan_uninstall(scan, common, data, backups)


def test_the_last_environment_takes_the_servers_with_it_and_keeps_the_data(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    found = planned(tmp_path)
    assert found.removed == [
        "container po-shop-web-prod-blue",
        "container po-proxy",
        "container po-postgres",
        "container po-redis",
        "network po-back-prod",
        "network po-front-prod",
        "/r/proxy",
        "unit switchyard-backup-po-prod.timer",
    ]
    assert set(found.retained) == {
        "the volume po-shop-media-prod (-e remove_data=true removes it)",
        "the volume po-postgres (-e remove_data=true removes it)",
        "the volume po-redis (-e remove_data=true removes it)",
        f"{tmp_path}/postgres with the keys of that data (-e remove_data=true removes it)",
    }
    assert not found.environment.anonymous_volumes


def test_data_is_removed_on_request(tmp_path: Path) -> None:
    for name in ("postgres", "redis", "redis-prod", "backups/po-prod", "redis-qual"):
        (tmp_path / name).mkdir(parents=True)
    found = planned(tmp_path, data=True)
    assert found.environment.volumes == ("po-shop-media-prod",)
    # Not the data of the Redis of another environment.
    assert found.volumes == ("po-postgres", "po-redis")
    assert [path.name for path in found.paths] == ["redis-prod", "postgres", "redis"]
    # They end with their servers.
    assert (found.databases, found.redis_numbers) == ((), ())
    assert found.environment.anonymous_volumes
    assert found.retained == (
        f"the backups in {tmp_path}/backups/po-prod (-e remove_data=true -e remove_backups=true removes them)",
    )
    assert planned(tmp_path, data=True, backups=True).paths[-1] == tmp_path / "backups/po-prod"


@pytest.mark.parametrize("users", [{"proxy_users": QUAL}, {"server_users": QUAL}])
def test_another_environment_keeps_the_servers(users: dict[str, t.Any], tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    found = planned(tmp_path, data=True, **users)
    assert (found.environment.servers, found.volumes, found.paths) == ((), (), ())
    assert (found.databases, found.redis_numbers) == (("shop_prod",), (2,))
    assert any("the environment qual has the network po-front-qual" in line for line in found.retained)
    assert ("po-proxy" in found.environment.shared) == ("proxy_users" not in users)
    # Without the request, the database stays.
    assert planned(tmp_path, **users).databases == ()


def test_a_foreign_database_keeps_postgresql(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    found = planned(tmp_path, data=True, foreign_databases=("wiki",))
    assert found.environment.servers == ("po-redis",)
    assert (found.volumes, found.databases) == (("po-redis",), ("shop_prod",))
    assert "the database wiki in PostgreSQL, which no environment of this project has" in found.retained
    assert tmp_path / "postgres" not in found.paths


def test_unknown_databases_are_not_removed(tmp_path: Path) -> None:
    with pytest.raises(SwitchyardError, match=r"does not answer.*Start po-postgres"):
        planned(tmp_path, data=True, databases=None, foreign_databases=None)
    assert planned(tmp_path, databases=None, foreign_databases=None).environment.servers == ("po-postgres", "po-redis")


def test_a_volume_that_a_foreign_container_uses_is_retained(tmp_path: Path) -> None:
    volumes = (volume("po-postgres", "po-postgres", "admin-tool"),)
    found = planned(tmp_path, data=True, volumes=volumes)
    assert found.volumes == ()
    assert "the volume po-postgres: admin-tool uses it" in found.retained


def test_the_volumes_of_servers_that_are_gone_already(tmp_path: Path) -> None:
    found = planned(tmp_path, data=True, servers={}, volumes=(volume("po-postgres"), volume("po-own-redis-prod")))
    assert found.volumes == ("po-own-redis-prod", "po-postgres")
