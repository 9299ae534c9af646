# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of YAML with comments, as a user would write them. Pure."""

from __future__ import annotations

import json
import re
import textwrap
import typing as t

import yaml

WIDTH = 110

# What Ansible would take for a template.
TEMPLATES = ("{{", "{%", "{#")


def scalar(value: t.Any) -> str:
    """Return a number or a text as YAML; a text is never a template, although it may look like one."""
    text = str(value)
    if isinstance(value, int):
        return text
    tag = "!unsafe " if any(sign in text for sign in TEMPLATES) else ""
    return tag + quoted(text)


def quoted(text: str) -> str:
    """Return a text as YAML, in quotation marks where it needs them. A template in it stays one."""
    plain = yaml.safe_dump(text, width=10**6, allow_unicode=True).removesuffix("\n...\n").strip()
    # In a flow sequence, these separate items.
    is_plain = plain == text and not any(sign in text for sign in (",", "[", "]", "{", "}", ": ", " #"))
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def sequence(values: t.Iterable[t.Any]) -> str:
    """Return texts and numbers as a YAML sequence on one line."""
    return f"[{', '.join(map(scalar, values))}]"


_YAML = re.compile(r"\w+: (?:\[\{[^\]]*\]|\{[^}]*\})")
_SPACE = "\x01"


class YamlLines:
    """A file that grows line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = ["---"]

    def add(self, indent: int, *lines: str) -> None:
        """Add lines; ``indent`` is the number of spaces."""
        self.lines += [f"{' ' * indent}{line}" for line in lines]

    def comment(self, indent: int, *paragraphs: str) -> None:
        """Add comments, wrapped, each with a full stop."""
        for text in paragraphs:
            full = " ".join(text.split())
            full = full if full.endswith((".", ":", "?")) else f"{full}."
            # A piece of YAML is not wrapped.
            whole = _YAML.sub(lambda found: found[0].replace(" ", _SPACE), full)
            wrapped = textwrap.wrap(whole, WIDTH - indent - 2, break_long_words=False, break_on_hyphens=False)
            self.add(indent, *(f"# {line}".replace(_SPACE, " ") for line in wrapped))

    def blank(self) -> None:
        """Add an empty line."""
        self.lines.append("")

    @property
    def text(self) -> str:
        """The content of the file."""
        return "\n".join(self.lines) + "\n"
