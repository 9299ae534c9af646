from __future__ import annotations

import re

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import request_form


def test_a_scope_is_how_many_segments_the_routes_of_a_host_depend_on() -> None:
    routes = ["a.org/", "b.org/", "b.org/admin", "c.org/api/v1/", "c.org/x", "d.org/@me", "e.org/" + "a/" * 12]
    assert request_form.scopes(routes) == {"a.org": "0", "b.org": "1", "c.org": "2", "d.org": "1r", "e.org": "9"}


def test_a_host_also_has_the_scope_of_its_wildcard() -> None:
    routes = ["*.a.org/admin/x/", "b.a.org/", "c.b.a.org/", "a.org/"]
    assert request_form.scopes(routes) == {"*.a.org": "2", "a.org": "0", "b.a.org": "2", "c.b.a.org": "0"}


NORMAL = ["/", "/admin/", "/a%20b", "/caf%C3%A9", "/x..y/...", "/.well-known/x", "/a%40b", "/100%25", "/what%3f"]
AMBIGUOUS = [
    *("/%61dmin/", "/%41", "/a%2Db", "/a%2eb", "/a%5fb", "/a%7Eb", "/a%30", "/x/%2e%2e/", "/x/..%2fadmin/"),
    *("//", "//admin/", "/a//b", "/./a", "/a/.", "/a/..", "/a/../b", "/a\\b", "/a%5cb", "/a%2fb", "/a%2Fb"),
    *("/%0a", "/a%1f", "/a%7fb", "/x/y/..;/z", "/x/y/;/z", "/x/y/.;a/z", "/x/y/%3b/z"),
]


@pytest.mark.parametrize("path", NORMAL)
def test_a_path_in_normal_form(path: str) -> None:
    assert not any(request_form.is_ambiguous(scope, path) for scope in ("0", "1", "2", "9"))
    assert not request_form.is_invalid(path)


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_a_path_that_an_application_may_read_in_another_way(path: str) -> None:
    assert [request_form.is_ambiguous(scope, path) for scope in ("0", "1", "3r", "9")] == [False, True, True, True]
    assert not request_form.is_invalid(path)


def test_parameters_count_up_to_the_segment_that_a_route_depends_on() -> None:
    found = {
        (scope, path): request_form.is_ambiguous(scope, path)
        for scope in ("0", "1", "2r")
        for path in ("/a;b/c", "/a%3bb/c", "/a/b;c/d", "/a/b/c;d", "/a/b/c%3B")
    }
    assert [key for key, refused in found.items() if refused] == [
        ("1", "/a;b/c"),
        ("1", "/a%3bb/c"),
        ("2r", "/a;b/c"),
        ("2r", "/a%3bb/c"),
        ("2r", "/a/b;c/d"),
    ]


def test_a_reserved_character_counts_where_a_route_has_one() -> None:
    assert [request_form.is_ambiguous(scope, "/x/y/%40z") for scope in ("0", "1", "1r")] == [False, False, True]


@pytest.mark.parametrize(
    "path",
    [
        "/%",
        "/%4",
        "/%zz",
        "/a%u0061",
        "/%0",
        "/%00",
        "/a b",
        "/a\x00",
        "/é",
        "/a#b",
        "/../a",
        "/%2E./a",
        "/..",
        "a",
        "*",
    ],
)
def test_a_path_that_no_server_can_read(path: str) -> None:
    assert request_form.is_invalid(path)


def test_traefik_sees_what_the_others_see_decoded() -> None:
    for scope in ("1", "3r"):
        decoded = re.compile(request_form.ambiguous_decoded_path(scope), re.IGNORECASE)
        for path in ("//a", "/a/./b", "/a/..", "/a\\b", "/a\nb", "/a%2Fb", "/x/y/..;/z", "/;a/b", "/a;b/c", "/a%3Bb"):
            assert decoded.search(path), (scope, path)
        for path in ("/", "/a b", "/caf\u00e9", "/x/y/z/a;b", "/x..y", "/100%25"):
            assert not decoded.search(path), (scope, path)


@pytest.mark.parametrize("host", ["a.org", "A.org.", "a.org:80", "a", "xn--a-b.a_b.org", "192.0.2.1:8080"])
def test_a_valid_host(host: str) -> None:
    assert re.fullmatch(request_form.HOST, host, re.IGNORECASE)


@pytest.mark.parametrize(
    "host", ["", ".", "a..b", ".a", "a.org..", "a.org:", "a.org:80x", "a@b", "a b", "a/b", "[::1]"]
)
def test_an_invalid_host(host: str) -> None:
    assert not re.fullmatch(request_form.HOST, host, re.IGNORECASE)
