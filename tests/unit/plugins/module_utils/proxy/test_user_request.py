from __future__ import annotations

import socket
from http.client import HTTPConnection

import pytest
from fakes import application

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import user_request
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.user_request import Response


def test_the_answer_of_an_application() -> None:
    with application(lambda path, headers: (404, {"X-Kind": path}, headers["Host"])) as port:
        response = user_request.get(HTTPConnection("127.0.0.1", port), "/a?b=c", {"Host": "shop.example.org"})
    assert (response.status, response.headers["x-kind"], response.body) == (404, "/a?b=c", "shop.example.org")


def test_no_answer_is_an_error_of_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        address = server.getsockname()
        with pytest.raises(OSError, match="timed out"):
            user_request.get(HTTPConnection(*address, timeout=0.05), "/", {"Host": "shop.example.org"})


@pytest.mark.parametrize(
    ("status", "location", "leads"),
    [
        (301, "https://shop.example.org/x?y=z", True),
        (308, "https://shop.example.org:8443/x?y=z", True),
        (200, "https://shop.example.org/x?y=z", False),
        (301, "https://www.example.org/x?y=z", False),
        (301, "https://shop.example.org/login", False),
        (301, "http://shop.example.org/x?y=z", False),
        (301, "/x?y=z", False),
    ],
)
def test_a_redirect_that_changes_the_scheme_only(status: int, location: str, leads: bool) -> None:
    assert Response(status, {"location": location}, "").redirects_to_https("shop.example.org", "/x?y=z") is leads
