# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""State files: dataclasses that programs keep as JSON on a server.

A state file holds a JSON object with the fields of a dataclass. A later version of this collection may add fields: an
older one keeps them in the field ``extra`` and writes them back.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from . import atomic_file
from .errors import SwitchyardError

State = t.TypeVar("State")

# The field of a state file's dataclass that holds what this version does not know.
EXTRA = "extra"

# The dataclass of every state file, by the file's name.
STATE_FILES: dict[str, type] = {}


def register(name: str) -> t.Callable[[type[State]], type[State]]:
    """Return the decorator that registers a dataclass as the content of the state files of this name.

    Raises TypeError for a dataclass without the field ``extra``.
    """

    def decorate(cls: type[State]) -> type[State]:
        _fields(cls)
        STATE_FILES[name] = cls
        return cls

    return decorate


def nested(cls: type) -> dict[str, t.Any]:
    """Return the metadata of a dataclass field that holds an instance of another dataclass, or None."""
    return {"class": cls}


def nested_items(cls: type) -> dict[str, t.Any]:
    """Return the metadata of a dataclass field that holds a tuple of instances of another dataclass."""
    return {"items": cls}


def save(path: Path, value: t.Any, mode: int = 0o600) -> None:
    """Write a dataclass as a state file."""
    atomic_file.write_json(path, as_json(value), mode)


def load(path: Path, cls: type[State]) -> State | None:
    """Return the dataclass that a state file holds, or None without a whole file.

    Raises SwitchyardError when the content is not an object or lacks a field that has no default.
    """
    content = atomic_file.read_json(path)
    if content is None:
        return None
    try:
        return from_json(cls, content)
    except (TypeError, ValueError) as error:
        raise SwitchyardError(f"{path} cannot be read: {error}. Restore or remove this file.") from None


def not_in_json() -> dict[str, t.Any]:
    """Return the metadata of a dataclass field that ``as_json`` leaves out."""
    return {"json": False}


def when_set() -> dict[str, t.Any]:
    """Return the metadata of a dataclass field that ``as_json`` leaves out while it is None."""
    return {"when_set": True}


def as_json(value: t.Any) -> t.Any:
    """Return a value for JSON: dataclasses become dictionaries, with the content of ``extra`` among their fields.

    The properties that a dataclass names in ``JSON_PROPERTIES`` are among its fields too.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [item.name for item in dataclasses.fields(value) if _is_shown(item, value)]
        known = {name: as_json(getattr(value, name)) for name in (*fields, *getattr(value, "JSON_PROPERTIES", ()))}
        return {**known.pop(EXTRA, {}), **known}
    if isinstance(value, t.Mapping):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value


def _is_shown(item: dataclasses.Field[t.Any], value: t.Any) -> bool:
    if item.metadata.get("when_set") and getattr(value, item.name) is None:
        return False
    return bool(item.metadata.get("json", True))


def from_json(cls: type[State], content: t.Any) -> State:
    """Return the dataclass with these fields; the unknown ones are in its ``extra``.

    Raises ValueError when the content is not an object, TypeError when it lacks a field that has no default.
    """
    if not isinstance(content, dict):
        raise ValueError(f"expected an object with the fields of {cls.__name__}, got {type(content).__name__}")
    known = _fields(cls)
    values = {}
    for key, value in content.items():
        if key in known and key != EXTRA:
            values[key] = _value_of(known[key].metadata, value)
    result: State = t.cast(t.Any, cls)(
        **values, extra={key: value for key, value in content.items() if key not in values}
    )
    return result


def _value_of(metadata: t.Mapping[str, t.Any], value: t.Any) -> t.Any:
    """Return the value of a field from JSON, which knows neither dataclasses nor tuples."""
    if value is None:
        return None
    if "class" in metadata:
        return from_json(metadata["class"], value)
    if "items" in metadata:
        return tuple(from_json(metadata["items"], item) for item in value)
    if metadata.get("tuples"):
        return {key: tuple(items) for key, items in value.items()}
    return tuple(value) if metadata.get("tuple") else value


def _fields(cls: type) -> dict[str, dataclasses.Field[t.Any]]:
    fields = {item.name: item for item in dataclasses.fields(cls)}
    if EXTRA not in fields:
        raise TypeError(f"{cls.__name__} has no field {EXTRA} for what a later version writes")
    return fields
