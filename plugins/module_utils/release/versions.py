# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of two version tags, of an image or of a Git repository, where both are versions.

The numbers decide, then a pre-release is before its release (Semantic Versioning 2.0.0, 11). Other endings name a
variant of an image, such as ``-alpine``: they have no order.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from itertools import zip_longest

# Words in front of a version: release-1.2, web_v1.2. A digest is not a version.
_TAG = re.compile(r"(?P<prefix>(?:[A-Za-z]+[-_])?)v?(?P<numbers>\d+(?:\.\d+)*)(?P<rest>(?:[-_.a-zA-Z].*)?)\Z")
_DIGEST_PREFIXES = ("sha-", "sha_", "commit-", "commit_", "git-", "git_")
_NUMBERED = re.compile(r"[-_.]\d+(?:\.\d+)*\Z")

# Names of pre-releases, the earliest first; PEP 440 has the short forms.
_STAGES = {
    word: rank
    for rank, words in enumerate(
        [("dev", "snapshot", "nightly"), ("alpha", "a"), ("beta", "b"), ("pre", "preview", "rc", "c")]
    )
    for word in words
}
_STAGE = re.compile(rf"[-_.]?(?P<stage>{'|'.join(sorted(_STAGES, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)

Part = tuple[int, int, str]


@dataclass(frozen=True)
class Version:
    """A tag that is a version; ``stage`` is that of a pre-release, ``variant`` an ending without an order."""

    prefix: str
    numbers: tuple[int, ...]
    stage: tuple[Part, ...] = ()
    variant: str = ""


def parse(tag: str) -> Version | None:
    """Return a tag as a version; None for a name, a digest or a commit."""
    match = _TAG.match(tag.partition("+")[0])
    if not match or match["prefix"].lower() in _DIGEST_PREFIXES:
        return None
    rest, stage = match["rest"], _STAGE.match(match["rest"])
    # 1.2rc1 is a version, 3a7 can be the start of a commit.
    if rest[:1].isalpha() and not (stage and "." in match["numbers"]):
        return None
    numbers = tuple(int(number) for number in match["numbers"].split("."))
    if stage or _NUMBERED.match(rest):
        return Version(match["prefix"].lower(), numbers, tuple(_parts(rest)), "" if stage else "numbered")
    return Version(match["prefix"].lower(), numbers, variant=rest)


def compare(one: str, other: str) -> int | None:
    """Return -1, 0 or 1 for a tag that is older than, the same as or newer than another; None without an order."""
    first, second = parse(one), parse(other)
    if not first or not second or first.prefix != second.prefix:
        return None
    for number, against in zip_longest(first.numbers, second.numbers, fillvalue=0):
        if number != against:
            return -1 if number < against else 1
    if first.variant != second.variant:
        return None
    if bool(first.stage) != bool(second.stage):
        return -1 if first.stage else 1
    return (first.stage > second.stage) - (first.stage < second.stage)


def _parts(rest: str) -> t.Iterator[Part]:
    """Yield the parts of an ending in the form that sorts: numbers before words, stages in their order."""
    for text in re.findall(r"\d+|[a-z]+", rest.lower()):
        if text.isdigit():
            yield (0, int(text), "")
        else:
            yield (1, _STAGES.get(text, len(_STAGES)), text if text not in _STAGES else "")
