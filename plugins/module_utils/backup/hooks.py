# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of a person's that run on the server before and after a backup."""

from __future__ import annotations

import typing as t

from .. import command


def run_hook(kind: str, commands: t.Iterable[t.Sequence[str]], told: t.Mapping[str, t.Any], limit: float) -> None:
    """Run commands one after the other. ``told`` reaches them as variables ``SWITCHYARD_*``.

    Raises CommandError at the first that fails or takes too long, with its last lines.
    """
    variables = {f"SWITCHYARD_{key.upper()}": str(value) for key, value in told.items() if value is not None}
    for args in commands:
        command.run(args, name=f"The {kind}-hook {args[0]}", timeout=limit, env=variables, merge=True)
