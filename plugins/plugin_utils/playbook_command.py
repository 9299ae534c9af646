# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that starts another playbook as the running one was started. For the controller only."""

from __future__ import annotations

import shlex
import typing as t
from pathlib import Path

from ansible import context

from ansible_collections.switchyard.stacks.plugins.plugin_utils.problem_files import shown

COLLECTION = "switchyard.stacks"

PLAYBOOKS = frozenset(path.stem for path in (Path(__file__).parents[2] / "playbooks").glob("*.yml"))


def playbook_command(name: str) -> str:
    """Return the command to type for a playbook of this collection, such as ``rollback``.

    It has the inventories and the ways to passwords of the running command, and neither its tags nor its variables.
    """
    return command(name, context.CLIARGS, Path.cwd())


def command(name: str, options: t.Mapping[str, t.Any], folder: Path) -> str:
    """Return the command; ``options`` are those of the running command line, ``folder`` is the current folder."""
    words = ["ansible-playbook", _playbook(name, options.get("args") or (f"{name}.yml",))]
    for inventory in options.get("inventory") or ():
        words += ["-i", inventory if "," in inventory else shown(Path(inventory), folder)]
    for path in options.get("vault_password_files") or ():
        words += ["--vault-password-file", shown(Path(path), folder)]
    for vault in options.get("vault_ids") or ():
        words += ["--vault-id", vault]
    for option in ("ask_vault_pass", "ask_pass", "become_ask_pass"):
        if options.get(option):
            words.append({"become_ask_pass": "--ask-become-pass"}.get(option, f"--{option.replace('_', '-')}"))
    return shlex.join(words)


def _playbook(name: str, typed: t.Sequence[str]) -> str:
    """Return a playbook in the form of the typed ones, or its full name where all of those are the user's own."""
    for one in typed:
        if one.startswith(f"{COLLECTION}."):
            break
        path = Path(one)
        if path.stem in PLAYBOOKS and path.suffix in (".yml", ".yaml"):
            return str(path.with_name(f"{name}.yml"))
    return f"{COLLECTION}.{name}"
