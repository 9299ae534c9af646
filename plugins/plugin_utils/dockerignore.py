# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``.dockerignore`` leaves out of a build. For the controller only.

Source: Docker's manual, "Build context", and moby/patternmatcher: the last matching line decides, ``!`` takes a path
back, a pattern of a folder holds for everything below it, and ``**`` is any number of folders.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

# The history of a repository changes with every fetch, and an image does not need it.
ALWAYS = (".git",)


class IgnoreRules:
    """The patterns of one ``.dockerignore``."""

    def __init__(self, text: str = "", keep: t.Collection[str] = ()) -> None:
        """Take the text of the file; ``keep`` are paths that the build needs in any case, such as its Dockerfile."""
        lines = [line.strip() for line in text.splitlines() if not line.startswith("#")]
        self.rules = [(line.startswith("!"), _pattern(line.lstrip("!").strip())) for line in lines if line.strip("!")]
        self.keep = frozenset(keep)

    def ignores(self, path: str) -> bool:
        """Return whether the build does not see a path, which is relative to the context."""
        if path in self.keep:
            return False
        parts = path.split("/")
        if parts[0] in ALWAYS:
            return True
        parents = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        ignored = False
        for is_exception, pattern in self.rules:
            if ignored == is_exception and any(pattern.fullmatch(parent) for parent in parents):
                ignored = not is_exception
        return ignored

    def prunes(self, folder: str) -> bool:
        """Return whether nothing below a folder can be part of the build."""
        is_exception = any(is_exception for is_exception, _pattern_of_rule in self.rules)
        needed = any(path.startswith(f"{folder}/") for path in self.keep)
        return self.ignores(folder) and not needed and (not is_exception or folder in ALWAYS)


def read_rules(context: Path, dockerfile: str = "Dockerfile") -> IgnoreRules:
    """Return the rules of a context: those of ``<dockerfile>.dockerignore``, or else of ``.dockerignore``."""
    for name in (f"{dockerfile}.dockerignore", ".dockerignore"):
        if (context / name).is_file():
            text = (context / name).read_text(encoding="utf-8", errors="replace")
            return IgnoreRules(text, (name, dockerfile))
    return IgnoreRules()


def _pattern(line: str) -> re.Pattern[str]:
    """Return the expression of one pattern, which names a path from the top of the context."""
    parts = [part for part in line.split("/") if part not in ("", ".")]
    text, index = "", 0
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if part == "**":
            text += ".*" if last else "(?:.*/)?"
        else:
            text += "".join(map(_token, _TOKENS.findall(part))) + ("" if last else "/")
    return re.compile(text)


# Pieces of a path pattern (Go, path/filepath.Match): runs of *, ?, a class, an escaped or a plain character.
_TOKENS = re.compile(r"\*+|\?|\[[^\]]+\]|\\.|.")


def _token(token: str) -> str:
    if token.startswith("**"):
        return ".*"
    if token == "*":
        return "[^/]*"
    if token == "?":
        return "[^/]"
    if token.startswith("[") and len(token) > 2:
        return token
    return re.escape(token[-1])
