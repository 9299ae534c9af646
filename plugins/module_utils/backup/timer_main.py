# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that a timer starts, without Ansible: an environment's backups, or the check of their off-site copies.

It is stored on the server as one file next to its parameters. It prints a line per backup for the system's journal
and exits with 1 when anything failed.
"""

from __future__ import annotations

import sys
import time
import typing as t
from pathlib import Path

from .. import atomic_file
from ..engine.docker_client import Engine
from ..errors import SwitchyardError
from . import offsite_restic, options, run, volume_backup
from .manifest import BackupSummary
from .volume_manifest import VolumeSummary

PARAMETERS = "parameters.json"
LAST_CHECK = "last-check.json"

Write = t.Callable[[str], t.Any]


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(
    argv: t.Sequence[str], kept_backups: options.KeptBackups, expand: options.Expand, write: Write = _write
) -> int:
    """Run the backups, or with the argument ``check`` the check; return the exit code.

    ``argv[0]`` is the program's own file. ``kept_backups`` returns the names of backups that no retention policy
    removes, from the options of one backup. ``expand`` returns the options of each backup that one's options mean.
    """
    parameters = atomic_file.read_json(Path(argv[0]).parent / PARAMETERS)
    if not parameters or list(argv[1:]) not in ([], ["check"]):
        write(f"usage: {argv[0]} [check]; it needs the file {PARAMETERS} in its folder, which setup.yml writes")
        return 2
    if argv[1:]:
        return _check(parameters, write)
    # A failed backup does not prevent the others.
    codes = [_backups(params, kept_backups, expand, write) for params in parameters["backups"]]
    codes += [_volume(params, write) for params in parameters.get("volumes") or ()]
    return max(codes, default=0)


def _volume(params: dict[str, t.Any], write: Write) -> int:
    begin, unit = time.monotonic(), f"{params['stack']}, volume {params['volume']}"
    try:
        store, request = options.volume_store(params), options.volume_request(params)
        offsite = options.offsite_repository(params) if params["copy_offsite"] else None
        result = volume_backup.create_volume_backup(Engine(), store, request, offsite=offsite)
    except (SwitchyardError, OSError) as error:
        write(f"{unit}: FAILED: {error}")
        return 1
    facts = _facts(result.backup, "files")
    facts.append(f"{time.monotonic() - begin:.1f} s")
    write(f"{unit}: {result.name}: {', '.join([*facts, *(['copied off-site'] if offsite else [])])}")
    return 0


def _facts(backup: BackupSummary | VolumeSummary | None, of: str) -> list[str]:
    """Return what a line says of a backup; ``of`` are its rows or files."""
    return [backup.state, f"{backup.bytes} bytes", f"{backup.rows} {of}"] if backup else []


def _backups(params: dict[str, t.Any], kept_backups: options.KeptBackups, expand: options.Expand, write: Write) -> int:
    try:
        expanded = expand(params, Engine)
    except (SwitchyardError, OSError) as error:
        write(f"{params['stack']}: FAILED: {error}")
        return 1
    return max([_backup(one, kept_backups, write) for one in expanded], default=0)


def _backup(params: dict[str, t.Any], kept_backups: options.KeptBackups, write: Write) -> int:
    begin = time.monotonic()
    unit = str(params["stack"])
    try:
        params = options.with_accessory(params, Engine)
        unit = options.unit_of(params)
        store, request = options.store_of(params), options.backup_request(params, kept_backups(params))
        result = run.run_backup(Engine(), store, request, options.backup_run(params, started_by="timer"))
    except (SwitchyardError, OSError) as error:
        write(f"{unit}: FAILED: {error}")
        return 1
    facts = _facts(result.backup, "rows")
    facts += [f"{time.monotonic() - begin:.1f} s", *(["copied off-site"] if result.copied_offsite else [])]
    write(f"{unit}: {result.name}: {', '.join(facts)}")
    return 0


def _check(parameters: dict[str, t.Any], write: Write) -> int:
    project, environment = parameters["project"], parameters["environment"]
    folder = offsite_restic.repository_folder(Path(parameters["root"]), project, environment)
    repository = offsite_restic.OffsiteRepository(folder, f"{project}-{environment}")
    now = time.time()
    count = parameters["check_subset_count"]
    subset = offsite_restic.subset_number(now, count)
    error = None
    try:
        repository.check(subset, count)
        write(f"The off-site copies are intact; subset {subset} of {count} was read.")
    except SwitchyardError as failure:
        error = str(failure)
        write(f"FAILED: {failure}")
    if folder.is_dir():
        content = {"ok": not error, "finished": now, "subset": subset, "error": error}
        atomic_file.write_json(folder / LAST_CHECK, content, 0o600)
    return int(error is not None)
