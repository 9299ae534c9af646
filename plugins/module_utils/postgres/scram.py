# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SCRAM-SHA-256 password verifiers as PostgreSQL stores them."""

from __future__ import annotations

import base64
import hashlib
import hmac

# PostgreSQL's default (scram_iterations); a higher number slows down every new connection.
SCRAM_ITERATIONS = 4096


def verifier(password: str, user: str) -> str:
    """Return the SCRAM verifier of a login's password.

    The salt is derived from the login's name and not random: the same password gives the same verifier, so a second
    run sees that nothing changed. Raises ValueError for characters outside printable ASCII, which would need SASLprep
    (RFC 4013).
    """
    if not password.isascii() or not password.isprintable() or not password:
        raise ValueError(f"the password of {user} must be printable ASCII characters, at least one")
    return scram_sha_256(password, hashlib.sha256(f"switchyard {user}".encode()).digest()[:16])


def scram_sha_256(password: str, salt: bytes) -> str:
    """Return a SCRAM verifier in the format of ``pg_authid.rolpassword`` (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.new(salted, b"Client Key", hashlib.sha256).digest()).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{salt64}${stored64}:{server64}"
