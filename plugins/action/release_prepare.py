# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of release_prepare: sends the files of a stack that the server does not have."""

from __future__ import annotations

import tempfile
import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.plugin_utils.source_tree import pack
from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_files import read_stack_files

ARCHIVE = "files.tar.gz"


class ActionModule(ActionBase):
    """Read the stack's files again, send what is missing in one archive, and run the module."""

    TRANSFERS_FILES = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the module's result."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        if args.get("mode", "deploy") == "deploy":
            given = args["stack"]
            stack = state_file.from_json(Stack, given["definition"])
            folder = Path(stack.source.path)
            files = read_stack_files(folder, stack, given["inventory_path"])
            if files.problems:
                return {**result, "failed": True, "msg": "\n".join(str(problem) for problem in files.problems)}
            args["stack"] = {**given, "sources": files.sources, "tree": files.tree}
            args["secrets"] = {**files.secrets, **args.get("secrets", {})}
            missing = args["stack"].pop("missing_files", [])
            if missing and not self._task.check_mode:
                args["archive"] = self._send(folder, files.tree, missing)
        result.update(
            self._execute_module(module_name="switchyard.stacks.release_prepare", module_args=args, task_vars=task_vars)
        )
        if self._connection._shell.tmpdir:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _send(self, folder: Path, tree: t.Mapping[str, str], blobs: t.Collection[str]) -> str:
        """Return the path on the server of an archive with these files."""
        remote_folder = self._connection._shell.tmpdir or self._make_tmp_path()
        with tempfile.TemporaryDirectory(prefix="switchyard-") as local:
            archive = Path(local, ARCHIVE)
            pack(folder, tree, blobs, archive)
            remote: str = self._connection._shell.join_path(remote_folder, ARCHIVE)
            self._transfer_file(str(archive), remote)
        self._fixup_perms2((remote_folder, remote))
        return remote
