# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords that are made on the server and never leave it: what leaves it is the verifier that PostgreSQL keeps."""

from __future__ import annotations

import os
import secrets
import typing as t
from pathlib import Path

from .. import atomic_file
from ..errors import SwitchyardError
from . import scram


def password_path(folder: Path, login: str) -> Path:
    """Return the file of a login's password below the folder of PostgreSQL."""
    return folder / "logins" / f"{login}.key"


def missing(folder: Path, logins: t.Iterable[str]) -> list[str]:
    """Return the logins that have no password yet."""
    return [login for login in logins if not atomic_file.read(password_path(folder, login))]


def create(folder: Path, logins: t.Iterable[str]) -> None:
    """Make the passwords of logins, each in a file that only root can read.

    They lie where the server of this collection has its configuration: so it sees whether they are there. Raises
    SwitchyardError where something else has the place.
    """
    real = folder / "conf" / "logins"
    for one, mode in ((folder, 0o700), (folder / "conf", 0o755), (real, 0o755)):
        if not one.is_dir():
            one.mkdir(parents=True)
            one.chmod(mode)
    short = folder / "logins"
    if not short.is_symlink() and short.exists():
        raise SwitchyardError(f"{short} is not the link to {real} that it has to be. Move it away and start again.")
    if not short.is_symlink():
        os.symlink("conf/logins", short)
        atomic_file.sync_folder(folder)
    for login in logins:
        atomic_file.write(password_path(folder, login), secrets.token_urlsafe(30), 0o600)


def verifiers(folder: Path, logins: t.Iterable[str]) -> dict[str, str]:
    """Return what proves the passwords of those logins that have one."""
    found = {login: atomic_file.read(password_path(folder, login)) for login in logins}
    return {login: scram.verifier(word, login) for login, word in found.items() if word}
