"""Cases of preflight checks: a server or a stack with a mistake, and the problem that a check returns."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

Arrange = Callable[[Machine], t.Any]

VOLUMES = {**normalised(), "volumes": {"static": {}, "media": {}, "shared": {"name": "all", "external": True}}}


def nothing(_machine: Machine) -> None:
    """Leave the server as it is."""


class StackCase(t.NamedTuple):
    """A stack with a mistake, and the problem that the check returns: where (in the stack), message, hint and code."""

    spec: StackInput
    where: str
    message: str
    hint: str
    code: str
    arrange: Arrange = nothing


def set_attribute(path: str, value: t.Any) -> Arrange:
    """Return the step that replaces an attribute of a machine's engine or proxy, as ``proxy.serves_files``."""
    part, name = path.split(".")
    return lambda machine: setattr(getattr(machine, part), name, value)


def fails(error: Exception) -> Callable[..., t.NoReturn]:
    """Return a function that raises an error."""

    def fail(*_args: t.Any) -> t.NoReturn:
        raise error

    return fail


def other_volume(**labels: str) -> Arrange:
    return lambda machine: machine.engine.ensure_volume("po-shop-static-prod", "local", {}, names.labels(**labels))
