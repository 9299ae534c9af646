# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates that Traefik serves."""

from __future__ import annotations

import ssl


def certificate_in(text: str) -> bytes:
    """Return the first certificate of a file as the bytes that a server shows of it."""
    return ssl.PEM_cert_to_DER_cert(text[text.index(ssl.PEM_HEADER) :].partition(ssl.PEM_FOOTER)[0] + ssl.PEM_FOOTER)


def public_key_of(name: str) -> str | None:
    """Return the stack that a file is of; None for the proxy's own."""
    return name[len("50-") : -len(".yml")] if name.startswith("50-") else None
