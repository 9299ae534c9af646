from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.release import versions

# Each older than the next (Semantic Versioning 2.0.0, 11; PEP 440).
ORDERED = [
    ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1"],
    ["1.9.0", "1.10.0", "2", "10.0"],
    ["v1.4.0-rc1", "v1.4.0-rc2", "1.4.0", "v1.4.1"],
    ["1.2.dev3", "1.2a1", "1.2b1", "1.2rc1", "1.2"],
    ["15-alpine", "16-bookworm", "17.2"],
    ["20261128", "20261129"],
    ["2026.9.1", "2026.11.1"],
    ["1.2.3-1", "1.2.3-2", "1.2.3-10"],
    ["release-1.2", "release-1.3"],
    ["web_v2.0.0", "web_v2.1.0"],
    ["412", "413"],
]


@pytest.mark.parametrize("tags", ORDERED, ids=lambda tags: tags[0])
def test_tags_in_their_order(tags: list[str]) -> None:
    for index, older in enumerate(tags):
        assert versions.compare(older, older) == 0
        for newer in tags[index + 1 :]:
            assert versions.compare(older, newer) == -1, (older, newer)
            assert versions.compare(newer, older) == 1, (newer, older)


@pytest.mark.parametrize(("one", "other"), [("1.2", "1.2.0"), ("v1.2.0", "1.2.0"), ("1.2.0+build7", "1.2.0+build8")])
def test_the_same_version(one: str, other: str) -> None:
    assert versions.compare(one, other) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("main", "1.0.0"),
        ("3f2a91c", "1a7b2c3"),
        ("sha-1234567", "sha-7654321"),
        ("1.2.3-alpine", "1.2.3-bookworm"),
        ("1.2.3", "1.2.3-hotfix"),
        ("api-1.0.0", "web-2.0.0"),
        ("stable", "edge"),
        ("", "1"),
    ],
)
def test_tags_without_an_order(one: str, other: str) -> None:
    assert versions.compare(one, other) is None
    assert versions.compare(other, one) is None
