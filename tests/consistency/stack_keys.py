"""The table of a stack's keys in roles/stack/README.md: key, type and default are made from the schema.

python tests/consistency/stack_keys.py          rewrite the table; the meanings stay, which are written by hand
"""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = "roles/stack/README.md"
HEAD = ["| key | type | default | meaning |", "|---|---|---|---|"]
ROW = re.compile(r"^\| `([^`]+)` \|.*\| ([^|]*) \|$")

TYPES = {
    "addresses": "list of networks",
    "allowances": "mapping",
    "command": "list of words",
    "headers": "mapping",
    "mappings": "list",
    "numbers": "integer or list",
    "secrets": "mapping",
    "steps": "steps",
    "switches": "mapping",
    "texts": "list of texts",
    "variables": "mapping",
}


def schema() -> t.Any:
    """The module that defines the keys of a stack."""
    sys.path.insert(0, str(ROOT / ".collections"))
    from ansible_collections.switchyard.stacks.plugins.module_utils.config import schema as module

    return module


def stack_class() -> type:
    """The dataclass whose fields are the keys of a stack."""
    sys.path.insert(0, str(ROOT / ".collections"))
    from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack

    return Stack


def default_of(field: t.Any) -> str:
    """A default as the inventory would write it."""
    if field.default is schema().REQUIRED:
        return "required"
    if field.default is None:
        return "none"
    if TYPES.get(field.type_name, field.type_name) == "mapping":
        return "`{}`"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    if isinstance(field.default, (list, tuple)):
        return f"`[{', '.join(map(str, field.default))}]`"
    return f"`{field.default}`"


def type_of(field: t.Any) -> str:
    """A type in words, with the least value."""
    text = TYPES.get(field.type_name, field.type_name)
    if field.choices:
        text = ", ".join(f"`{choice}`" for choice in field.choices)
    if field.switch:
        text += ", `true` or `false`"
    return text if field.least is None else f"{text}, at least {field.least:g}"


def keys(cls: type, prefix: str = "") -> t.Iterator[tuple[str, t.Any]]:
    """Yield the path of every key and its field, outer ones first: routes, routes[].service, routes[].health.path."""
    for name, field in schema().keys_of(cls).items():
        yield f"{prefix}{name}", field
        if field.cls:
            yield from keys(field.cls, f"{prefix}{name}{'[]' if field.type_name == 'mappings' else ''}.")


def meanings(text: str) -> dict[str, str]:
    """Key and meaning of each row that a README holds now."""
    rows = (ROW.match(line) for line in text.splitlines())
    return {row[1]: row[2].strip() for row in rows if row}


def table(text: str) -> list[str]:
    """The lines of the table, with the meanings from a README's text."""
    known = meanings(text)
    return HEAD + [
        f"| `{key}` | {type_of(field)} | {default_of(field)} | {known.get(key, '')} |"
        for key, field in keys(stack_class())
    ]


def written(text: str) -> list[str]:
    """The lines of the table that a README holds now."""
    lines = text.splitlines()
    if HEAD[0] not in lines:
        return []
    start = lines.index(HEAD[0])
    end = next((number for number in range(start, len(lines)) if not lines[number].startswith("|")), len(lines))
    return lines[start:end]


def main() -> None:
    file = ROOT / README
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("\n".join(written(text)), "\n".join(table(text))), encoding="utf-8")


if __name__ == "__main__":
    main()
