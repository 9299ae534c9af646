# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a stack's source folder that its containers mount, by path and content digest. Pure.

The controller reads them, the server stores them: both name the content of a file by one blob name.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

# The first character of an entry: a plain file, an executable one, a folder, a symbolic link.
FILE, EXECUTABLE, FOLDER, LINK = "f", "x", "d", "l"


def digest_of(value: t.Any) -> str:
    """Return a short digest of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class SourceTree:
    """Files, folders and links by their path relative to ``source.path``.

    An entry is ``f`` or ``x`` and the SHA-256 of a file's content, ``d``, or ``l`` and the target of a link. The entry
    of a file is its blob name.
    """

    entries: t.Mapping[str, str] = field(default_factory=dict)

    def is_file(self, name: str) -> bool:
        """Return whether a path is a file."""
        return self.entries.get(name, "")[:1] in (FILE, EXECUTABLE)

    def exists(self, name: str) -> bool:
        """Return whether a path exists; the empty path is the source folder."""
        return not name or name in self.entries

    def below(self, name: str) -> dict[str, str]:
        """Return the entries of a path by their path relative to it; a file itself has the empty path."""
        if self.is_file(name):
            return {"": self.entries[name]}
        start = f"{name}/" if name else ""
        return {path[len(start) :]: entry for path, entry in self.entries.items() if path.startswith(start)}

    def digest(self, name: str) -> str:
        """Return a short digest of the content of a path: names, contents, executable bits and links."""
        return digest_of(self.below(name))

    def blobs(self, name: str) -> set[str]:
        """Return the blob names of the files of a path."""
        return {entry for entry in self.below(name).values() if entry[0] in (FILE, EXECUTABLE)}
