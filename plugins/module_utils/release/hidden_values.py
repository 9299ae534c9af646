# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that no output shows: secrets, and what ``.env`` and ``env_file`` give to Compose files."""

from __future__ import annotations

import hashlib
import typing as t

from ..engine.compose_variables import read_env_file
from .stack_input import StackInput

# Shorter values are parts of too many other texts, and not secret.
SHORTEST = 4


def hidden_values(spec: StackInput) -> list[str]:
    """Return the secrets of a stack and the values of its environment files, the longest first."""
    texts = [text for name, text in spec.sources.items() if not name.endswith((".yml", ".yaml", ".json"))]
    values = {value for text in texts for value in read_env_file(text).values()}
    # Compose repeats a line that it cannot read.
    lines = {line.strip() for text in texts for line in text.splitlines() if not line.lstrip().startswith("#")}
    values |= lines | {line.partition("=")[2].strip() for line in lines}
    values |= {value.strip() for value in spec.secrets.values()}
    return sorted((value for value in values if len(value) >= SHORTEST), key=len, reverse=True)


def hide(text: str, values: t.Iterable[str], key: str = "") -> str:
    """Return a text with a digest in place of each value; with a ``key``, equal digests show equal values."""
    for value in values:
        shown = hashlib.sha256(f"{key}{value}".encode()).hexdigest()[:8] if key else "..."
        text = text.replace(value, f"({shown})")
    return text
