# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all environments of a server share, who set it, and what another inventory may change of it. Pure.

A server has parts that its environments share: the proxy, PostgreSQL, Redis where it is shared. The variables of a part
belong to the server. The first inventory sets them; an environment that says something else is refused while another
one uses the part, unless its operator accepts the change.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field, replace

from .. import paths, state_file
from ..errors import Problem

# Values by variable, by part.
Settings = t.Mapping[str, t.Mapping[str, t.Any]]

# The parts of a server with the role that sets each up.
PARTS = ("proxy", "postgres", "redis", "networks")

ACCEPT = "-e accept_server_change=true"

# A release of an environment is made for these: with another value it would be made for another proxy.
OF_RELEASES = frozenset(
    {
        "proxy_provider",
        "proxy_install",
        "proxy_behind_traefik",
        "proxy_http_address",
        "proxy_http_port",
        "proxy_https_address",
        "proxy_https_port",
    }
)

EFFECTS = {
    "proxy": (
        "the proxy loads another configuration, and is replaced where its image, ports, memory or user change: "
        "requests fail then"
    ),
    "postgres": "PostgreSQL is recreated: no database answers for some seconds, and open connections end",
    "redis": "Redis is recreated: it does not answer for about a second, and open connections end",
    "networks": "new networks have other addresses",
}


@dataclass(frozen=True)
class ServerSetting:
    """The value of a variable on a server, and who set it: project, environment, operator, seconds since the epoch."""

    part: str
    variable: str
    value: t.Any
    project: str
    environment: str
    by: str
    at: float
    extra: dict[str, t.Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Who set it and when, for messages."""
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(self.at))
        return f"{self.environment} ({self.by}, {when} UTC)"


@state_file.register(paths.SERVER)
@dataclass(frozen=True)
class ServerState:
    """The shared settings of a server, and the environments that use each part, as ``<project>/<environment>``."""

    settings: tuple[ServerSetting, ...] = field(default=(), metadata=state_file.nested_items(ServerSetting))
    users: dict[str, tuple[str, ...]] = field(default_factory=dict, metadata={"tuples": True})
    extra: dict[str, t.Any] = field(default_factory=dict)

    def parts_of(self, project: str, environment: str) -> tuple[str, ...]:
        """Return the parts that an environment uses."""
        return tuple(part for part in PARTS if f"{project}/{environment}" in self.users.get(part, ()))

    def others(self, part: str, project: str, environment: str) -> tuple[str, ...]:
        """Return the names of the other environments that use a part."""
        own = f"{project}/{environment}"
        return tuple(
            user.partition("/")[2] if user.startswith(f"{project}/") else user
            for user in self.users.get(part, ())
            if user != own
        )


@dataclass(frozen=True)
class SettingsRequest:
    """An inventory that is applied to a server: its environment, its operator, the time, and its settings by part.

    ``accepts``: the operator accepts what it changes for others. ``unset`` are variables that the inventory does not
    set: their value is the role's default.
    """

    project: str
    environment: str
    by: str
    at: float
    settings: Settings
    accepts: bool = False
    unset: frozenset[str] = frozenset()


@dataclass(frozen=True)
class SettingDifference:
    """A variable with another value on the server than in an environment's inventory, and who else uses its part."""

    before: ServerSetting
    value: t.Any
    environment: str
    others: tuple[str, ...]
    is_default: bool = False

    @property
    def message(self) -> str:
        """What differs, with both values and who uses the server's."""
        default = ", the default, because the inventory does not set it" if self.is_default else ""
        used = f"; {' and '.join(self.others)} use{'s' if len(self.others) == 1 else ''} it" if self.others else ""
        server = f"{shown(self.before.value)} on the server, set by {self.before.origin}"
        return f"it is {shown(self.value)} in {self.environment}{default}, and {server}{used}"

    @property
    def problem(self) -> Problem:
        """The problem of an inventory that may not change this."""
        hint = (
            f"Write {self.before.variable}: {shown(self.before.value)}, best in one file for all inventories of the "
            f"server, or run setup.yml with {ACCEPT} after a look at what it does to {' and '.join(self.others)}: "
            f"{EFFECTS[self.before.part]}"
        )
        return Problem(self.before.variable, self.message, hint, "server.setting_differs")

    @property
    def effect(self) -> str:
        """What applying it does, and to whom."""
        change = f"{self.before.variable}: {shown(self.before.value)} -> {shown(self.value)}"
        whom = f", for {' and '.join(self.others)} too, whose inventories need it before their next setup.yml"
        return f"{change}{whom if self.others else ''}: {EFFECTS[self.before.part]}"


@dataclass(frozen=True)
class SettingsPlan:
    """The state of a server after an inventory is applied, and where the inventory differs from it before.

    ``problems`` prevent that it is applied.
    """

    before: ServerState
    after: ServerState
    differences: tuple[SettingDifference, ...]
    problems: tuple[Problem, ...]

    @property
    def changed(self) -> bool:
        """Whether the state changes."""
        return self.after != self.before

    def diff(self) -> dict[str, str]:
        """Return what changes, as Ansible shows it."""
        return {"before": _lines(self.before), "after": _lines(self.after)}


def plan(state: ServerState, request: SettingsRequest) -> SettingsPlan:
    """Return what an inventory changes of the server's state; its ``after`` has only what was applied."""
    own = f"{request.project}/{request.environment}"
    settings = {(one.part, one.variable): one for one in state.settings}
    users = dict(state.users)
    differences: list[SettingDifference] = []
    for part, values in request.settings.items():
        others = state.others(part, request.project, request.environment)
        users[part] = tuple(sorted({*users.get(part, ()), own}))
        for variable, value in values.items():
            existing = settings.get((part, variable))
            if existing and plain(existing.value) == plain(value):
                continue
            if existing:
                differences.append(
                    SettingDifference(existing, value, request.environment, others, variable in request.unset)
                )
            who = (request.project, request.environment, request.by, request.at)
            extra = existing.extra if existing else {}
            settings[part, variable] = ServerSetting(part, variable, value, *who, extra)
    problems = () if request.accepts else tuple(one.problem for one in differences if one.others)
    after = replace(state, settings=tuple(settings[key] for key in sorted(settings)), users=users)
    return SettingsPlan(state, after, tuple(differences), problems)


def without(state: ServerState, project: str, environment: str) -> ServerState:
    """Return the state of a server that an environment has left."""
    own = f"{project}/{environment}"
    users = {part: tuple(user for user in users if user != own) for part, users in state.users.items()}
    return replace(state, users={part: names for part, names in users.items() if names})


def plain(value: t.Any) -> t.Any:
    """Return a value as it is compared: ``-e`` gives texts for numbers, and the order of a list has no meaning."""
    if isinstance(value, t.Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return sorted((plain(item) for item in value), key=repr)
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown(value: t.Any) -> str:
    """Return a value for messages, as an inventory has it."""
    if isinstance(value, t.Mapping):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(shown, value))}]"
    return (str(value).lower() if isinstance(value, bool) else str(value)) or '""'


def _lines(state: ServerState) -> str:
    values = [f"{one.variable}: {shown(one.value)}  (set by {one.origin})" for one in state.settings]
    users = [f"{part} is used by {', '.join(names)}" for part, names in sorted(state.users.items())]
    return "".join(f"{line}\n" for line in [*values, *users])
