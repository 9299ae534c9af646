# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of release: sends files and images that the server does not have, and prints what was done."""

from __future__ import annotations

import functools
import tempfile
import time
import typing as t
from pathlib import Path

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.switchyard.stacks.plugins.module_utils import names, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_build
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.registry_login import logins_of
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import EXECUTABLE, FILE
from ansible_collections.switchyard.stacks.plugins.plugin_utils import build_sender, image_archive, release_report
from ansible_collections.switchyard.stacks.plugins.plugin_utils.failure import failure
from ansible_collections.switchyard.stacks.plugins.plugin_utils.play_folder import play_folder
from ansible_collections.switchyard.stacks.plugins.plugin_utils.progress import (
    ProgressAction,
    bytes_shown,
    lines_shown,
    received,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.source_tree import pack
from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_files import read_stack_files

ARCHIVE = "files.tar.gz"
BUILDS = "builds.tar.gz"

CONTINUES = (
    "A release that has begun is finished or reverted on the server without this connection; status.yml shows it."
)

# The kinds of entries of a source tree that are files.
CONTENT = (FILE, EXECUTABLE)

display = Display()


class ActionModule(ProgressAction):
    """Read the stack's files again, send what is missing in one archive, run the module, and print the summary."""

    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_async = False
    releases = True

    @property
    def stack(self) -> str:
        """The name of the stack."""
        return str(self._task.args["stack"]["definition"]["name"])

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the module's result; a failure has the cause and what was reverted in one message."""
        task_vars = task_vars or {}
        result: dict[str, t.Any] = ActionBase.run(self, tmp, task_vars)
        args = dict(self._task.args)
        back = args.pop("back", "")
        args = self._with_files(args, task_vars)
        try:
            with self.progress_shown(task_vars):
                result.update(
                    self._execute_module(module_name="switchyard.stacks.release", module_args=args, task_vars=task_vars)
                )
        except AnsibleConnectionFailure as error:
            raise AnsibleConnectionFailure(f"{error} {CONTINUES}") from error
        if self._connection._shell.tmpdir:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        if result.pop("failed", False):
            known = {key: value for key, value in result.items() if key not in ("msg", "exception", "invocation")}
            raise failure(release_report.failure_message(result, self.stack, args["environment"]), **known)
        if not self._task.check_mode:
            result["summary"] = release_report.summary(result, self.stack, args["environment"], back)
            for line in result["summary"]:
                display.display(f"{self.host_prefix(task_vars)}{line}")
        return result

    def _with_files(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return the module's options with the files of the stack, after what the server does not have was sent."""
        builds = args.pop("builds", None)
        given = {key: value for key, value in args["stack"].items() if key != "missing_files"}
        missing = args["stack"].get("missing_files", [])
        args["stack"] = given
        if args.get("mode", "deploy") != "deploy":
            return args
        stack = state_file.from_json(Stack, given["definition"])
        folder = Path(stack.source.path or ".")
        files = read_stack_files(folder, stack, given["inventory_path"])
        if files.problems:
            raise failure("\n".join(str(problem) for problem in files.problems))
        args["stack"] = {**given, "sources": files.sources, "tree": files.tree}
        args["secrets"] = {**files.secrets, **args.get("secrets", {})}
        blobs = {entry for entry in files.tree.values() if entry[0] in CONTENT}
        # A file changed since preflight, or Ansible has masked a short secret in its digest.
        missing = missing if blobs.issuperset(missing) else sorted(blobs)
        if missing and not self._task.check_mode:
            args["archive"] = self._send(
                ARCHIVE, "send_files", lambda archive: pack(folder, files.tree, missing, archive), task_vars
            )
        if builds and not self._task.check_mode:
            args["build_archive"] = self._send_builds(stack, builds, args, task_vars)
        return args

    def _send_builds(
        self, stack: Stack, builds: dict[str, t.Any], args: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> str:
        """Return the path on the server of an archive with the source of images, or with the images."""
        logins = logins_of(args.get("registries") or [])
        request = build_sender.BuildRequest.from_result(builds, args["secrets"], logins)
        whose = f"{stack.name} ({args['environment']})"
        labels = names.labels(project=args["project"], stack=stack.name)
        built_here, first = stack.build_on == "controller", self.progress_seconds(task_vars)
        shown = functools.partial(bytes_shown, stack.name, args["environment"], first=first)

        def write(archive: Path) -> None:
            begin = time.monotonic()
            if built_here:
                log = archive.with_suffix(".log")
                log.touch(mode=0o600)

                def line(passed: float) -> str:
                    step = compose_build.step_of(log)
                    return f"{whose}: building images: {f'{step}, ' if step else ''}{passed:.0f} s"

                with lines_shown(line, first):
                    found = build_sender.build_here(request, labels, play_folder(), log)
                for built in found:
                    seconds = time.monotonic() - begin
                    display.display(f"{whose}: built {built.image} in {seconds:.0f} s", stderr=True)
                size = build_sender.pack_images(request, self._known_layers(), archive, shown)
                what = ", ".join(image.image for image in request.images)
            else:
                size = build_sender.pack_source(request, archive)
                what = f"the source of {', '.join(image.service for image in request.images)}"
            display.display(f"{whose}: sending {what} ({size / 2**20:,.1f} MiB)", stderr=True)

        try:
            return self._send(BUILDS, "send_images" if built_here else "send_files", write, task_vars)
        except SwitchyardError as error:
            raise AnsibleActionFail(f"{error} Users still have the version that was live before.") from error

    def _known_layers(self) -> frozenset[image_archive.Chain]:
        """Return the layers of images that the server has; none where it does not say."""
        answer = self._low_level_execute_command(image_archive.LAYERS_COMMAND)
        return image_archive.known_layers(answer["stdout"]) if answer["rc"] == 0 else frozenset()

    def _send(self, name: str, step: str, write: t.Callable[[Path], t.Any], task_vars: dict[str, t.Any]) -> str:
        """Return the path on the server of a file that ``write`` has written here; show the progress of the step."""
        remote_folder = self._connection._shell.tmpdir or self._make_tmp_path()
        with tempfile.TemporaryDirectory(prefix="switchyard-", dir=play_folder()) as local:
            file = Path(local, name)
            write(file)
            remote: str = self._connection._shell.join_path(remote_folder, name)
            with self.progress_shown(task_vars, received(remote, file.stat().st_size, step)):
                self._transfer_file(str(file), remote)
        self._fixup_perms2((remote_folder, remote))
        return remote
