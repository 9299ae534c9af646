from __future__ import annotations

import pytest
from fakes import HOST, checked, written
from fakes_config import problems

from ansible_collections.switchyard.stacks.plugins.module_utils.config import grammar

LONG = "a" * 63


@pytest.mark.parametrize(
    "host",
    [
        "a.example.org",
        "localhost",
        "shop.localhost",
        "xn--bcher-kva.example.org",
        "3com.example",
        "192.0.2.7",
        "*.example.org",
        f"{LONG}.org",
        ".".join([LONG, LONG, LONG, "a" * 61]),
    ],
)
def test_a_valid_host(host: str) -> None:
    assert grammar.host_mistake(host) is None


@pytest.mark.parametrize(
    ("host", "message", "hint"),
    [
        *(
            (
                host,
                f"{host!r} is not a valid wildcard",
                "Write *. once, before a valid name, for names with one more label",
            )
            for host in ("*.", "*.*.org", "*.Example.org", "*..org", "*.a_b.org", "*.bücher.org")
        ),
        ("bücher.example.org", "'bücher.example.org' has letters beyond ASCII", "Write xn--bcher-kva.example.org"),
        ("straße.de", "'straße.de' has letters beyond ASCII", "Write xn--strae-oqa.de"),
        ("Bu\u0308cher.de", "'Bu\u0308cher.de' has letters beyond ASCII", "Write xn--bcher-kva.de"),
        ("例え.テスト", "'例え.テスト' has letters beyond ASCII", "Write xn--r8jz45g.xn--zckzah"),
        ("a。org", "'a。org' has letters beyond ASCII", "Write the form that begins with xn--"),
        (f"{LONG}b.org", f"'{LONG}b.org' has a label of 64 bytes", "Write labels of at most 63 bytes"),
        (".".join([LONG] * 4), f"'{'.'.join([LONG] * 4)}' has 255 bytes", "Write at most 253 bytes"),
        ("Shop.example.org", "'Shop.example.org' is not a valid host name", "Write shop.example.org"),
        ("a.org.", "'a.org.' is not a valid host name", "Write a.org"),
        *(
            (host, f"{host!r} is not a valid host name", "Write only the name")
            for host in (
                "",
                "a..org",
                ".org",
                "a,b.org",
                "a b.org",
                "a.org\n",
                "a.org\nb.org",
                "a\tb.org",
                "a_b.org",
                "-a.org",
                "a-.org",
                "a.*.org",
                "a.org:80",
                "https://shop.example.org",
                "a.org/b",
                'a".org',
                "a;b.org",
                "a{}.org",
                "a#b.org",
                "a`.org",
                "a\0.org",
                "[::1]",
            )
        ),
    ],
)
def test_a_text_that_no_host_can_have(host: str, message: str, hint: str) -> None:
    assert grammar.host_mistake(host) == (message, hint)


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/.well-known/x", "/w/Special:Search", "/@user/a+b", "/v1.2~"])
def test_a_valid_path(path: str) -> None:
    assert grammar.path_mistake(path) is None


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        ("api", "'api' does not begin with /", "Write /api"),
        ("a b", "'a b' does not begin with /", "Write /"),
        *(
            (path, f"{path!r} is not in normal form", "Write it without empty segments, . and ..")
            for path in ("//", "/a//b", "/./a", "/a/../b", "/a/..", "/.")
        ),
        *(
            (path, f"{path!r} is not a valid path", "Write segments of letters, digits and -._~!+,:=@")
            for path in (
                "/a b",
                "/a\n",
                "/a\nlocation / { }",
                "/a%20b",
                "/ä",
                '/a"',
                "/a;b",
                "/a{b",
                "/a$b",
                "/a`b",
                "/a?b=c",
                "/a#b",
                "/a\\b",
                "/a*",
                "/a\0",
            )
        ),
    ],
)
def test_a_text_that_no_path_can_have(path: str, message: str, hint: str) -> None:
    assert grammar.path_mistake(path) == (message, hint)


def test_a_path_of_a_check_may_have_a_query() -> None:
    assert checked(smoke=[{"path": "/search?q=a%20b&x=[1]"}])


@pytest.mark.parametrize("path", ["health", "/a b", "/a\nb", "/a#b", "/ä", "/\x7f", ""])
def test_a_path_of_a_check_is_one_that_a_request_can_have(path: str) -> None:
    stack = written(smoke=[{"path": path or "\n"}])
    (line,) = problems(stack)
    assert line.startswith("switchyard_stacks[shop].smoke[0].path: ")
    route = {"service": "web", "port": 1, "hosts": [HOST], "health": {"path": path or "\n"}}
    (line,) = problems(written(routes=[route]))
    assert line.startswith("switchyard_stacks[shop].routes[0].health.path: ")


def test_every_text_with_a_mistake_is_reported() -> None:
    stack = written(
        routes=[{"service": "we b", "port": 1, "hosts": ["a..org", "*.*.org"], "path": "/a//b"}],
        static=[{"volume": "static", "hosts": ["c\n.org"], "path": "/s t"}],
        workers=["celery\n"],
        accessories=["db;"],
        inner=["q q"],
        migrate={"service": "../x", "command": ["m"]},
        after_migrate=[{"service": "a/b", "command": ["m"]}],
        variables={"A B": "x", "GOOD": "y", "NUL": "a\0b"},
        secrets={"../key": "v", "..": "w"},
    )
    found = [line.split("switchyard_stacks[shop].")[1].split(": ")[0] for line in problems(stack)]
    assert found == [
        "routes[0].hosts",
        "routes[0].hosts",
        "routes[0].path",
        "static[0].hosts",
        "static[0].path",
        "routes[0].service",
        "workers",
        "accessories",
        "inner",
        "migrate.service",
        "after_migrate[0].service",
        "variables",
        "variables.NUL",
        "secrets",
        "secrets",
    ]
