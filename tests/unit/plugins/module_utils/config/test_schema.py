from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.config import schema, stack
from ansible_collections.switchyard.stacks.plugins.module_utils.config.value_types import TYPES

SPECS = [
    item
    for item in vars(stack).values()
    if isinstance(item, type) and dataclasses.is_dataclass(item) and item.__module__ == stack.__name__
]


@pytest.mark.parametrize("cls", SPECS)
def test_every_field_is_a_key_of_a_known_type(cls: type) -> None:
    keys = schema.keys_of(cls)
    assert {item.name for item in dataclasses.fields(cls)} <= {*keys, "extra"}
    assert all(key.type_name in TYPES or key.cls in SPECS for key in keys.values())


@pytest.mark.parametrize("cls", SPECS)
def test_a_default_keeps_its_own_limits(cls: type) -> None:
    for key in schema.keys_of(cls).values():
        if key.default not in (schema.REQUIRED, None):
            assert not key.choices or key.default in key.choices
            assert key.least is None or key.default >= key.least


def test_the_keys_of_a_stack_come_from_its_dataclass() -> None:
    keys = schema.keys_of(stack.Stack)
    assert (keys["name"].default, keys["drain"].default, keys["drain"].least) == (schema.REQUIRED, 30, 0)
    assert (keys["routes"].cls, keys["routes"].default) == (stack.RouteSpec, ())
    assert schema.keys_of(stack.MigrationSpec)["verify_backup"].choices == ("restore", "read", "none")
    assert list(schema.keys_of(stack.PostgresSpec))[:3] == ["password", "ro_password", "backup_password"]


def test_a_secret_is_a_key_and_no_field() -> None:
    secrets = {key for cls in SPECS for key, item in schema.keys_of(cls).items() if item.secret}
    fields = {item.name for cls in SPECS for item in dataclasses.fields(t.cast(t.Any, cls))}
    assert secrets == {"password", "ro_password", "backup_password"}
    assert not secrets & fields
