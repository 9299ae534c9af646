# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request headers by which an application learns of the client from its proxy.

An application believes these headers, so each of them is the proxy's own or absent, unless the connection comes from
``proxy_trusted_proxies``. Applications that read headers as variables of CGI take ``X_Real_IP`` for ``X-Real-IP``
(RFC 3875, 4.1.18), so no header with an underscore in its name reaches one.
"""

from __future__ import annotations

# Every proxy writes these.
WRITTEN = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP")

# RFC 7239; what proxies, load balancers, content delivery networks and frameworks use; httpoxy.
REMOVED = (
    "Forwarded",
    "Forwarded-For",
    "X-Forwarded",
    "X-Forwarded-By",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Method",
    "X-Forwarded-Path",
    "X-Forwarded-Prefix",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Forwarded-Tls-Client-Cert",
    "X-Forwarded-Tls-Client-Cert-Info",
    "X-Forwarded-Uri",
    "X-Forwarded-Url",
    "X-Forwarded-User",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Host",
    "X-HTTP-Host-Override",
    "X-Original-Forwarded-For",
    "X-Original-Host",
    "X-Original-Uri",
    "X-Original-URL",
    "X-Originating-IP",
    "X-ProxyUser-Ip",
    "X-Remote-Addr",
    "X-Remote-IP",
    "X-Rewrite-URL",
    "X-Scheme",
    "X-Url-Scheme",
    "CF-Connecting-IP",
    "CF-Connecting-IPv6",
    "CF-Visitor",
    "Client-IP",
    "Cluster-Client-IP",
    "Fastly-Client-IP",
    "Front-End-Https",
    "Proxy",
    "Proxy-Client-IP",
    "True-Client-IP",
    "WL-Proxy-Client-IP",
    # The settings of an upgrade to HTTP/2 without TLS (RFC 7540, 3.2.1).
    "HTTP2-Settings",
)


def removed_pattern() -> str:
    """Return the expression of all names in lower case, and of every other one of the family ``X-Forwarded``."""
    others = sorted(name.lower() for name in REMOVED if not name.startswith("X-Forwarded"))
    return f"^(?:x-forwarded(?:-.*)?|{'|'.join([*others, 'x-real-ip'])})$"
