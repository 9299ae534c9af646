# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls a module of this collection from the code that the server stores. For the controller only.

The way of Ansible stays the second way: for a server without the code in check mode, for a user who cannot write
there, and for tasks with ``async``.
"""

from __future__ import annotations

import functools
import tarfile
import tempfile
import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase

from ansible_collections.switchyard.stacks.plugins.module_utils import code_cache
from ansible_collections.switchyard.stacks.plugins.plugin_utils.play_folder import play_folder

COLLECTION = Path(__file__).resolve().parent.parent.parent
LAUNCHER = "switchyard.stacks.cached_module"
OURS = "switchyard.stacks."


@functools.lru_cache(maxsize=1)
def code_digest() -> str:
    """Return the digest of this checkout's modules."""
    return code_cache.digest_of(COLLECTION)


def pack_code(archive: Path) -> None:
    """Write the code of the modules to an archive."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in code_cache.code_files(COLLECTION):
            tar.add(path, path.relative_to(COLLECTION).as_posix(), recursive=False)


class CachedModuleAction(ActionBase):
    """An action whose module runs from the code that the server stores."""

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, t.Any] | None = None,
        *positional: t.Any,
        **options: t.Any,
    ) -> dict[str, t.Any]:
        """Return the module's result."""
        execute = super()._execute_module
        name = module_name or self._task.resolved_action or self._task.action
        if self._task.async_val or not name.startswith(OURS):
            return t.cast("dict[str, t.Any]", execute(module_name, module_args, *positional, **options))
        arguments = self._task.args if module_args is None else module_args
        call = {"digest": code_digest(), "name": name[len(OURS) :], "arguments": dict(arguments)}
        result: dict[str, t.Any] = execute(LAUNCHER, dict(call), *positional, **options)
        if result.get("code_missing") and result.get("can_store"):
            result = execute(LAUNCHER, {**call, "archive": self._send_code()}, *positional, **options)
        if result.get("code_missing"):
            return t.cast("dict[str, t.Any]", execute(module_name, module_args, *positional, **options))
        return result

    def _send_code(self) -> str:
        """Return the path on the server of an archive with the code."""
        remote_folder = self._connection._shell.tmpdir or self._make_tmp_path()
        with tempfile.TemporaryDirectory(prefix="switchyard-", dir=play_folder()) as local:
            archive = Path(local, "code.tar.gz")
            pack_code(archive)
            remote: str = self._connection._shell.join_path(remote_folder, archive.name)
            self._transfer_file(str(archive), remote)
        self._fixup_perms2((remote_folder, remote))
        return remote
