"""The inventory, the messages and the state files of the fault tests are those of the plugins."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from fault_points import FAULTS, Fault
from installation import Installation

from ansible_collections.switchyard.stacks.plugins.module_utils.config import validate
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import LockFile, LockState

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_inventory_of_every_fault_is_valid(fault: Fault, tmp_path: Path) -> None:
    installation = Installation(tmp_path, "faults", 18190, after=(["true"],))
    path = installation.inventory(installation.migration(2, fault.how, **fault.settings), "2.0.0")
    values = json.loads(path.read_text())["all"]["hosts"]["this-machine"]
    stacks, problems = validate.check(values["switchyard_stacks"], "faults", "one")
    assert problems == []
    assert len(stacks) == 1


MESSAGES = ("was the rehearsal", "was restored from the backup", "is not what was dumped", "does not run")


@pytest.mark.parametrize("text", MESSAGES)
def test_an_expected_message_is_one_of_the_plugins(text: str) -> None:
    assert text in {fault.says for fault in FAULTS.values()}
    assert any(text in path.read_text() for path in (ROOT / "plugins/module_utils").rglob("*.py"))


def test_the_message_of_a_failed_revert_is_that_of_the_screen() -> None:
    assert "Reverting failed as well" in (ROOT / "plugins/plugin_utils/release_report.py").read_text()


def test_the_lock_file_says_whether_the_lock_is_held_and_by_which_process() -> None:
    assert LockFile().lock is None
    assert "server_process" in {item.name for item in fields(LockState)}
