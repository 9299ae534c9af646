# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state file with what all environments of a server share."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from pathlib import Path

from .. import atomic_file, paths, state_file
from .server_settings import ServerState, SettingsPlan, SettingsRequest, plan, without


def read(root: Path) -> ServerState:
    """Return the state of this server; an empty one before the first setup. Raises SwitchyardError."""
    return state_file.load(paths.server_state(root), ServerState) or ServerState()


def apply(root: Path, request: SettingsRequest, check_mode: bool = False) -> SettingsPlan:
    """Write what an inventory sets, unless the plan has problems; return the plan."""
    if check_mode or not root.exists():
        return plan(read(root), request)
    with atomic_file.locked(paths.server_lock(root)):
        planned = plan(read(root), request)
        if planned.changed and not planned.problems:
            _save(root, planned.after)
    return planned


def leave(root: Path, project: str, environment: str) -> None:
    """Write that an environment uses nothing of this server any more."""
    if not paths.server_state(root).exists():
        return
    with atomic_file.locked(paths.server_lock(root)):
        before = read(root)
        after = without(before, project, environment)
        if not after.users:
            # The next environment sets everything.
            paths.server_state(root).unlink()
        elif after != before:
            _save(root, after)


def _save(root: Path, state: ServerState) -> None:
    state_file.save(paths.server_state(root), state, 0o644)


@dataclass(frozen=True)
class SettingsResult:
    """What the module ``server_settings`` returns; ``pending`` says that a record would change the server's file."""

    changed: bool
    pending: bool
    effects: t.Sequence[str]
    diff: t.Mapping[str, str]


def result_of(planned: SettingsPlan, changed: bool) -> SettingsResult:
    """Return the result of a plan."""
    return SettingsResult(
        changed=changed,
        pending=planned.changed,
        effects=tuple(one.effect for one in planned.differences),
        diff={**planned.diff(), "before_header": paths.SERVER, "after_header": paths.SERVER},
    )
