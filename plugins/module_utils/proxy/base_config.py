# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's own part of the proxy's configuration: loaded by a reload, or written for the first start."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import atomic_file, paths
from .host import ProxyHost
from .process import process_for
from .state import ProxyPlan, ProxyState


@dataclass(frozen=True)
class BaseConfigResult:
    """What the module ``proxy_config`` returns; ``running`` is whether the proxy ran before."""

    changed: bool
    running: bool
    diff: t.Mapping[str, str]


def apply_base_config(host: ProxyHost, content: str, check_mode: bool) -> BaseConfigResult:
    """Make ``content`` the role's part of the configuration.

    Raises SwitchyardError when the running proxy refuses it; then nothing has changed.
    """
    folder = paths.proxy_folder(host.root) / "conf.d"
    if check_mode and not paths.proxy_settings(host.root).exists():
        # Before the first setup there is nothing to compare with.
        diff = {"before": "", "after": content, "before_header": str(folder), "after_header": str(folder)}
        return BaseConfigResult(True, False, diff)
    path = folder / host.proxy.own_file
    after = host.proxy.own_files(content)
    current = {name: atomic_file.read(folder / name) for name in after}
    before = {name: text for name, text in current.items() if text is not None}
    running = is_running(host)

    def plan(state: ProxyState) -> ProxyPlan:
        return ProxyPlan(state, state, after, before)

    changed = before != after
    if changed and not check_mode:
        if running:
            host.proxy.apply(plan)
        else:
            for name, text in host.proxy.first_files().items():
                if not (folder / name).exists():
                    host.proxy.write(folder / name, text)
            for name, text in after.items():
                host.proxy.write(folder / name, text)
    # The role's other files may be secret: "changed" is all that is shown of them.
    diff = {
        "before": before.get(path.name, ""),
        "after": content,
        "before_header": str(path),
        "after_header": str(path),
    }
    return BaseConfigResult(changed, running, diff)


def is_running(host: ProxyHost) -> bool:
    """Return whether the proxy runs now."""
    settings = atomic_file.read_json(paths.proxy_settings(host.root))
    return bool(settings) and process_for(settings, host.engine).is_up()
