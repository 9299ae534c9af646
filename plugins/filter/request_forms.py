# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of requests that proxies refuse, and the headers that they remove, for the role proxy."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import client_headers, request_form

DOCUMENTATION = r"""
name: request_forms
short_description: The forms of requests that proxies refuse, and the headers that they remove
description:
  - Returns regular expressions and names of headers, for the templates of every kind of proxy.
options:
  _input:
    description:
      - How the proxy quotes a backslash in an expression, V(\\) for one that stays as it is.
    type: str
    required: true
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
forms: "{{ '\\\\' | switchyard.stacks.request_forms }}"
"""

RETURN = r"""
_value:
  description:
    - The expressions C(host), C(host_name), C(invalid_path), C(invalid_decoded_path), C(ambiguous_path) and
      C(removed_pattern), and the list of headers C(removed).
  type: dict
"""


def request_forms(backslash: str) -> dict[str, t.Any]:
    """Return the expressions and the headers."""
    expressions = {
        "host": f"^{request_form.HOST}$",
        "host_name": request_form.HOST_NAME,
        "invalid_path": request_form.invalid_path(),
        "invalid_decoded_path": request_form.invalid_decoded_path(),
        "ambiguous_path": request_form.ambiguous_path(),
        "removed_pattern": client_headers.removed_pattern(),
    }
    quoted = {name: expression.replace("\\", backslash) for name, expression in expressions.items()}
    return {**quoted, "removed": list(client_headers.REMOVED)}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"request_forms": request_forms}
