# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the screen shows of a new inventory: the files, the roles, what to fill in, and the next commands. Pure."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.config.placeholders import placeholder_of
from ansible_collections.switchyard.stacks.plugins.plugin_utils.problem_files import shown

from .file_changes import KEPT, FileChange
from .stack_proposal import StackProposal

# What an operator does next, and the playbook for it.
NEXT = (
    ("report what is missing, and change nothing", "preflight"),
    ("set up the server, once", "setup"),
    ("release", "deploy"),
)


def summary(
    proposal: StackProposal,
    changes: t.Sequence[FileChange],
    commands: t.Mapping[str, str],
    folder: Path,
    is_check: bool,
) -> str:
    """Return the text; ``commands`` are those of the playbooks in NEXT, ``folder`` is the current folder."""
    app = proposal.app
    verb = "would be" if is_check else "is"
    source = " and ".join(shown(app.folder / name, folder) for name in app.compose)
    lines = [f"The inventory of {proposal.name} ({proposal.environment}) {verb} proposed from {source}:", ""]
    lines += [f"  {change.action:<9}  {shown(change.path, folder)}" for change in changes]
    lines += ["", "Its services:", ""]
    width = max(map(len, proposal.roles))
    ports = {route.service: route.port.value for route in proposal.routes}
    for name, one in proposal.roles.items():
        port = f" on port {ports[name]}" if isinstance(ports.get(name), int) else ""
        lines.append(f"  {name:<{width}}  {one.role}{port}: {one.reason}")
    open_values = placeholders(changes)
    if open_values:
        lines += ["", "To fill in:", ""]
        lines += [f"  {shown(path, folder)}:{number}  {text}" for path, number, text in open_values]
    if proposal.allow:
        count = len(proposal.allow)
        what = "1 thing reaches" if count == 1 else f"{count} things reach"
        lines += ["", f"{what} out of a container: see allow in stacks.yml."]
    if proposal.refused:
        lines += ["", "A release refuses these until the Compose files change:", ""]
        lines += [f"  {text}" for text in proposal.refused]
    for change in changes:
        missing = missing_lines(change)
        if missing:
            lines += ["", f"{shown(change.path, folder)} is never replaced. Add these lines to it:", ""]
            lines += [f"  {line}" for line in missing]
    lines += ["", "Then:", ""]
    width = max(len(commands[playbook]) for _purpose, playbook in NEXT)
    lines += [f"  {commands[playbook]:<{width}}  # {purpose}" for purpose, playbook in NEXT]
    return "\n".join(lines)


def missing_lines(change: FileChange) -> list[str]:
    """Return the lines of a kept file that its present content has no key for; an encrypted file hides its keys."""
    if change.action != KEPT:
        return []
    present = {_key(line) for line in (change.before or "").splitlines()}
    return [line for line in change.after.splitlines() if _key(line) and _key(line) not in present]


def _key(line: str) -> str:
    """Return the key of a line of YAML or of a configuration file; empty where it has none."""
    key = re.match(r"(\w+)\s*[:=]", line)
    return key[1] if key else ""


def placeholders(changes: t.Sequence[FileChange]) -> list[tuple[Path, int, str]]:
    """Return the file, the line and the text of each placeholder that a reader has to fill in."""
    found = []
    for change in changes:
        text = change.before if change.action == KEPT else change.after
        for number, line in enumerate((text or "").splitlines(), 1):
            placeholder = placeholder_of(line) if not line.lstrip().startswith("#") else None
            if placeholder:
                found.append((change.path, number, placeholder))
    return found
