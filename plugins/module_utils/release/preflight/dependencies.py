# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight check: a release can meet what services wait for. Compose itself refuses cycles."""

from __future__ import annotations

from ...engine.compose_dependencies import HEALTHY, STARTED, Dependency, dependencies_of, is_late
from ...engine.compose_roles import roles_of
from ...engine.stateful_services import keeper_of
from ...errors import Problem
from .context import StackCheckContext

NEEDS = ("compose", "engine")

SEQUENCE = "a release starts accessories, then one-shots and jobs, then the color, then workers"


def check(context: StackCheckContext) -> list[Problem]:
    """Return the required dependencies that no release can meet."""
    roles = roles_of(context.normalised, context.stack)
    problems = []
    for one in dependencies_of(context.normalised):
        where = f"{context.where}.compose.services.{one.service}.depends_on.{one.other}"
        if not one.required or one.condition == STARTED:
            continue
        # The end of a service that runs on is a problem of the check one_shots.
        if is_late(one, roles) and (one.condition == HEALTHY or roles[one.other] == "one-shot"):
            waiting = f"{one.service} ({roles[one.service]}) waits for {one.other} ({roles[one.other]})"
            message = f"{waiting}, which starts later: {SEQUENCE}"
            hint = "Write condition: service_started or required: false, which a release does not wait for here"
            if roles[one.service] == "accessory" and not keeper_of(context.services[one.service].get("image") or ""):
                hint = (
                    f"Name {one.service} under workers or inner in place of accessories. Otherwise "
                    f"{hint[0].lower()}{hint[1:]}"
                )
            elif roles[one.other] == "inner":
                hint = (
                    f"Name {one.other} under accessories if it outlives releases. Otherwise {hint[0].lower()}{hint[1:]}"
                )
            problems.append(Problem(where, message, hint, "compose.dependency_unmet"))
        elif one.condition == HEALTHY and roles[one.other] == "job":
            message = (
                f"{one.service} waits until {one.other} is healthy, and {one.other} has no container of its own: only "
                "migrate or after_migrate names it"
            )
            hint = f"Write {one.other} under inner, workers or accessories too, or condition: service_started"
            problems.append(Problem(where, message, hint, "compose.dependency_unmet"))
        elif one.condition == HEALTHY and _has_no_health_check(context, one, roles[one.other]):
            message = f"{one.service} waits until {one.other} is healthy, and {one.other} has no health check"
            hint = f"Add a healthcheck to {one.other}, or write condition: service_started"
            problems.append(Problem(where, message, hint, "compose.healthcheck_missing"))
    return problems


def _has_no_health_check(context: StackCheckContext, one: Dependency, role: str) -> bool:
    """Return whether neither the file nor the image has a health check; the one of a missing image is not known yet."""
    if role == "one-shot":
        # It has ended by then.
        return False
    service = context.services[one.other]
    check = service.get("healthcheck") or {}
    test = check.get("test") or []
    if check.get("disable") or test[:1] == ["NONE"]:
        return True
    image = context.ctx.engine.image(service.get("image") or "") if not test else None
    return bool(image and not image.has_health_check)
