# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of a person's that run on the server before and after a backup."""

from __future__ import annotations

import os
import subprocess
import typing as t

from ..errors import SwitchyardError

# How much of what a command wrote a message shows
LINES = 12


def run_hook(kind: str, commands: t.Iterable[t.Sequence[str]], told: t.Mapping[str, t.Any], limit: float) -> None:
    """Run commands one after the other. ``told`` reaches them as variables ``SWITCHYARD_*``.

    Raises SwitchyardError at the first that fails or takes too long, with its last lines.
    """
    variables = {f"SWITCHYARD_{key.upper()}": str(value) for key, value in told.items() if value is not None}
    for words in commands:
        name = f"The {kind}-hook {words[0]}"
        try:
            # AnsibleModule.run_command needs a module; this code runs from a timer too.
            # pylint: disable-next=ansible-bad-function
            done = subprocess.run(
                list(words),
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
            )
        except OSError as error:
            raise SwitchyardError(f"{name} cannot be started: {error.strerror}.") from error
        except subprocess.TimeoutExpired as error:
            raise SwitchyardError(f"{name} was not done after {limit:g} s.") from error
        if done.returncode:
            said = "\n".join(done.stdout.decode("utf-8", "replace").strip().splitlines()[-LINES:])
            raise SwitchyardError(f"{name} ended with exit code {done.returncode}: {said or 'it wrote nothing.'}")
