# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords that are generated on the server and never leave it; only their SCRAM verifiers do."""

from __future__ import annotations

import os
import secrets
import typing as t
from pathlib import Path

from .. import atomic_file
from ..errors import SwitchyardError
from . import scram


def password_path(folder: Path, login: str) -> Path:
    """Return the password file of a login, below PostgreSQL's folder."""
    return folder / "logins" / f"{login}.key"


def missing(folder: Path, logins: t.Iterable[str]) -> list[str]:
    """Return the logins without a password file."""
    return [login for login in logins if not atomic_file.read(password_path(folder, login))]


def create(folder: Path, logins: t.Iterable[str]) -> None:
    """Generate passwords, each in a file that only root can read.

    The files are stored in the server's configuration folder, where PostgreSQL can list them without reading them.
    Raises SwitchyardError when ``logins`` is not the link to that folder.
    """
    target = folder / "conf" / "logins"
    for path, mode in ((folder, 0o700), (folder / "conf", 0o755), (target, 0o755)):
        if not path.is_dir():
            path.mkdir(parents=True)
            path.chmod(mode)
    link = folder / "logins"
    if not link.is_symlink() and link.exists():
        raise SwitchyardError(f"{link} is not the link to {target} that it has to be. Move it away and start again.")
    if not link.is_symlink():
        os.symlink("conf/logins", link)
        atomic_file.sync_folder(folder)
    for login in logins:
        atomic_file.write(password_path(folder, login), secrets.token_urlsafe(30), 0o600)


def verifiers(folder: Path, logins: t.Iterable[str]) -> dict[str, str]:
    """Return the SCRAM verifiers of the logins that have a password file."""
    passwords = {login: atomic_file.read(password_path(folder, login)) for login in logins}
    return {login: scram.verifier(password, login) for login, password in passwords.items() if password}
