# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of a second Traefik that validates files before they are used."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ... import command
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
    process = command.Process(
        ["docker", "exec", "-i", container, "sh", "-c", script, "trial", *options],
        name="docker exec",
        stdin=command.PIPE,
        stdout=command.PIPE,
        stderr=command.STDOUT,
    )
    lines: list[bytes] = []

    def listen() -> None:
        lines.extend(iter(process.stdout.readline, b""))

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield lambda: b"".join(lines).decode("utf-8", "replace")
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.kill(grace=API_TIMEOUT)
        listener.join(timeout=API_TIMEOUT)
