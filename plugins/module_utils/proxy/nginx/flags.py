# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx's flag files: the proxy state as names of files, and back."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace
from urllib.parse import unquote

from ... import names
from ...errors import SwitchyardError
from ..state import ProxyState, RouteKey

FLAG = re.compile(r"(?P<key>.+)\.(?P<kind>live|green|maintenance|held|to-(?P<color>blue|green)\.(?P<number>\d{1,2}))\Z")


def flags_of(state: ProxyState) -> set[str]:
    """Return the flags of a state."""
    flags = {f"{key}.live" for key in state.live}
    flags |= {f"{key}.green" for key, color in state.live.items() if color == "green"}
    flags |= {f"{key}.{availability}" for key, availability in state.availability.items()}
    for key, percent in state.weights.items():
        if key in state.live:
            flags |= {f"{key}.to-{names.other(state.live[key])}.{number}" for number in range(percent)}
    return flags


def state_from_flags(flags: t.Iterable[str], routes: t.Mapping[RouteKey, str], in_sync: bool = True) -> ProxyState:
    """Return the state of flags and routes; ``in_sync`` is whether nginx runs the configuration on disk."""
    matches = {match[0]: match for match in map(FLAG.match, flags) if match}
    keys = {match["key"]: match for match in matches.values()}
    live = {key: "green" if f"{key}.green" in matches else "blue" for key in keys if f"{key}.live" in matches}
    weights = {}
    for key, color in live.items():
        # A client with the number n gets the other color when its own flag exists.
        percent = sum(f"{key}.to-{names.other(color)}.{number}" in matches for number in range(100))
        if percent:
            weights[key] = percent
    availability = {key: kind for kind in ("held", "maintenance") for key in keys if f"{key}.{kind}" in matches}
    state = ProxyState(live=live, routes=routes, weights=weights, availability=availability)
    # The color flag of a stack without a live color has no effect; any other flag left over has.
    effective = {flag for flag in flags if not (flag.endswith(".green") and flag[: -len(".green")] not in live)}
    return replace(state, in_sync=in_sync and effective == flags_of(state))


def flag_changes(actual: t.Collection[str], desired: t.Collection[str]) -> list[tuple[str, bool]]:
    """Return the flags to add (True) and to remove (False), in an order in which no request gets the wrong color.

    nginx looks for ``.live`` before ``.green``, and only ``.live`` makes a color count: it is removed first and added
    last. A weight belongs to the color it leads to, so its remaining flags have no effect once that color is live.
    """
    live = {flag[: -len(".live")] for flag in desired if flag.endswith(".live")}

    def order(flag: str, exists: bool) -> tuple[int, int]:
        match = FLAG.match(flag)
        kind = match["kind"] if match else ""
        number = int(match["number"] or 0) if match else 0
        if kind == "live":
            return (3, 0) if exists else (0, 0)
        if kind == "green":
            return (2, 0)
        return (1, number) if exists else (4, -number)

    new = [(flag, True) for flag in set(desired) - set(actual)]
    old = [(flag, False) for flag in set(actual) - set(desired)]
    idle = [flag for flag, _exists in old if flag.endswith(".green") and flag[: -len(".green")] not in live]
    changes = [*new, *(change for change in old if change[0] not in idle)]
    return sorted(changes, key=lambda change: (order(*change), change[0]))


def mark_in(text: str) -> str | None:
    """Return the mark in the configuration of the routes."""
    match = re.search(r"}mark (\w+)\\n", text)
    return match[1] if match else None


def parse_state(answer: str) -> tuple[str, dict[RouteKey, str]]:
    """Return the mark and the routes in the answer of the running process.

    Raises SwitchyardError for any other answer.
    """
    rows = [line.split(" ") for line in answer.splitlines()]
    if not rows or rows[0][0] != "mark" or any(len(row) != 5 for row in rows[1:]):
        hint = "Read its log, then run setup.yml."
        raise SwitchyardError(f"The proxy did not answer with its routes: {answer.strip()}.", hint=hint)
    return rows[0][1], {
        (key, color, unquote(host_path)): unquote(service) for _route, key, color, service, host_path in rows[1:]
    }
