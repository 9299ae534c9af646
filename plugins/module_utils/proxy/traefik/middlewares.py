# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Route options as Traefik middlewares."""

from __future__ import annotations

import json
import typing as t

from ..layout import CONFIG_ROOT
from ..route_options import Rate, RouteOptions
from .dynamic_config import HIDDEN, ConfigInputs, Document, EntryPointVariant

# The header of a middleware that no router uses. Traefik's API shows it, so it keeps the options of a route.
OPTIONS_HEADER = "X-Switchyard-Options"

# A client with IPv6 has a whole network of 64 bits (RFC 6177), so that counts as one address.
SOURCE: Document = {"ipStrategy": {"ipv6Subnet": 64}}


def redirects(options: RouteOptions, inputs: ConfigInputs) -> bool:
    """Return whether http is redirected to https."""
    return options.https == "redirect" and bool(inputs.https_port)


def middleware_kinds(
    options: RouteOptions,
    inputs: ConfigInputs,
    variant: EntryPointVariant,
    with_key: bool = False,
    page: bool = False,
) -> list[str]:
    """Return the kinds of middlewares for a route in their order: a password takes long to check, so it is late.

    A request ``with_key`` is not checked; a ``page`` does not have the application's headers and limits.
    """
    client = "forwarded-" if variant.forwarded else ""
    kinds = {
        "hsts": variant.https and options.hsts,
        "headers": options.headers and not page,
        "redirect": redirects(options, inputs) and not variant.https and not with_key,
        f"{client}allow": options.allow_ips and not with_key,
        f"{client}rate": options.rate_limit and not with_key,
        "users": options.basic_auth and not with_key,
        "body": (options.max_body_size or options.buffer_requests) and not page,
    }
    return [kind for kind, applies in kinds.items() if applies]


def option_middlewares(options: RouteOptions, inputs: ConfigInputs, stack: str) -> dict[str, Document]:
    """Return the middlewares of a route by kind; ``stack`` is the realm of basic auth."""
    middlewares: dict[str, Document] = {"options": _request_headers({OPTIONS_HEADER: options_text(options)})}
    if options.hsts:
        middlewares["hsts"] = _response_headers({"Strict-Transport-Security": f"max-age={options.hsts}"})
    if redirects(options, inputs):
        port = {"port": str(inputs.https_port)} if inputs.https_port != 443 else {}
        middlewares["redirect"] = {"redirectScheme": {"scheme": "https", "permanent": True, **port}}
    # Which address in X-Forwarded-For is the client's.
    client = {"ipStrategy": {"excludedIPs": list(inputs.trusted_proxies)}}
    if options.allow_ips:
        addresses = {"sourceRange": list(options.allow_ips)}
        middlewares["allow"] = {"ipAllowList": addresses}
        middlewares["forwarded-allow"] = {"ipAllowList": {**addresses, **client}}
    if options.rate_limit:
        middlewares["rate"] = {"rateLimit": {**_rate(options.rate_limit), "sourceCriterion": SOURCE}}
        middlewares["forwarded-rate"] = {"rateLimit": {**_rate(options.rate_limit), "sourceCriterion": client}}
    if options.basic_auth:
        file = f"{CONFIG_ROOT}/users/{options.basic_auth}.htpasswd"
        middlewares["users"] = {"basicAuth": {"usersFile": file, "realm": stack}}
    if options.headers:
        middlewares["headers"] = _response_headers(dict(options.headers))
    if options.max_body_size or options.buffer_requests:
        # Without a limit, Traefik's own default of what is in memory: the API does not return a limit of 0.
        limit = {"maxRequestBodyBytes": options.max_body_size} if options.max_body_size else {}
        middlewares["body"] = {"buffering": limit or {"memRequestBodyBytes": 2**20}}
    return {
        kind: middleware
        for kind, middleware in middlewares.items()
        if inputs.trusted_proxies or not kind.startswith("forwarded-")
    }


def options_text(options: RouteOptions) -> str:
    """Return route options as the text of a header."""
    return json.dumps(options.to_dict(), sort_keys=True)


def options_of_middleware(middleware: Document) -> RouteOptions:
    """Return the route options in the middleware of the kind ``options``."""
    text = middleware["headers"]["customRequestHeaders"][OPTIONS_HEADER]
    return RouteOptions.from_dict(json.loads(text))


def proxy_headers(inputs: ConfigInputs, request: dict[str, str], response: dict[str, str]) -> Document:
    """Return a middleware that sets headers, and removes those for the proxy alone from the request."""
    hidden = dict.fromkeys([*HIDDEN, *(header for header, _value in inputs.preview_keys.values())], "")
    return {"headers": {"customRequestHeaders": {**hidden, **request}, "customResponseHeaders": response}}


def _request_headers(headers: t.Mapping[str, str]) -> Document:
    return {"headers": {"customRequestHeaders": dict(headers)}}


def _response_headers(headers: t.Mapping[str, str]) -> Document:
    return {"headers": {"customResponseHeaders": dict(headers)}}


def _rate(rate: Rate) -> Document:
    """Return the limit in Traefik's whole numbers: one request per period, and how many at once."""
    return {"average": 1, "period": f"{1 / rate.per_second:.9f}s", "burst": rate.burst + 1}
