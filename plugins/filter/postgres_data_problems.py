# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an image of PostgreSQL cannot start with the data of a volume, for the role postgres."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.data_version import data_problems

DOCUMENTATION = r"""
name: postgres_data_problems
short_description: Why an image of PostgreSQL cannot start with the data of a volume
description:
  - Compares the major version of an image with the data that exists, before a container is stopped.
options:
  _input:
    description: The image.
    type: str
    required: true
  path:
    description: The folder of the container at which the volume is mounted.
    type: str
    required: true
  of_image:
    description: The output of C(postgres --version) in the image and the value of its C(PGDATA), on two lines.
    type: str
    required: true
  of_volume:
    description: A line for each cluster in the volume, with its major version and its folder.
    type: str
    required: true
positional: path, of_image, of_volume
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
problems: "{{ postgres_image | switchyard.stacks.postgres_data_problems(postgres_data_path, of_image, of_volume) }}"
"""

RETURN = r"""
_value:
  description: The problems, for P(switchyard.stacks.problem_report#filter).
  type: list
  elements: dict
"""


def postgres_data_problems(image: str, path: str, of_image: str, of_volume: str) -> list[dict[str, str]]:
    """Return the problems as a role reports them."""
    return [problem.as_dict() for problem in data_problems(image, path, of_image, of_volume)]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"postgres_data_problems": postgres_data_problems}
