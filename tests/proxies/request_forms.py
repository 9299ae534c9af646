r"""The forms of requests that every proxy has to answer in the same way, each with its right value.

A stack has a host ``plain.test`` whose only route is of ``/``, and hosts whose route of ``/admin/`` has a guard. What a
guard answers to a request that it stops is ``guarded``; ``open`` is an answer of the application.
"""

from __future__ import annotations

from dataclasses import dataclass, field

GUARDED, OPEN, REFUSED = "guarded", "open", "400"


@dataclass(frozen=True)
class PathForm:
    """A target of a request: what hosts with a guard answer, and what the application of ``plain.test`` gets.

    ``plain`` is the path that the application gets, or ``400``; without it, the target itself. ``traefik`` has the
    values of a Traefik that reads the path differently: Go decodes or encodes it before anything else does, for the
    application too.
    """

    target: str
    scoped: str
    plain: str = ""
    traefik: tuple[str, str] | None = None
    versions: tuple[str, ...] = ("1.0", "1.1", "2")

    def expected(self, kind: str) -> tuple[str, str]:
        """What hosts with a guard answer, and the path that the application gets."""
        if self.traefik and kind == "traefik":
            return self.traefik
        return self.scoped, self.plain or self.target


def _ambiguous(*targets: str) -> list[PathForm]:
    return [PathForm(target, REFUSED) for target in targets]


def _invalid(*targets: str, versions: tuple[str, ...] = ("1.0", "1.1", "2")) -> list[PathForm]:
    return [PathForm(target, REFUSED, REFUSED, versions=versions) for target in targets]


HTTP1 = ("1.0", "1.1")

PATHS = [
    # --- in normal form ---
    *(
        PathForm(target, OPEN)
        for target in (
            "/",
            "/a%20b",
            "/caf%C3%A9",
            "/a%40b/c%3Ad",
            "/x%25y",
            "/other/a;v=1",
            "/admin",
            "/administrator/",
            "/other/admin/",
            "/a+b,c=d!e'f(g)h*i",
            "/page?x=%2e%2e%2f../%61dmin//",
            "/.well-known/x..y",
        )
    ),
    *(PathForm(target, GUARDED) for target in ("/admin/", "/admin/x?y=z", "/admin/a%20b")),
    # Traefik writes the digits of an encoding in upper case, and encodes a semicolon of the query.
    PathForm("/what%3f", OPEN, traefik=(OPEN, "/what%3F")),
    PathForm("/page?x=1;y=2", OPEN, traefik=(OPEN, "/page?x=1%3By=2")),
    # --- another case ---
    *(PathForm(target, GUARDED) for target in ("/Admin/", "/ADMIN/x", "/aDmIn/")),
    # --- Go decodes these for Traefik's rules and for the application ---
    PathForm("/%61dmin/", REFUSED, traefik=(GUARDED, "/admin/")),
    PathForm("/%41dmin/", REFUSED, traefik=(GUARDED, "/Admin/")),
    PathForm("/adm%69n/", REFUSED, traefik=(GUARDED, "/admin/")),
    PathForm("/a%2Db%7ec%5Fd", REFUSED, traefik=(OPEN, "/a-b~c_d")),
    PathForm("/%2e/admin/", REFUSED, traefik=(REFUSED, "/./admin/")),
    PathForm("/x/%2e%2e/admin/", REFUSED, traefik=(REFUSED, "/x/../admin/")),
    PathForm("/x/%2E./admin/", REFUSED, traefik=(REFUSED, "/x/../admin/")),
    PathForm("/x/..%2fadmin/", REFUSED, traefik=(REFUSED, "/x/..%2Fadmin/")),
    PathForm("/x/%2e%2e%2fadmin/", REFUSED, traefik=(REFUSED, "/x/..%2Fadmin/")),
    PathForm("/x/%2e%2e;/admin/", REFUSED, traefik=(REFUSED, "/x/..;/admin/")),
    # --- ambiguous ---
    *_ambiguous(
        "//admin/",
        "///admin/",
        "/x//admin/",
        "/admin//",
        "/./admin/",
        "/x/../admin/",
        "/admin/../x",
        "/x/.",
        "/x/..",
        "/admin%2F",
        "/admin%2Fx",
        "/%2Fadmin/",
        "/%5Cadmin/",
        "/x%5C..%5Cadmin/",
        "/;a=b/admin/",
        "/;/admin/",
        "/admin;x/",
        "/.;/admin/",
        "/x/..;/admin/",
        "/x/..;a=b/admin/",
        "/x/;/admin/",
        "/%3B/admin/",
        "/admin%3Bx/",
        "/%0Aadmin/",
        "/admin%0D%0A/",
        "/admin%09/",
        "/%7Fadmin/",
    ),
    PathForm("/\\admin/", REFUSED, traefik=(REFUSED, "/%5Cadmin/")),
    PathForm("/x\\..\\admin/", REFUSED, traefik=(REFUSED, "/x%5C..%5Cadmin/")),
    # --- invalid on every host ---
    *_invalid(
        "/%00admin/",
        "/admin/%00",
        "/%zz",
        "/%",
        "/%4",
        "/%u0061dmin/",
        "/x%2",
        "/#/admin/",
        "/admin/#x",
        "/../admin/",
        "/%2e%2e/admin/",
        "/%2e./admin/",
        "/a\x01b",
        "/a\x7fb",
    ),
    *_invalid("admin/", "/a b", "/a\tb", "/a\x00b", versions=HTTP1),
    PathForm("/caf\u00e9", REFUSED, REFUSED, traefik=(OPEN, "/caf%C3%A9")),
    # --- the host in the target ---
    PathForm("http://{host}/admin/", GUARDED, "/admin/", versions=HTTP1),
    PathForm("http://{host}/x", OPEN, "/x", versions=HTTP1),
    PathForm("http://{host}//admin/", REFUSED, "//admin/", versions=HTTP1),
]


