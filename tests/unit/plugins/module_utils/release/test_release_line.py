from __future__ import annotations

from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record
from ansible_collections.switchyard.stacks.plugins.module_utils.release.release_line import (
    ReleaseLine,
    release_line,
    version_of,
)

RECORD = Record(3, "green", "live", "f", checked(), "ann@laptop", 1.0, finished=27.0)


def test_a_release_in_one_line() -> None:
    named = {"web": "reg:5000/shop/web:1.4.0", "cache": "redis:8.0"}
    record = RECORD.updated(service_images=named)
    assert release_line(record) == ReleaseLine(3, "1.4.0", 27.0, "ann@laptop")
    assert release_line(None) is None


def test_without_the_images_of_its_services_a_release_has_all_its_tags() -> None:
    assert version_of(RECORD.updated(images={"shop:2": "x", "redis:8.0": "y", "web:2": "z"})) == "2, 8.0"
    assert version_of(RECORD) == "-"
    named = RECORD.updated(service_images={"web": "shop"})
    assert version_of(named) == "latest"
