# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the certificates of an inventory, for the role proxy."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.plugin_utils import certificates

DOCUMENTATION = r"""
name: certificates
short_description: The files of the certificates of an inventory
description:
  - Returns a file per certificate, for its chain and its key.
  - What cannot be used is left out; P(switchyard.stacks.proxy_problems#filter) says what that is.
options:
  _input:
    description: The role's variable C(proxy_certificates).
    type: list
    elements: dict
    required: true
  environment:
    description: The environment's name.
    type: str
    required: true
  secret:
    description: Whether the result has the content of the files, with the keys. Then use it with C(no_log).
    type: bool
    default: false
positional: environment
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
files: "{{ proxy_certificates | switchyard.stacks.certificates('prod') }}"
"""

RETURN = r"""
_value:
  description:
    - The certificates, each with C(file), C(names) and C(until) in UTC, and with C(content) where it is asked for.
  type: list
  elements: dict
"""


def certificate_files(given: list[dict[str, str]], environment: str, secret: bool = False) -> list[dict[str, t.Any]]:
    """Return the certificates that can be used, in the order of the inventory."""
    return [
        {
            "file": pair.file(environment),
            "names": list(pair.names),
            "until": f"{pair.until:%Y-%m-%dT%H:%M:%SZ}",
            **({"content": pair.content} if secret else {}),
        }
        for pair in certificates.read(given, environment)[0]
    ]


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"certificates": certificate_files}
