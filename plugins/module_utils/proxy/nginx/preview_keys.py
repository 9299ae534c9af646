# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of nginx's configuration that accept preview keys."""

from __future__ import annotations

import base64
import hashlib
import typing as t

from .syntax import expression, variable

# The parts of the configuration that are made here: for the whole of "http", and for the server of the public port.
KEYS, KEY = "10-key.http", "10-key.server"


def preview_key_files(key: str, preview_keys: t.Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return the files that accept a request with a preview key, as digests.

    ``X-Switchyard-Key`` carries this server's key; otherwise the header of the requested stack's environment carries
    the value in ``preview_keys``. The module ``secure_link`` compares MD5 digests: a random key cannot be found from
    its digest, and for a value that a user chose, the file with the digests is readable by nginx only.
    """
    of_environments = [
        (rf'"~\.{expression(environment)}$"', header, value)
        for environment, (header, value) in sorted(preview_keys.items())
    ]
    hidden = sorted({header.lower(): header for _pattern, header, _value in of_environments}.values())
    sent = [(pattern, f"$http_{header.lower().replace('-', '_')}") for pattern, header, _value in of_environments]
    digests = [(pattern, f'"{_digest(value)}"') for pattern, _header, value in of_environments]
    maps = [
        variable("$sy_asked_stack", "$sy_own_key", sent),
        variable("$sy_asked_stack", "$sy_own_digest", digests),
        variable("$http_x_switchyard_key", "$sy_given_key", [('""', "$sy_own_key")], default="$http_x_switchyard_key"),
        variable("$http_x_switchyard_key", "$sy_digest", [('""', "$sy_own_digest")], default=f'"{_digest(key)}"'),
        # Applications never receive these headers.
        "".join(f'proxy_set_header {header} "";\n' for header in hidden),
    ]
    return {KEYS: "\n".join(maps), KEY: "secure_link $sy_digest;\nsecure_link_md5 $sy_given_key;\n"}


def _digest(key: str) -> str:
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
