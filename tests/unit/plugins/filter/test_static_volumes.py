from __future__ import annotations

from fakes import HOST, written

from ansible_collections.switchyard.stacks.plugins.filter.static_volumes import FilterModule

static_volumes = FilterModule().filters()["static_volumes"]


def test_each_volume_once_with_the_name_that_a_release_gives_it() -> None:
    ways = [{"volume": name, "hosts": [HOST], "path": f"/{name}{ctx}/"} for name in ("static", "media") for ctx in "ab"]
    assert static_volumes([written(static=ways)], "po", "prod") == [
        {"name": "po-shop-static-prod", "stack": "shop"},
        {"name": "po-shop-media-prod", "stack": "shop"},
    ]


def test_a_stack_without_files() -> None:
    assert static_volumes([written(), {"name": "worker", "static": None}], "po", "prod") == []
