# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with the digests of preview keys."""

from __future__ import annotations

import base64
import hashlib
import typing as t

from .route_options import expression, variable


def preview_key_files(key: str, private: t.Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return what lets a request in that carries a key, as files: nginx only knows digests.

    With ``X-Switchyard-Key`` it is this server's; else the header of the environment whose stack is asked for, with the
    value in ``private``. MD5 is what the module ``secure_link`` compares: from the digest of a random key nobody finds
    it, and what somebody thought of stands in a file that only nginx reads.
    """
    mine = [(rf'"~\.{expression(environment)}$"', *one) for environment, one in sorted(private.items())]
    hidden = sorted({header.lower(): header for _ending, header, _value in mine}.values())
    sent = [(at, f"$http_{name.lower().replace('-', '_')}") for at, name, _value in mine]
    maps = [
        variable("$sy_asked", "$sy_own_key", sent),
        variable("$sy_asked", "$sy_own_digest", [(at, f'"{_digest(value)}"') for at, _name, value in mine]),
        variable("$http_x_switchyard_key", "$sy_given_key", [('""', "$sy_own_key")], default="$http_x_switchyard_key"),
        variable("$http_x_switchyard_key", "$sy_digest", [('""', "$sy_own_digest")], default=f'"{_digest(key)}"'),
        # An application never sees them.
        "".join(f'proxy_set_header {header} "";\n' for header in hidden),
    ]
    return {KEYS: "\n".join(maps), KEY: "secure_link $sy_digest;\nsecure_link_md5 $sy_given_key;\n"}


def _digest(key: str) -> str:
    digest = hashlib.md5(key.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


# The parts of the configuration that are made here: for the whole of "http", and for the public server.
KEYS, KEY = "10-key.http", "10-key.server"
