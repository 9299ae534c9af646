# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smoke gate: the stack's own checks, run against one color."""

from __future__ import annotations

import typing as t

from ...config.stack import SmokeCheck
from .probe import ColorTarget, gate_failure, probe_via_proxy

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...proxy.driver import Proxy


def run_smoke_checks(engine: Engine, proxy: Proxy, target: ColorTarget, checks: t.Iterable[SmokeCheck]) -> None:
    """Run the smoke checks against this color only. Raises GateFailed with the first wrong answer."""
    for check in checks:
        host = check.host or target.routing.routes[0].host
        answer = probe_via_proxy(proxy, host, check.path, target.color, check.request_timeout)
        wrong = None
        if answer.status != check.status or answer.color != target.color:
            wrong = f"wanted {check.status} from {target.color}"
        elif check.contains and check.contains not in answer.body:
            wrong = f"the answer does not contain {check.contains!r}"
        if wrong:
            raise gate_failure(engine, proxy, target, "smoke", wrong, str(answer))
