"""How the tests of preflight prepare a server with a mistake."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine

Arrange = Callable[[Machine], t.Any]


def set_attribute(path: str, value: t.Any) -> Arrange:
    """Return the step that replaces an attribute of a machine's engine or proxy, as ``proxy.serves_files``."""
    part, name = path.split(".")
    return lambda machine: setattr(getattr(machine, part), name, value)


def fails(error: Exception) -> Callable[..., t.NoReturn]:
    """Return a function that raises an error."""

    def fail(*_args: t.Any) -> t.NoReturn:
        raise error

    return fail
