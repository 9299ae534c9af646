# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converters from inventory values to their canonical form."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from . import canary_steps

# A name of a header (RFC 9110, 5.1: a token), and a value that a configuration file can hold as one line of text.
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$&'*+.^_`|~-]+\Z")
HEADER_VALUE = re.compile(r"[\x20-\x7e]*\Z")
SIZE = re.compile(r"(?P<number>\d+)(?P<unit>[kmg]?)\Z")


def _text(value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or str(value) == "":
        raise ValueError(value)
    return str(value)


def _boolean(value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _integer(value: t.Any) -> int:
    if isinstance(value, (bool, float)):
        raise ValueError(value)
    return int(value)


def _number(value: t.Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _list(convert: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.Any], tuple[t.Any, ...]]:
    def convert_all(value: t.Any) -> tuple[t.Any, ...]:
        if not isinstance(value, list) or not value:
            raise ValueError(value)
        return tuple(convert(item) for item in value)

    return convert_all


def _numbers(value: t.Any) -> tuple[int, ...]:
    return tuple(_integer(item) for item in (value if isinstance(value, list) else [value]))


def text_of(value: t.Any) -> str:
    """Return a value of a variable or a secret as text; a boolean is lower case, as in YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _variables(value: t.Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(value)
    return {str(name): text_of(item) for name, item in value.items()}


def _secret_names(value: t.Any) -> tuple[str, ...]:
    return tuple(sorted(_variables(value)))


def _steps(value: t.Any) -> str:
    text = ", ".join(map(_text, value)) if isinstance(value, list) else _text(value)
    canary_steps.parse_steps(text)
    return text


def _addresses(value: t.Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(value)
    return tuple(str(ipaddress.ip_network(_text(item), strict=False)) for item in value)


def _size(value: t.Any) -> int:
    match = SIZE.match(_text(value).lower())
    if not match:
        raise ValueError(value)
    return int(match["number"]) * 1024 ** ("", "k", "m", "g").index(match["unit"])


def _headers(value: t.Any) -> dict[str, str]:
    headers = _variables(value)
    if not all(HEADER_NAME.match(name) and HEADER_VALUE.match(text) for name, text in headers.items()):
        raise ValueError(value)
    # Names that differ in their case only are one header (RFC 9110, 5.1).
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError(value)
    return headers


def _allowances(value: t.Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise ValueError(value)
    lists = {_text(service): _list(_text)(items) for service, items in value.items()}
    # Words are separated by one space.
    return {service: tuple(dict.fromkeys(" ".join(item.split()) for item in items)) for service, items in lists.items()}


def _switches(value: t.Any) -> dict[str, bool]:
    if not isinstance(value, dict):
        raise ValueError(value)
    return {_text(name): _boolean(item) for name, item in value.items()}


def _possibly_empty(convert: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.Any], tuple[t.Any, ...]]:
    return lambda value: () if value == [] else _list(convert)(value)


TYPES: dict[str, tuple[t.Callable[[t.Any], t.Any], str]] = {
    "text": (_text, "a text"),
    "boolean": (_boolean, "true or false"),
    "integer": (_integer, "a whole number"),
    "number": (_number, "a number"),
    "texts": (_possibly_empty(_text), "a list of texts"),
    "command": (_list(_text), "a command as a list of words, as [python3, manage.py, migrate]"),
    "numbers": (_numbers, "a whole number or a list of them"),
    "variables": (_variables, "a mapping of names and values"),
    "secrets": (_secret_names, "a mapping of names and values"),
    "addresses": (_addresses, "a list of addresses or networks, as [192.0.2.7, 10.0.0.0/8]"),
    "size": (_size, "a size in bytes, or with k, m or g behind it, as 20m"),
    "headers": (_headers, "a mapping of header names, each once, and values in ASCII without line breaks"),
    "allowances": (_allowances, "a mapping of services and lists of texts, as {web: [docker_socket, /srv/media]}"),
    "switches": (_switches, "a mapping of services and true or false, as {db: true}"),
    "steps": (_steps, "steps of a canary, as 5/60s, 25/pause, 100"),
}


# The types of a value of an inventory; a bool is an int as well.
PLAIN = (bool, int, float, str, list, dict)


def shown(value: t.Any) -> str:
    """Return a value as a message may show it: its type, never a text that could be a secret."""
    # Ansible's values are of classes of its own, which are made from these.
    plain = next((kind.__name__ for kind in PLAIN if isinstance(value, kind)), type(value).__name__)
    return f"{plain} {value!r}" if isinstance(value, (int, float)) else f"a {plain}"


def listed(items: t.Iterable[t.Any]) -> str:
    """Return items for a message, separated by commas."""
    return ", ".join(str(item) for item in items)
