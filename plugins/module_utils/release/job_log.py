# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of a one-off command, whose length is limited while the command writes it."""

from __future__ import annotations

from pathlib import Path

# Bytes. The end has the cause of a failure, so that the beginning is what a long log loses.
LONGEST = 10 * 2**20
KEPT = LONGEST // 2


def shorten(log: Path, longest: int = LONGEST, kept: int = KEPT) -> None:
    """Keep the last ``kept`` bytes of a log that has more than ``longest``, from a whole line on.

    The process that writes it must append (O_APPEND): it continues at the new end.
    """
    size = log.stat().st_size
    if size <= longest:
        return
    with log.open("rb") as file:
        file.seek(size - kept)
        end = file.read(kept)
    dropped, _newline, rest = end.partition(b"\n")
    rest = rest or dropped
    note = f"[{size - len(rest)} bytes before this line were left out: a log has at most {longest}]\n"
    with log.open("ab") as file:
        file.truncate(0)
        file.write(note.encode() + rest)
