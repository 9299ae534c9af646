# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy's own part of its configuration: put in place by a reload, or for the first start."""

from __future__ import annotations

import typing as t

from .. import files
from ..place import Server
from ..running import running as running_of
from . import Plan, State


def configure(server: Server, content: str, only_look: bool) -> dict[str, t.Any]:
    """Make ``content`` the proxy's own configuration; return what a module says of it.

    Raises SwitchyardError when the running proxy refuses it; then nothing changed.
    """
    folder = server.root / "proxy"
    if only_look and not (folder / "proxy.json").exists():
        # Before the first setup there is nothing to compare with.
        diff = {"before": "", "after": content, "before_header": str(folder), "after_header": str(folder)}
        return {"changed": True, "running": False, "diff": diff}
    path = folder / "conf.d" / server.proxy.own_file
    before = files.read(path)
    running = is_running(server)

    def plan(state: State) -> Plan:
        return Plan(state, state, {path.name: content}, {path.name: before} if before is not None else {})

    changed = before != content
    if changed and not only_look:
        if running:
            server.proxy.apply(plan)
        else:
            for name, text in server.proxy.first_files().items():
                if not (path.parent / name).exists():
                    files.write(path.parent / name, text)
            files.write(path, content)
    diff = {"before": before or "", "after": content, "before_header": str(path), "after_header": str(path)}
    return {"changed": changed, "running": running, "diff": diff}


def is_running(server: Server) -> bool:
    """Return whether the proxy runs now."""
    settings = files.read_json(server.root / "proxy" / "proxy.json")
    return bool(settings) and running_of(settings, server.engine).is_up()
