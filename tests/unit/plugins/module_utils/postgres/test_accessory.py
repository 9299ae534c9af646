from __future__ import annotations

import typing as t

import pytest
from fakes import FakeEngine
from fakes_postgres import FakeServer, FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import accessory

OFFICIAL = {"PG_MAJOR": "17", "PGDATA": "/var/lib/postgresql/data"}


def running(service: str) -> Container:
    """Return a running accessory of the stack ``shop``."""
    labels = names.labels(project="po", environment="prod", stack="shop", role="accessory", service=service)
    return Container(service, f"po-shop-{service}-prod", "running", None, 0, 0, labels, {}, "sha256:x")


class Engine(FakeEngine):
    """An engine whose containers have an environment and an image's name."""

    def __init__(self, **services: tuple[str, dict[str, str]]) -> None:
        super().__init__(*(running(service) for service in services))
        self.services = {f"po-shop-{service}-prod": known for service, known in services.items()}

    def environment(self, name: str) -> dict[str, str]:
        return self.services[name][1]

    def image_names(self, name: str) -> list[str]:
        return [self.services[name][0]]


@pytest.mark.parametrize(
    ("image", "environment"),
    [
        ("postgres:17", {}),
        ("docker.io/library/postgres:16-alpine@sha256:1", {}),
        ("postgis/postgis:17-3.5", {}),
        ("timescale/timescaledb:latest-pg17", {}),
        ("timescale/timescaledb-ha:pg17", {}),
        ("pgvector/pgvector:pg17", {}),
        ("bitnami/postgresql:17", {}),
        ("registry.test:5000/team/postgres17:1", {}),
        ("sha256:0123", OFFICIAL),
        ("team/our-own-image:3", OFFICIAL),
    ],
)
def test_postgres_is_recognised_by_its_image_or_what_the_image_sets(image: str, environment: dict[str, str]) -> None:
    assert accessory.is_postgres([image], environment)


@pytest.mark.parametrize(
    "image", ["redis:8", "mysql:8", "postgres-exporter:1", "dpage/pgadmin4:9", "mariadb:11", "sha256:0123"]
)
def test_what_is_not_postgres_is_none(image: str) -> None:
    assert not accessory.is_postgres([image], {"PGDATA": "/data"})


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({"POSTGRES_PASSWORD": "p"}, ("postgres", "postgres", "p", None)),
        ({"POSTGRES_USER": "app", "POSTGRES_PASSWORD_FILE": "/run/p"}, ("app", "app", None, "/run/p")),
        ({"POSTGRES_USER": "app", "POSTGRES_DB": "shop", "POSTGRES_PASSWORD": "p"}, ("app", "shop", "p", None)),
        ({"POSTGRESQL_USERNAME": "app", "POSTGRESQL_DATABASE": "shop", "POSTGRESQL_PASSWORD": "p"},
         ("app", "shop", "p", None)),
        ({"POSTGRESQL_USERNAME": "app", "POSTGRESQL_PASSWORD": "p", "POSTGRESQL_POSTGRES_PASSWORD": "root"},
         ("postgres", "app", "root", None)),
    ],
)  # fmt: skip
def test_the_administrator_is_the_one_that_the_image_creates(
    environment: dict[str, str], found: tuple[str | None, ...]
) -> None:
    assert accessory.credentials(environment) == found


def test_an_accessory_has_its_servers_credentials_and_no_message_shows_them() -> None:
    environment = {**OFFICIAL, "POSTGRES_USER": "app", "POSTGRES_PASSWORD_FILE": "/run/secrets/p", "PGPORT": "5433"}
    engine = Engine(db=("x", environment), cache=("redis:8", {}))
    read: list[list[str]] = []
    engine.inside = lambda command: read.append(command) or (0, "marker\n")  # type: ignore[func-returns-value]
    found = accessory.find_accessories(t.cast("t.Any", engine), "po", "prod", "shop")
    assert [one.service for one in found] == ["db"]
    assert read == [["cat", "--", "/run/secrets/p"]]
    target = found[0].target("app")
    assert (target.container, target.user, target.password, target.port) == ("po-shop-db-prod", "app", "marker", 5433)
    assert (target.dedicated, target.maintenance, found[0].target("postgres").maintenance) == (
        True,
        "postgres",
        "template1",
    )
    assert "marker" not in repr(found) + repr(target)


def test_the_right_accessory_is_named_or_the_only_one() -> None:
    engine = t.cast("t.Any", Engine(db=("postgres:17", {}), geo=("postgis/postgis:17-3.5", {}), cache=("redis:8", {})))
    assert accessory.require(engine, "po", "prod", "shop", "geo").service == "geo"
    with pytest.raises(SwitchyardError, match="several accessories with PostgreSQL: db, geo"):
        accessory.require(engine, "po", "prod", "shop")
    with pytest.raises(SwitchyardError, match="no accessory cache with PostgreSQL on this server; found: db, geo"):
        accessory.require(engine, "po", "prod", "shop", "cache")


@pytest.mark.parametrize(("tables", "found"), [([], ["app"]), ([{"name": "t"}], ["app", "postgres"])])
def test_an_empty_postgres_database_is_the_servers_own(tables: list[dict[str, str]], found: list[str]) -> None:
    admin = FakeSession({"datistemplate": [{"name": "app"}, {"name": "postgres"}], "relkind = 'r'": tables})
    assert accessory.list_databases(t.cast("t.Any", FakeServer(postgres=admin)), "app") == found
