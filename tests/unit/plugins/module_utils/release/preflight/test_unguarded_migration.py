"""Migrations without a backup, where an accessory has PostgreSQL."""

from __future__ import annotations

import typing as t

import pytest
from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import NOTICE, Problem
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import unguarded_migration

SERVICES: dict[str, dict[str, t.Any]] = {
    "web": {"image": "reg/web:1"},
    "db": {"image": "postgres:17", "environment": {"POSTGRES_PASSWORD": "x", "EMPTY": None}},
    "geo": {"image": "reg.example.org/postgis/postgis:17-3.5"},
    "queue": {"image": "rabbitmq:4"},
}
MIGRATE = {"migrate": {"service": "web", "command": ["migrate"]}}


def found(**keys: t.Any) -> list[Problem]:
    return unguarded_migration.unguarded(checked(**keys), SERVICES, "stacks[shop]")


def test_a_migration_next_to_postgres_without_the_key_gets_the_line_to_write() -> None:
    assert found(**MIGRATE, accessories=["queue", "db"]) == [
        Problem(
            "stacks[shop].migrate",
            "runs without a backup and cannot be undone: postgres is missing, and db has PostgreSQL",
            "Write postgres: {accessory: db}, and migrate.kind: expand, contract or breaking",
            "migration.unguarded",
            NOTICE,
        )
    ]


def test_several_accessories_with_postgres_are_a_choice() -> None:
    (problem,) = found(**MIGRATE, accessories=["db", "geo"])
    assert problem.hint.startswith("Write postgres: {accessory: db} or postgres: {accessory: geo}, and ")


@pytest.mark.parametrize(
    "keys",
    [
        {"accessories": ["db"]},
        {**MIGRATE, "accessories": ["queue"]},
        {
            **MIGRATE,
            "accessories": ["db"],
            "migrate": {**MIGRATE["migrate"], "kind": "expand"},
            "postgres": {"accessory": "db"},
        },
        {**MIGRATE, "accessories": ["another"]},
    ],
)
def test_no_notice_without_a_migration_without_postgres_or_with_the_key(keys: dict[str, t.Any]) -> None:
    assert found(**keys) == []
