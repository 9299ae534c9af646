# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running containers of a stack by the names that users know: their logs, and a command in one of them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from ..engine.models import Container
from ..errors import SwitchyardError, sentence
from ..near_name import did_you_mean
from . import access_lines
from .context import StackContext

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class ContainerLog:
    """The log lines of a container, the oldest first."""

    name: str
    state: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class CommandOutcome:
    """A command in a container: its exit code and its output; ``rc`` is None when nothing was run."""

    container: str
    interactive: str
    rc: int | None = None
    lines: tuple[str, ...] = ()


def parse_duration(text: str) -> int:
    """Return the seconds of a duration such as ``10m``. Raises SwitchyardError for anything else."""
    match = re.fullmatch(r"(\d+)([smhd])", text.strip())
    if not match:
        hint = "Write a number with s, m, h or d: 10m."
        raise SwitchyardError(f"since is '{text}', which is not a duration.", hint=hint)
    return int(match[1]) * UNITS[match[2]]


def containers_of(ctx: StackContext, service: str | None, color: str | None = None) -> list[Container]:
    """Return the containers of a service, or of all services: one color, workers and accessories.

    ``color`` is the live one unless it is given. Raises SwitchyardError when the stack has none.
    """
    everything = ctx.containers()
    color = color or ctx.live() or ""
    shown = [item for item in everything if item.label("color") in ("", color) and item.label("role") != "job"]
    services = sorted({item.label("service") for item in shown} - {""})
    if not shown:
        raise SwitchyardError(
            f"{ctx.stack} ({ctx.environment}) has no containers on this server.", hint="Deploy it with deploy.yml."
        )
    if service is None:
        return sorted(shown, key=lambda item: item.name)
    found = sorted((item for item in shown if item.label("service") == service), key=lambda item: item.name)
    if not found:
        hint = did_you_mean(service, services, f"Its services are: {', '.join(services)}")
        message = f"{ctx.stack} ({ctx.environment}) has no container of a service '{service}'."
        raise SwitchyardError(message, hint=sentence(hint))
    return found


def read_logs(
    ctx: StackContext, service: str | None, color: str | None, since: float, lines: int
) -> list[ContainerLog]:
    """Return the newest lines of each container, and the newest requests in the log of the proxy.

    ``since`` is in seconds since the epoch.
    """
    found = containers_of(ctx, service, color)
    requests = access_lines.request_lines(ctx, service, color, since, lines)
    return [
        *(
            ContainerLog(
                one.name, one.state, tuple(ctx.engine.logs(one.name, lines, since=int(since), timestamps=True))
            )
            for one in found
        ),
        ContainerLog(f"requests of {ctx.key}", "the proxy's access log", tuple(requests)),
    ]


def run_command(ctx: StackContext, service: str, command: str) -> CommandOutcome:
    """Run a command in a running container of a service; an empty one runs nothing.

    Raises SwitchyardError when no container runs, and when the command ends with another exit code than 0.
    """
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise SwitchyardError(f"The command {command!r} cannot be split: {error}.", hint="Close each quote.") from None
    found = containers_of(ctx, service)
    running = [item for item in found if item.running]
    if not running:
        states = ", ".join(f"{item.name} is {item.state}" for item in found)
        raise SwitchyardError(f"No container of '{service}' runs: {states}.", hint="Look at logs.yml, or deploy again.")
    name = running[0].name
    interactive = f"docker exec -it {name} sh"
    if not argv:
        return CommandOutcome(name, interactive)
    code, output = ctx.engine.exec(name, argv)
    lines = output.splitlines()
    if code:
        raise SwitchyardError(
            f"'{command}' in {name} ended with exit code {code}.",
            container=name,
            interactive=interactive,
            rc=code,
            lines=lines,
            logs={name: lines[-20:]},
        )
    return CommandOutcome(name, interactive, code, tuple(lines))
