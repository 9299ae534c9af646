# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx flag files: the proxy state as files, and back."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import unquote

from ... import names
from ...errors import SwitchyardError
from ..state import ProxyState, RouteKey

# Where the folders of the server are mounted for the proxy; roles/proxy uses the same paths.
INSIDE = "/etc/switchyard"
FLAG = re.compile(r"(?P<key>.+)\.(?P<kind>live|green|maintenance|held|to-(?P<color>blue|green)\.(?P<number>\d{1,2}))\Z")


def flags_of(state: ProxyState) -> set[str]:
    """Return the flags that make nginx do this."""
    flags = {f"{key}.live" for key in state.live}
    flags |= {f"{key}.green" for key, color in state.live.items() if color == "green"}
    flags |= {f"{key}.{how}" for key, how in state.availability.items()}
    for key, percent in state.weights.items():
        if key in state.live:
            flags |= {f"{key}.to-{names.other(state.live[key])}.{number}" for number in range(percent)}
    return flags


def state_from_flags(flags: t.Iterable[str], routes: t.Mapping[RouteKey, str], in_sync: bool = True) -> ProxyState:
    """Return what nginx does with these flags and routes."""
    found = {flag[0]: flag for flag in map(FLAG.match, flags) if flag}
    keys = {flag["key"]: flag for flag in found.values()}
    live = {key: "green" if f"{key}.green" in found else "blue" for key in keys if f"{key}.live" in found}
    weights = {}
    for key, color in live.items():
        # A client with the number n moves when its own flag is there.
        percent = sum(f"{key}.to-{names.other(color)}.{number}" in found for number in range(100))
        if percent:
            weights[key] = percent
    availability = {key: how for how in ("held", "maintenance") for key in keys if f"{key}.{how}" in found}
    state = ProxyState(live=live, routes=routes, weights=weights, availability=availability)
    # The color of a stack that is not live says nothing; everything else that is left over does.
    told = {flag for flag in flags if not (flag.endswith(".green") and flag[: -len(".green")] not in live)}
    return ProxyState(state.live, state.routes, state.weights, state.availability, in_sync and told == flags_of(state))


def flag_changes(seen: t.Collection[str], wanted: t.Collection[str]) -> list[tuple[str, bool]]:
    """Return the flags to change, in an order in which no request meets a color that nobody chose; True puts one there.

    nginx looks for ``.live`` before ``.green``, and only ``.live`` makes a color count: it goes first and comes last.
    A weight belongs to the color it leads to, so what is left of it means nothing once that color is live.
    """
    live = {flag[: -len(".live")] for flag in wanted if flag.endswith(".live")}

    def order(flag: str, there: bool) -> tuple[int, int]:
        found = FLAG.match(flag)
        kind = found["kind"] if found else ""
        number = int(found["number"] or 0) if found else 0
        if kind == "live":
            return (3, 0) if there else (0, 0)
        if kind == "green":
            return (2, 0)
        return (1, number) if there else (4, -number)

    new = [(flag, True) for flag in set(wanted) - set(seen)]
    old = [(flag, False) for flag in set(seen) - set(wanted)]
    idle = [flag for flag, _there in old if flag.endswith(".green") and flag[: -len(".green")] not in live]
    return sorted([*new, *(step for step in old if step[0] not in idle)], key=lambda step: (order(*step), step[0]))


def mark_in(text: str) -> str | None:
    """Return the mark in the configuration of the routes."""
    found = re.search(r"}mark (\w+)\\n", text)
    return found[1] if found else None


def parse_state(answer: str) -> tuple[str, dict[RouteKey, str]]:
    """Return the mark and the routes in what the running process tells of its configuration.

    Raises SwitchyardError for any other answer.
    """
    rows = [line.split(" ") for line in answer.splitlines()]
    if not rows or rows[0][0] != "mark" or any(len(row) != 5 for row in rows[1:]):
        raise SwitchyardError(f"The proxy did not tell its routes: {answer.strip()}. Look at its log, run setup.yml.")
    return rows[0][1], {(key, color, unquote(at)): unquote(service) for _route, key, color, service, at in rows[1:]}
