from __future__ import annotations

import re

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import client_headers


def test_the_expression_is_for_every_removed_header_and_those_that_a_proxy_writes() -> None:
    names = [*client_headers.REMOVED, *client_headers.WRITTEN, "X-Forwarded-Anything-Else"]
    pattern = re.compile(client_headers.removed_pattern())
    assert [name for name in names if not pattern.match(name.lower())] == []
    assert set(client_headers.REMOVED).isdisjoint(client_headers.WRITTEN)
    assert len({name.lower() for name in client_headers.REMOVED}) == len(client_headers.REMOVED)


@pytest.mark.parametrize("name", ["host", "x-request-id", "x-forward", "proxy-authorization", "my-forwarded", "cookie"])
def test_other_headers_pass(name: str) -> None:
    assert not re.match(client_headers.removed_pattern(), name)
