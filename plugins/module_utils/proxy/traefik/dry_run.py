# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second Traefik that loads staged files before the first one gets them."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ... import command
from ..layout import CONFIG_ROOT
from .api import API_TIMEOUT
from .dynamic_config import DRY_RUN_HTTPS_PORT, DRY_RUN_PORT


@contextlib.contextmanager
def second_traefik(container: str) -> t.Iterator[t.Callable[[], str]]:
    """Run a second Traefik on the staged files within the block; yield a function that returns its log.

    It ends with its standard input, so that none is left when this process is killed.
    """
    options = [
        "--entrypoints.public.address=127.0.0.1:8092",
        f"--entrypoints.private.address=:{DRY_RUN_PORT}",
        f"--entrypoints.https.address=:{DRY_RUN_HTTPS_PORT}",
        f"--providers.file.directory={CONFIG_ROOT}/staged",
        "--providers.file.watch=false",
        "--api=true",
        "--ping.manualrouting=true",
        "--log.level=ERROR",
        "--log.format=json",
        "--global.checknewversion=false",
    ]
    script = 'traefik "$@" 2>&1 & read -r line; kill -9 $!; wait'
    process = command.Process(
        ["docker", "exec", "-i", container, "sh", "-c", script, "dry-run", *options],
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
