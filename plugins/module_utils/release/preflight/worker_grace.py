# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices: workers that Docker may end in the middle of a job."""

from __future__ import annotations

import typing as t

from ...config.stack import Stack
from ...engine.models import Mapping
from .file_changes import Notice

# Seconds between SIGTERM and SIGKILL where a service has no stop_grace_period (Compose specification, 05-services.md).
DEFAULT_GRACE = 10


def notices(normalised: Mapping, stack: Stack, where: str) -> list[Notice]:
    """Return a notice for each worker without ``stop_grace_period``: each release stops it."""
    services: dict[str, dict[str, t.Any]] = normalised.get("services", {})
    return [
        Notice(
            f"{where}.compose.services.{name}.stop_grace_period",
            f"a release ends the worker {DEFAULT_GRACE} s after SIGTERM, also in the middle of a job; set it to the "
            "time of the longest job",
            code="compose.worker_grace",
        )
        for name in stack.workers
        if name in services and not services[name].get("stop_grace_period")
    ]
