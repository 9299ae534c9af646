# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of a second Traefik that validates files before they are used."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import typing as t

from .api import API_TIMEOUT
from .dynamic_config import INSIDE, TRIAL_HTTPS_PORT, TRIAL_PORT


@contextlib.contextmanager
def dry_run_config(container: str) -> t.Iterator[t.Callable[[], str]]:
    """Run a second Traefik in the container, on the staged files, as long as the block lasts; yield what it says.

    It ends with its standard input, so that none is left when this process dies.
    """
    options = [
        "--entrypoints.public.address=127.0.0.1:8092",
        f"--entrypoints.private.address=:{TRIAL_PORT}",
        f"--entrypoints.https.address=:{TRIAL_HTTPS_PORT}",
        f"--providers.file.directory={INSIDE}/staged",
        "--providers.file.watch=false",
        "--api=true",
        "--ping.manualrouting=true",
        "--log.level=ERROR",
        "--log.format=json",
        "--global.checknewversion=false",
    ]
    script = 'traefik "$@" 2>&1 & read -r line; kill -9 $!; wait'
    # AnsibleModule.run_command cannot leave a command running; this code is used and tested without a module.
    # pylint: disable-next=ansible-bad-function
    process = subprocess.Popen(
        ["docker", "exec", "-i", container, "sh", "-c", script, "trial", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # Both are pipes: that was asked for above.
    said, given = t.cast("t.IO[str]", process.stdout), t.cast("t.IO[str]", process.stdin)
    lines: list[str] = []

    def listen() -> None:
        lines.extend(iter(said.readline, ""))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield lambda: "".join(lines)
    finally:
        with contextlib.suppress(OSError):
            given.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=API_TIMEOUT)
        process.kill()
        listener.join(timeout=API_TIMEOUT)
