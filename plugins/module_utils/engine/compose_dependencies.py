# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What services of a normalised Compose file wait for, within one part of a release and across its parts."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .models import Mapping

STARTED, HEALTHY, ENDED = "service_started", "service_healthy", "service_completed_successfully"

# The order in which a release starts services, by their roles; those with one number start together.
ORDER = {"accessory": 0, "job": 1, "one-shot": 1, "routed": 2, "inner": 2, "worker": 3}


@dataclass(frozen=True)
class Dependency:
    """One entry of ``depends_on``: ``service`` waits for ``other``; a dependency that is not required may fail.

    With ``restart``, Compose restarts the service when it has recreated the other one.
    """

    service: str
    other: str
    condition: str = STARTED
    required: bool = True
    restart: bool = False


@dataclass(frozen=True)
class HealthWait:
    """A service that has to be healthy before the next part of a release starts, and the services that wait for it.

    Where it is optional for all of them, the release continues without it.
    """

    service: str
    waiting: tuple[str, ...] = field(metadata={"tuple": True})
    required: bool = True
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


def dependencies_of(normalised: t.Mapping[str, t.Any]) -> list[Dependency]:
    """Return every dependency of the file whose two services exist.

    A dependency that is not required may be one of an inactive profile.
    """
    services: Mapping = normalised.get("services") or {}
    found = [
        (name, other, entry or {})
        for name, service in services.items()
        for other, entry in (service.get("depends_on") or {}).items()
        if other in services
    ]
    return [
        Dependency(
            name, other, entry.get("condition") or STARTED, entry.get("required", True), bool(entry.get("restart"))
        )
        for name, other, entry in found
    ]


def waiting_for_end_of(normalised: t.Mapping[str, t.Any], service: str) -> list[str]:
    """Return the services that wait until a service has ended with success."""
    found = dependencies_of(normalised)
    return [one.service for one in found if one.other == service and one.condition == ENDED]


def is_late(dependency: Dependency, roles: t.Mapping[str, str]) -> bool:
    """Return whether a release starts the other service only after the one that waits for it."""
    return ORDER[roles[dependency.other]] > ORDER[roles[dependency.service]]


def accessory_waits(normalised: t.Mapping[str, t.Any], roles: t.Mapping[str, str]) -> tuple[HealthWait, ...]:
    """Return the accessories that other parts of a release need healthy. Compose waits within the accessories."""
    return _waits(normalised, roles, {"accessory"}, set(ORDER) - {"accessory"})


def color_waits(normalised: t.Mapping[str, t.Any], roles: t.Mapping[str, str]) -> tuple[HealthWait, ...]:
    """Return the services of the color that the workers need healthy."""
    return _waits(normalised, roles, {"routed", "inner"}, {"worker"})


def _waits(
    normalised: t.Mapping[str, t.Any], roles: t.Mapping[str, str], needed: t.Container[str], waiting: t.Container[str]
) -> tuple[HealthWait, ...]:
    waits = [
        one
        for one in dependencies_of(normalised)
        if one.condition == HEALTHY and roles[one.other] in needed and roles[one.service] in waiting
    ]
    return tuple(
        HealthWait(
            name,
            tuple(one.service for one in waits if one.other == name),
            any(one.required for one in waits if one.other == name),
        )
        for name in dict.fromkeys(one.other for one in waits)
    )
