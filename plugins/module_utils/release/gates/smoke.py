# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smoke gate: the stack's own checks, run against one color."""

from __future__ import annotations

import typing as t

from .probe import ColorTarget, gate_failure, probe_via_proxy

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...proxy.driver import Proxy


def run_smoke_checks(engine: Engine, proxy: Proxy, standing: ColorTarget, checks: list[dict[str, t.Any]]) -> None:
    """Ask what a person would ask, of this color only. Raises SwitchyardError with the first answer that is wrong."""
    for wanted in checks:
        host = wanted["host"] or standing.routing.routes[0].host
        answer = probe_via_proxy(proxy, host, wanted["path"], standing.color, wanted["request_timeout"])
        wrong = None
        if answer.status != wanted["status"] or answer.color != standing.color:
            wrong = f"wanted {wanted['status']} from {standing.color}"
        elif wanted["contains"] and wanted["contains"] not in answer.body:
            wrong = f"the answer does not contain {wanted['contains']!r}"
        if wrong:
            raise gate_failure(engine, proxy, standing, "smoke", wrong, str(answer))
