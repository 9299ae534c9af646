# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a timer of the server starts: the backups of an environment, or the check of their copies, without Ansible.

It lies on the server as one file beside its parameters. What it says goes to the journal; it ends with 1 where
anything failed.
"""

from __future__ import annotations

import sys
import time
import typing as t
from pathlib import Path

from .. import atomic_file
from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from . import offsite_restic, options, run

PARAMETERS = "parameters.json"
CHECKED = "checked.json"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(words: t.Sequence[str], say: t.Callable[[str], t.Any] = _say) -> int:
    """Do what the words ask for; return the exit code. The first word is the program's own file."""
    given = atomic_file.read_json(Path(words[0]).parent / PARAMETERS)
    if not given or list(words[1:]) not in ([], ["check"]):
        say(f"usage: {words[0]} [check], beside a {PARAMETERS} that setup.yml writes")
        return 2
    if words[1:]:
        return _check(given, say)
    # One that fails keeps no other from being made.
    return max([_backup(params, say) for params in given["jobs"]], default=0)


def _backup(params: dict[str, t.Any], say: t.Callable[[str], t.Any]) -> int:
    begun = time.monotonic()
    try:
        where, wanted = options.store_of(params), options.backup_request(params)
        result = run.run_backup(Engine(), where, wanted, options.backup_run(params, by="timer"))
    except (SwitchyardError, OSError) as error:
        say(f"{params['stack']}: FAILED: {error}")
        return 1
    made = result["backup"]
    told = f"{made['state']}, {made['bytes']} bytes, {made['rows']} rows, {time.monotonic() - begun:.1f} s"
    say(f"{params['stack']}: {result['name']}: {told}{', copied' if result['copied'] else ''}")
    return 0


def _check(given: dict[str, t.Any], say: t.Callable[[str], t.Any]) -> int:
    folder = offsite_restic.folder_of(Path(given["root"]), given["project"], given["environment"])
    there = offsite_restic.OffsiteRepository(folder, f"{given['project']}-{given['environment']}")
    now = time.time()
    part, parts = offsite_restic.part_of(now, given["parts"]), given["parts"]
    error = None
    try:
        there.check(part, parts)
        say(f"The copies are whole; part {part} of {parts} was read.")
    except SwitchyardError as failure:
        error = str(failure)
        say(f"FAILED: {failure}")
    if folder.is_dir():
        atomic_file.write_json(
            folder / CHECKED, {"ok": not error, "finished": now, "part": part, "error": error}, 0o600
        )
    return int(error is not None)
