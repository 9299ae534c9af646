from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes import FakeEngine, Machine, checked

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import accessory as postgres_accessory
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.accessory import PostgresAccessory
from ansible_collections.switchyard.stacks.plugins.module_utils.release import backup_sources

ENGINE = t.cast("t.Any", FakeEngine())


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """Give a server on which ``shop`` has the accessories ``db`` and ``geo`` with PostgreSQL, and ``blog`` has none."""
    found = [PostgresAccessory(name, f"po-shop-{name}-prod", "app", "app") for name in ("db", "geo")]
    monkeypatch.setattr(
        postgres_accessory, "find_accessories", lambda engine, project, env, stack: found if stack == "shop" else []
    )
    monkeypatch.setattr(
        postgres_accessory,
        "databases_of",
        lambda engine, one, labels, name: ["app", "more"][: 2 if one.service == "db" else 1],
    )
    return {"root": str(tmp_path), "project": "po", "environment": "prod"}


def listed(params: dict[str, t.Any], *stacks: str, shared: t.Sequence[str] = ()) -> list[dict[str, str]]:
    found = backup_sources.databases_of_stacks(lambda: ENGINE, params, shared, stacks)
    return [source.as_dict() for source in found]


def test_every_database_is_found(params: dict[str, t.Any]) -> None:
    assert listed(params, "shop", "blog", shared=["wiki"]) == [
        {"stack": "wiki"},
        {"stack": "shop", "accessory": "db", "database": "app"},
        {"stack": "shop", "accessory": "db", "database": "more"},
        {"stack": "shop", "accessory": "geo", "database": "app"},
    ]


def test_no_database_is_a_problem_and_not_a_success(params: dict[str, t.Any]) -> None:
    with pytest.raises(SwitchyardError, match="blog has none") as caught:
        listed(params, "blog")
    assert [problem["code"] for problem in caught.value.details["problems"]] == ["backup.no_database"]
    with pytest.raises(SwitchyardError, match="no stack has postgres or accessories"):
        listed(params)


def test_the_keys_of_the_newest_release_select(params: dict[str, t.Any], machine: Machine) -> None:
    keys = {"accessory": "db", "databases": ["more"]}
    machine.released("blue", checked(accessories=["db"], postgres=keys))
    params["root"] = str(machine.ctx.host.root)
    assert listed(params, "shop") == [{"stack": "shop", "accessory": "db", "database": "more"}]
    machine.released("green", checked(accessories=["db"], postgres={"accessory": "db", "databases": ["moar"]}))
    with pytest.raises(SwitchyardError, match="db has no database moar; it has app, more"):
        listed(params, "shop")
    machine.released("blue", checked(accessories=["cache"], postgres={"accessory": "cache"}))
    with pytest.raises(SwitchyardError, match="cache has no container with PostgreSQL"):
        listed(params, "shop")


def test_the_timers_entry_of_a_stack_means_its_databases(params: dict[str, t.Any]) -> None:
    entry = {**params, "stack": "shop", "accessory": "*", "database": None, "keep": 3}
    expanded = backup_sources.expand(entry, lambda: ENGINE)
    assert [(one["accessory"], one["database"], one["keep"]) for one in expanded] == [
        ("db", "app", 3),
        ("db", "more", 3),
        ("geo", "app", 3),
    ]
    assert backup_sources.expand({**entry, "accessory": None}, lambda: ENGINE) == [{**entry, "accessory": None}]
