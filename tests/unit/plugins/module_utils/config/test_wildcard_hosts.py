from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.config import wildcard_hosts


@pytest.mark.parametrize(
    ("pattern", "host", "covered"),
    [
        ("a.org", "a.org", True),
        ("a.org", "b.a.org", False),
        ("*.a.org", "b.a.org", True),
        ("*.a.org", "c.b.a.org", False),
        ("*.a.org", "a.org", False),
        ("*.a.org", ".a.org", False),
        ("*.a.org", "bxa.org", False),
        ("*.a.org", "*.a.org", True),
    ],
)
def test_a_wildcard_is_for_one_label(pattern: str, host: str, covered: bool) -> None:
    assert wildcard_hosts.covers(pattern, host) is covered


def test_a_request_has_a_name_that_the_host_covers() -> None:
    assert wildcard_hosts.example_of("a.org") == "a.org"
    assert wildcard_hosts.covers("*.a.org", wildcard_hosts.example_of("*.a.org"))
