from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.switchyard.stacks.plugins.plugin_utils import progress
from ansible_collections.switchyard.stacks.plugins.plugin_utils.known_variables import (
    ROLES,
    known_variables,
    misspelt_variables,
)

ROOT = Path(__file__).parents[4]


def test_every_variable_of_a_role_is_known() -> None:
    known = known_variables()
    for path in ROLES.glob("*/meta/argument_specs.yml"):
        for entry_point in yaml.safe_load(path.read_text())["argument_specs"].values():
            assert set(entry_point.get("options", {})) <= known, path
    for path in ROLES.glob("*/defaults/main.yml"):
        assert set(yaml.safe_load(path.read_text())) <= known, path
    assert {"switchyard_project", "switchyard_environment", "switchyard_stacks", "switchyard_root"} <= known


def test_no_variable_of_our_own_inventories_is_taken_for_a_mistake() -> None:
    folders = ("inventories", "molecule", "examples", "playbooks", "roles")
    texts = [path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.yml") if path.is_file()]
    names = {name for text in texts for name in re.findall(r"^ *([a-z]+_\w+):", text, re.MULTILINE)}
    assert len(names) > 100
    assert misspelt_variables(names) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("proxy_https_prot", "proxy_https_port"),
        ("postgres_images", "postgres_image"),
        ("switchyard_enviroment", "switchyard_environment"),
        ("backup_keep_day", "backup_keep_days"),
        ("redis_max_memory", "redis_maxmemory"),
    ],
)
def test_a_misspelt_name_is_reported_with_the_one_that_was_meant(name: str, meant: str) -> None:
    assert misspelt_variables([name, meant]) == [
        f"{name} is not a variable of this collection and has no effect. Did you mean {meant}?"
    ]


@pytest.mark.parametrize("name", ["proxy_env", "redis_password", "switchyard_domain", "shop_version", "__proxy_image"])
def test_a_variable_of_the_user_is_left_alone(name: str) -> None:
    assert misspelt_variables([name]) == []


def test_a_variable_that_only_a_plugin_reads_is_known() -> None:
    assert progress.VARIABLE in known_variables()
