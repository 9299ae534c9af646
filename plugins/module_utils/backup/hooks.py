# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's commands that run on the server before and after a backup."""

from __future__ import annotations

import typing as t

from .. import command


def run_hooks(kind: str, commands: t.Iterable[t.Sequence[str]], variables: t.Mapping[str, t.Any], limit: float) -> None:
    """Run commands one after the other; ``variables`` become ``SWITCHYARD_*``, ``limit`` is in seconds per command.

    Raises CommandError at the first command that fails or takes too long, with its last lines.
    """
    env = {f"SWITCHYARD_{key.upper()}": str(value) for key, value in variables.items() if value is not None}
    for args in commands:
        command.run(args, name=f"The {kind}-hook {args[0]}", timeout=limit, env=env, merge=True)
