from __future__ import annotations

import json
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import program
from ansible_collections.switchyard.stacks.plugins.module_utils.release import backup_timer
from ansible_collections.switchyard.stacks.plugins.modules import backup_program

RunModule = Callable[..., dict[str, t.Any]]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[program.ProgramSpec, bool]]:
    """Return the specifications that the module would install, instead of installing them."""
    specs: list[tuple[program.ProgramSpec, bool]] = []

    def install(spec: program.ProgramSpec, check_mode: bool) -> program.ProgramResult:
        specs.append((spec, check_mode))
        return program.ProgramResult(True, {}, spec.command)

    monkeypatch.setattr(program, "install", install)
    return specs


def test_a_backup_gets_the_defaults_of_all_options(
    run_module: RunModule, installed: list[t.Any], tmp_path: Path
) -> None:
    options = {
        "root": str(tmp_path),
        "project": "po",
        "environment": "prod",
        "repository": "/far",
        "backups": [
            {"stack": "shop", "keep": "7", "copy_offsite": True},
            {"stack": "blog", "pre_hooks": [["sync"]]},
        ],
        "repository_password": "marker-offsite",
        "passwords": {"shop": "marker-server"},
        "credentials": {"A": "b"},
    }
    result = run_module(backup_program.main, options, check=True)
    assert result["changed"]
    assert "marker" not in json.dumps(result)
    spec, check_mode = installed[0]
    assert check_mode
    assert (spec.check_subset_count, spec.password, spec.entry_point) == (10, "marker-offsite", backup_timer.__name__)
    shop, blog = spec.backups
    assert (shop["keep"], shop["copy_offsite"], shop["password"], shop["verify"]) == (
        *(7, True, "marker-server", "restore"),
    )
    assert (blog["pre_hooks"], blog["password"], blog["root"]) == ([["sync"]], None, str(tmp_path))


def test_an_unknown_option_of_a_backup_is_reported(
    run_module: RunModule, installed: list[t.Any], tmp_path: Path
) -> None:
    names = {"root": str(tmp_path), "project": "po", "environment": "prod"}
    message = run_module(backup_program.main, {**names, "backups": [{"stack": "shop", "keap": 7}]})["msg"]
    assert "backups, shop: keap. Supported parameters include" in message
    assert installed == []