@dataclass(frozen=True)
class HostForm:
    """The headers ``Host`` of a request, and the status of its answer; the application gets the header as it is."""

    hosts: tuple[str, ...]
    status: int
    target: str = "/"
    traefik: int | None = None
    # Which service answers.
    service: str = "web"


HOSTS = [
    HostForm(("plain.test",), 200),
    HostForm(("PLAIN.Test",), 200),
    HostForm(("plain.test.",), 200),
    HostForm(("plain.test:80",), 200),
    HostForm(("Plain.test.:8080",), 200),
    HostForm(("plain.test..",), 400),
    HostForm(("plain.test:",), 400),
    HostForm(("plain.test:80x",), 400),
    HostForm(("plain.test:@evil.test",), 400),
    HostForm(("plain.test:80:80",), 400),
    HostForm((".plain.test",), 400),
    HostForm(("plain .test",), 400),
    HostForm(("plain.test/admin",), 400),
    HostForm(("user@plain.test",), 400),
    HostForm(("plain.test,evil.test",), 400),
    HostForm(("plain.test", "evil.test"), 400),
    HostForm(("evil.test", "plain.test"), 400),
    HostForm(("",), 400),
    HostForm((), 400),
    HostForm(("unknown.test",), 404),
    HostForm(("xn--mnchen-3ya.test",), 200),
    HostForm(("one.wild.test",), 200),
    HostForm(("ONE.wild.test.",), 200),
    HostForm(("one.two.wild.test",), 404),
    HostForm(("wild.test",), 404),
    HostForm(("exact.wild.test",), 200, service="other"),
    HostForm(("one.wild.test",), 403, "/admin/"),
    HostForm(("one.wild.test",), 400, "//admin/"),
    # The routes of an exact host are all that it has.
    HostForm(("exact.wild.test",), 200, "/admin/", service="other"),
    HostForm(("exact.wild.test",), 400, "//admin/"),
    # Go reads the host in the target and no other (RFC 9112, 3.2.2); the others refuse two that differ.
    HostForm(("plain.test",), 400, "http://allow.test/admin/", traefik=403),
    HostForm(("allow.test",), 400, "http://plain.test/admin/", traefik=200),
]

