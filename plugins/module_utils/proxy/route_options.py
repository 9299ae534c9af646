# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a route: TLS redirect, address list, basic auth, rate limit, body size, timeout, headers."""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass

from ..config.stack import RouteSpec


@dataclass(frozen=True)
class Rate:
    """A limit per client address: ``requests`` in ``seconds`` on average, and ``burst`` more at once."""

    requests: float
    seconds: float
    burst: int

    @property
    def per_second(self) -> float:
        """The average in requests a second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class RouteOptions:
    """The options of a route. A request with a preview key is only subject to ``max_body_size``.

    ``https`` is ``optional`` or ``redirect``; ``hsts`` and ``response_timeout`` are seconds, ``max_body_size`` bytes,
    ``allow_ips`` networks in canonical form, ``basic_auth`` the name of a user list of the proxy: ``prod.staff``.
    """

    https: str = "optional"
    hsts: int = 0
    allow_ips: tuple[str, ...] = ()
    basic_auth: str | None = None
    rate_limit: Rate | None = None
    max_body_size: int | None = None
    response_timeout: float | None = None
    headers: tuple[tuple[str, str], ...] = ()
    buffer_requests: bool = False

    def to_dict(self) -> dict[str, t.Any]:
        """Return the options as JSON can hold them."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, content: t.Mapping[str, t.Any]) -> RouteOptions:
        """Return the options of ``to_dict``; an unknown key, as of a later version, is left out."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        rate = values.get("rate_limit")
        values["rate_limit"] = Rate(rate["requests"], rate["seconds"], rate["burst"]) if rate else None
        values["allow_ips"] = tuple(values.get("allow_ips", ()))
        values["headers"] = tuple((name, value) for name, value in values.get("headers", ()))
        return cls(**values)


NO_OPTIONS = RouteOptions()

# The rate of a route with ``basic_auth`` without another one in the inventory. Each request costs the comparison of a
# password: this is enough for a page with a hundred files, and little enough that guesses slow no other stack down.
PASSWORD_RATE = Rate(20, 1, 100)


def options_of_route(route: RouteSpec, environment: str) -> RouteOptions:
    """Return the options of a route of a stack."""
    rate = route.rate_limit
    default_rate = PASSWORD_RATE if route.basic_auth else None
    return RouteOptions(
        https=route.https,
        hsts=route.hsts,
        allow_ips=route.allow_ips,
        # Several environments share the proxy, each with its own user lists.
        basic_auth=f"{environment}.{route.basic_auth}" if route.basic_auth else None,
        rate_limit=Rate(rate.requests, rate.seconds, rate.burst) if rate else default_rate,
        max_body_size=route.max_body_size,
        response_timeout=route.response_timeout,
        headers=tuple(sorted(route.headers.items())),
        buffer_requests=route.buffer_requests,
    )
