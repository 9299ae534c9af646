from __future__ import annotations

import pytest
from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.release.older_versions import older_versions
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record


def live(images: dict[str, str], stack: Stack | None = None) -> Record:
    return Record(1, "blue", "live", "f", stack or checked(), "ann", 1.0, service_images=images)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("reg:5000/shop:2.0.0", "reg:5000/shop:1.0.0", "reg:5000/shop: 2.0.0 -> 1.0.0"),
        ("postgres:17", "postgres:16", "postgres: 17 -> 16"),
        ("docker.io/library/redis:8.0", "redis:7.4", "redis: 8.0 -> 7.4"),
        ("shop:2.0.0@sha256:aa", "shop:1.0.0@sha256:bb", "shop: 2.0.0 -> 1.0.0"),
        ("shop:1.0.0", "shop:2.0.0", None),
        ("shop:2.0.0", "shop:2.0.0", None),
        ("shop:2.0.0", "blog:1.0.0", None),
        ("shop:2.0.0", "shop:main", None),
        ("shop@sha256:aa", "shop:1.0.0", None),
        ("reg:5000/shop", "reg:5000/shop:1.0.0", None),
    ],
)
def test_the_image_of_a_service(before: str, after: str, expected: str | None) -> None:
    assert older_versions(live({"web": before}), checked(), {"web": after}) == ((expected,) if expected else ())


def test_several_services() -> None:
    before = {"web": "shop:2.0.0", "worker": "shop:2.0.0", "store": "shop:1.0.0", "gone": "blog:2.0.0"}
    after = {"web": "shop:1.0.0", "worker": "shop:1.0.0", "store": "shop:1.0.0", "new": "blog:1.0.0"}
    assert older_versions(live(before), checked(), after) == ("shop: 2.0.0 -> 1.0.0",)
    assert older_versions(live(before), checked(), before) == ()


def test_a_first_release_is_older_than_nothing() -> None:
    assert older_versions(None, checked(), {"web": "shop:1.0.0"}) == ()


@pytest.mark.parametrize(
    ("url", "version", "expected"),
    [
        ("git@a:shop.git", "v1.9.0", ("git@a:shop.git: v1.10.0 -> v1.9.0",)),
        ("git@a:shop.git", "v1.11.0", ()),
        ("git@a:shop.git", "main", ()),
        ("git@b:shop.git", "v1.9.0", ()),
    ],
)
def test_the_version_of_a_git_repository(url: str, version: str, expected: tuple[str, ...]) -> None:
    before = checked(source={"git": "git@a:shop.git", "version": "v1.10.0"})
    assert older_versions(live({}, before), checked(source={"git": url, "version": version}), {}) == expected
