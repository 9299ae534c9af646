from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.edge_stages import FilterModule


def test_the_filter_gives_the_labels_one_after_another() -> None:
    edge_stages = FilterModule().filters()["edge_stages"]
    now, wanted = {"traefik.http.routers.web.rule": "a"}, {"traefik.http.routers.web.rule": "b"}
    assert edge_stages(wanted, now, {"meanwhile": "1"}) == [{"meanwhile": "1"}, wanted]
    assert edge_stages(now, now, {}) == [now]
