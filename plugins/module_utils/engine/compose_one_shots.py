# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of the services that a release runs once, to their end, before its color starts."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..config.stack import JobSpec, MigrationSpec, Stack
from .compose_dependencies import ENDED, Dependency, dependencies_of

MIGRATE = "migrate"

# Roles whose own command a job with another command does not run.
OF_SERVERS = ("routed", "inner", "worker", "accessory")


@dataclass(frozen=True)
class OneShot:
    """A service that a release runs once because others wait for its end, and not as a job of the stack.

    ``before`` is the key of the job that it precedes, ``migrate`` or ``after_migrate[0]``; empty: it follows all jobs.
    ``required`` is whether the release fails with it.
    """

    service: str
    before: str = ""
    required: bool = True
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


def job_key(index: int) -> str:
    """Return the key of a job of ``after_migrate``."""
    return f"after_migrate[{index}]"


def jobs_of(stack: Stack) -> dict[str, JobSpec | MigrationSpec]:
    """Return the jobs of a stack by their keys, in the order in which they run."""
    jobs: dict[str, JobSpec | MigrationSpec] = {MIGRATE: stack.migrate} if stack.migrate else {}
    return {**jobs, **{job_key(index): job for index, job in enumerate(stack.after_migrate)}}


def one_shots_of(normalised: t.Mapping[str, t.Any], stack: Stack, roles: t.Mapping[str, str]) -> tuple[OneShot, ...]:
    """Return the one-shots that are not jobs of the stack, in the order in which a release runs them.

    Each follows what it depends on, and precedes the first job whose service waits for it. A migration with a command
    of its own, in the image of a service that does more, waits for none: a one-shot that changes the database would
    run before the backup.
    """
    jobs = jobs_of(stack)
    waits = dependencies_of(normalised)
    named = {job.service for job in jobs.values()}
    own = [name for name, role in roles.items() if role == "one-shot" and name not in named]
    found: dict[str, OneShot] = {}

    def add(service: str, before: str) -> None:
        for other in (one.other for one in waits if one.service == service):
            if roles[other] == "one-shot":
                add(other, before)
        if service in own and service not in found:
            required = [one.required for one in waits if one.other == service and one.condition == ENDED]
            found[service] = OneShot(service, before, any(required))

    for key, job in jobs.items():
        if key != MIGRATE or roles.get(job.service) not in OF_SERVERS:
            add(job.service, key)
    for service in own:
        add(service, "")
    return tuple(found.values())


def late_dependencies(normalised: t.Mapping[str, t.Any], stack: Stack, roles: t.Mapping[str, str]) -> list[Dependency]:
    """Return the dependencies between jobs and one-shots that the order of the stack's jobs contradicts."""
    sequence: list[str] = []
    one_shots = one_shots_of(normalised, stack, roles)
    for key, job in jobs_of(stack).items():
        sequence += [*(one.service for one in one_shots if one.before == key), job.service]
    sequence += [one.service for one in one_shots if not one.before]
    first = {service: sequence.index(service) for service in sequence}
    return [
        one
        for one in dependencies_of(normalised)
        if one.condition == ENDED
        and {roles[one.service], roles[one.other]} <= {"job", "one-shot"}
        and first[one.other] > first[one.service]
    ]
