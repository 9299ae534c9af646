# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of variables that the templates of an inventory use. For the controller only.

Values are read as they are written: a template that cannot be evaluated names its variables too.
"""

from __future__ import annotations

import functools
import re
import typing as t

from jinja2 import Environment, TemplateSyntaxError

_JINJA = Environment()  # only its lexer: nothing is evaluated
_NAME = re.compile(r"[A-Za-z_]\w*\Z")
_WORD = re.compile(r"\w+")

# Words of Jinja.
_WORDS = frozenset(
    _WORD.findall(
        "and block break call continue do elif else endblock endcall endfilter endfor endif endmacro endraw endset "
        "endwith false filter for from if import in include is macro none not or raw recursive set true with without "
        "False None True"
    )
)


def names_in(value: t.Any) -> set[str]:
    """Return the names in all templates of a raw value: variables, and texts that can name one (``vars['name']``)."""
    if isinstance(value, str):
        return set(_names_of_text(str(value))) if "{{" in value or "{%" in value else set()
    if isinstance(value, t.Mapping):
        return {name for pair in value.items() for item in pair for name in names_in(item)}
    if isinstance(value, (list, tuple)):
        return {name for item in value for name in names_in(item)}
    return set()


def names_behind(value: t.Any, variables: t.Mapping[str, t.Any]) -> set[str]:
    """Return the names in a raw value, and in the values of the variables that it names, and so on."""
    found: set[str] = set()
    waiting = names_in(value)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= names_in(variables.get(name))
    return found


@functools.cache
def _names_of_text(text: str) -> frozenset[str]:
    try:
        tokens = [(kind, value) for _line, kind, value in _JINJA.lex(text) if kind != "whitespace"]
    except TemplateSyntaxError:
        # What can be read of a template with a mistake: rather a name too many than a variable that counts as unused.
        return frozenset(_WORD.findall(text)) - _WORDS
    found: set[str] = set()
    values = ["", *(value for _kind, value in tokens), ""]
    for (kind, value), before, after in zip(tokens, values, values[2:]):
        if kind == "string" and _NAME.match(value[1:-1]):
            found.add(value[1:-1])
        elif kind == "name" and before not in (".", "|") and after != "=":
            # Neither an attribute, a filter, nor a keyword of a call
            found.add(value)
    return frozenset(found) - _WORDS