# Each of these reaches the application as the proxy's own value, or not at all.
FORGED = "203.0.113.66"
HEADERS = [
    "X-Forwarded-For",
    "x-forwarded-for",
    "X_Forwarded_For",
    "X-Forwarded_For",
    "X_FORWARDED-FOR",
    "X-Forwarded-Proto",
    "X_Forwarded_Proto",
    "X-Forwarded-Protocol",
    "X-Forwarded-Ssl",
    "X-Forwarded-Scheme",
    "X-Forwarded-Host",
    "X_Forwarded_Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Path",
    "X-Forwarded-Uri",
    "X-Forwarded-Url",
    "X-Forwarded-Method",
    "X-Forwarded-Server",
    "X-Forwarded-By",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Client-Cert",
    "X-Forwarded",
    "Forwarded",
    "Forwarded-For",
    "X-Real-IP",
    "X_Real_IP",
    "X-Real_Ip",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Fastly-Client-IP",
    "X-Original-URL",
    "X-Original-Uri",
    "X-Original-Host",
    "X-Original-Forwarded-For",
    "X-Rewrite-URL",
    "X-Host",
    "X-HTTP-Host-Override",
    "X-Remote-IP",
    "X-Remote-Addr",
    "X-ProxyUser-Ip",
    "X-Originating-IP",
    "X-Scheme",
    "X-Url-Scheme",
    "Front-End-Https",
    "WL-Proxy-Client-IP",
    "Proxy-Client-IP",
    "Proxy",
    "HTTP2-Settings",
    "Any_Other",
]


@dataclass(frozen=True)
class UpgradeForm:
    """The headers ``Upgrade`` and ``Connection`` of a request, and what the application upgrades to.

    HAProxy leaves out all but a WebSocket of a list, and the others pass on none.
    """

    upgrade: tuple[str, ...]
    upgraded_to: str | None = None
    connection: str = "Upgrade"
    more: tuple[str, ...] = field(default=())
    haproxy: str | None = None


UPGRADES = [
    UpgradeForm(("websocket",), "websocket"),
    UpgradeForm(("WebSocket",), "websocket"),
    UpgradeForm(("h2c",)),
    UpgradeForm(("h2c",), None, "Upgrade, HTTP2-Settings", ("HTTP2-Settings: AAMAAABkAAQAAP__",)),
    UpgradeForm(("TLS/1.0",)),
    UpgradeForm(("h2c, websocket",), haproxy="websocket"),
    UpgradeForm(("websocket, h2c",), haproxy="websocket"),
    UpgradeForm(("h2c", "websocket"), haproxy="websocket"),
    UpgradeForm(("websocket\tx",)),
]

# Requests that two servers in a row may take for different numbers of requests: each gets 400, or is one request.
SMUGGLING = {
    "two lengths": "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc",
    "a length and chunks": "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown encoding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "two encodings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a length with a sign": "Content-Length: +3\r\n\r\nabc",
    "a negative length": "Content-Length: -3\r\n\r\n",
    "a space before the colon": "Content-Length : 3\r\n\r\nabc",
    "a folded header": "X-Folded: a\r\n b\r\n\r\n",
    "NUL in a header": "X-Nul: a\x00b\r\n\r\n",
    "CR in a header": "X-Cr: a\rb\r\n\r\n",
    "a header without a colon": "NoColon\r\n\r\n",
    "a chunk with a sign": "Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n",
}

# nginx cannot read the target of CONNECT, and Traefik supports no such request.
METHODS = {"TRACE": (405,), "CONNECT": (400, 405, 501)}
