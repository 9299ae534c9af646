# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices in groups: one line for each kind of change of a stack, so that a file with many services stays readable."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...engine.models import Mapping
from .file_changes import Notice

# The services that a line names; more are counted.
SHOWN = 6

SECTIONS = {"services": "", "networks": "network ", "volumes": "volume ", "configs": "config ", "secrets": "secret "}


def grouped(notices: t.Iterable[Notice], normalised: Mapping) -> list[Notice]:
    """Return one notice for all keys of Compose files with the same name and the same message, in the first's place."""
    groups: dict[tuple[str, str, Notice], list[str]] = {}
    for notice in notices:
        head, subject, key = _parts(notice.where, normalised)
        text = f"{subject} ({notice.value})" if notice.value else subject
        subjects = groups.setdefault((head, key, replace(notice, where="", value="")), [])
        subjects += [] if text in subjects else [text]
    return [
        replace(
            kind,
            where=head,
            message=f"{f'{key} of ' if key else ''}{listed(subjects)}: {kind.message}" if subjects[0] else kind.message,
        )
        for (head, key, kind), subjects in groups.items()
    ]


def _parts(where: str, normalised: Mapping) -> tuple[str, str, str]:
    """Return the path of the Compose files, what it is about, and the key, from ``….compose.services.web.ports``.

    Names of services may have dots. Another path has no subject.
    """
    head, separator, rest = where.partition(".compose.")
    section, dummy, path = rest.partition(".")
    if not separator or section not in SECTIONS:
        return where, "", ""
    known = [name for name in normalised.get(section) or () if f"{path}.".startswith(f"{name}.")]
    name = max(known, key=len, default=path)
    return f"{head}.compose", f"{SECTIONS[section]}{name}", path[len(name) :].rpartition(".")[2]


def listed(subjects: t.Sequence[str]) -> str:
    """Return the first subjects, and the number of the others."""
    text = ", ".join(subjects[:SHOWN])
    return f"{text} and {len(subjects) - SHOWN} more" if len(subjects) > SHOWN else text
