# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an environment has on a server and its inventory no longer has, each with the command that ends it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .. import names
from ..config.stack import Stack

# The labels of everything on a server, by kind and name.
NamesInUse = t.Mapping[tuple[str, str], t.Mapping[str, str]]

REMOVE_DATA = "-e remove_data=true"


@dataclass(frozen=True)
class LeftOver:
    """Something that no inventory describes: the stack that it is of, what it is, and the command that ends it.

    ``command`` is empty where the next release ends it.
    """

    stack: str
    message: str
    command: str


def stacks_left_over(
    in_use: NamesInUse,
    routes: t.Mapping[str, t.Sequence[str]],
    folders: t.Collection[str],
    owner: tuple[str, str],
    known: t.Collection[str],
    retire: str,
) -> list[LeftOver]:
    """Return the stacks of an environment that its inventory does not have.

    ``routes`` are the hosts and paths that the proxy knows and ``folders`` the stacks with releases, by stack;
    ``owner`` is the project and the environment, ``known`` the stacks of the inventory, ``retire`` the command that
    retires stacks, without their names.
    """
    found: dict[str, dict[str, list[str]]] = {name: {} for name in {*routes, *folders} if name not in known}
    for (kind, name), labels in in_use.items():
        project, stack, environment = names.owner(labels) or ("", "", "")
        if (project, environment) == owner and stack and stack not in known:
            found.setdefault(stack, {}).setdefault(kind, []).append(name)
    return [_stack(name, found[name], routes.get(name, ()), name in folders, retire) for name in sorted(found)]


def _stack(
    stack: str, found: t.Mapping[str, t.Sequence[str]], routes: t.Sequence[str], has_releases: bool, retire: str
) -> LeftOver:
    volumes = sorted(found.get("volume", ()))
    counts = {kind: len(found[kind]) for kind in ("container", "network") if kind in found}
    runs = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items()]
    if runs or routes or has_releases:
        parts = [f"routes {', '.join(routes)}"] if routes else []
        parts += [*runs, *([f"volumes {', '.join(volumes)}"] if volumes else [])]
        message = f"the stack {stack} is on this server and not in the inventory: {', '.join(parts) or 'its releases'}"
        return LeftOver(stack, message, f"{retire} -e stack={stack}")
    message = f"the stack {stack} is retired, and its data is kept: volumes {', '.join(volumes)}"
    return LeftOver(stack, message, f"{retire} -e stack={stack} {REMOVE_DATA}")


def containers_left_over(
    in_use: NamesInUse, stack: Stack, owner: tuple[str, str], releases: bool, is_locked: bool
) -> list[LeftOver]:
    """Return the accessories, workers and one-off commands of a stack that its definition does not have any more.

    ``releases``: this run releases the stack. ``is_locked``: a release of it runs, and with it its one-off commands.
    """
    found = []
    for (kind, name), labels in sorted(in_use.items()):
        if kind != "container" or names.owner(labels) != (owner[0], stack.name, owner[1]):
            continue
        role, service = (labels.get(names.LABEL + key, "") for key in ("role", "service"))
        command = f"docker stop {name} && docker rm {name}"
        if role == "accessory" and service not in stack.accessories:
            message = f"{stack.name} no longer has the accessory {service}, whose container {name} remains"
            if releases and stack.accessories:
                found.append(LeftOver(stack.name, f"{message}: this release removes it; its volumes are kept", ""))
            else:
                found.append(LeftOver(stack.name, f"{message}; its volumes are kept", command))
        elif role == "worker" and service not in stack.workers and not releases:
            message = f"{stack.name} no longer has the worker {service}, whose container {name} remains"
            found.append(LeftOver(stack.name, message, command))
        elif role == "job" and not is_locked:
            message = f"{name} is a one-off command of {stack.name} that no release waits for any more"
            found.append(LeftOver(stack.name, message, f"docker rm --force {name}"))
    return found
