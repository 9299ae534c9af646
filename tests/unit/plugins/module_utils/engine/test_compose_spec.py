from __future__ import annotations

import typing as t

import pytest
from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_render, compose_spec


def fates(content: dict[str, t.Any]) -> dict[str, str]:
    return {found.path: found.fate.fate for found in compose_spec.keys_of(content)}


def test_each_key_of_a_file_has_its_fate() -> None:
    content = normalised(web={"x-note": "a", "ports": [{"target": 80}], "networks": {"default": {"aliases": ["a"]}}})
    content["volumes"] = {"data": {"name": "other"}}
    assert fates(content) == {
        "name": "changed",
        "networks": "kept",
        "services": "kept",
        "volumes": "kept",
        "services.web.image": "changed",
        "services.web.networks": "changed",
        "services.web.ports": "changed",
        "services.web.networks.default.aliases": "changed",
        "networks.default.name": "changed",
        "volumes.data.name": "changed",
    }


def test_keys_of_the_items_of_a_list_have_their_fate() -> None:
    mounts = [{"type": "bind", "source": "/a", "target": "/b"}, {"type": "cluster", "new": 1}]
    found = fates(normalised(web={"volumes": mounts}))
    assert found["services.web.volumes[0].source"] == "changed"
    assert found["services.web.volumes[1].new"] == "refused"


def test_a_key_that_is_not_known_is_refused() -> None:
    content = {**normalised(web={"quantum": True}), "agents": {"a": {}}}
    refused = [found.path for found in compose_spec.keys_of(content) if found.fate.refuses(found.value)]
    assert refused == ["agents", "services.web.quantum"]


@pytest.mark.parametrize(
    ("key", "value", "refused"),
    [
        ("privileged", True, False),
        ("network_mode", "host", False),
        ("network_mode", "service:web", True),
        ("pid", "service:web", True),
        ("pid", "container:db", False),
        ("credential_spec", {"file": "a"}, True),
        ("sysctls", {"net.core.somaxconn": "1"}, False),
        ("sysctls", {"net.core.somaxconn": "1", "kernel.panic": "1"}, True),
        ("pid", "host", False),
        ("ipc", "service:web", True),
        ("ipc", "shareable", False),
        ("volumes_from", ["db"], True),
        ("volumes_from", ["container:other:ro", "db"], True),
        ("volumes_from", ["container:other:ro"], False),
        ("volumes_from", [], False),
        ("provider", {"type": "/usr/bin/id"}, True),
        ("command", ["x"], False),
    ],
)
def test_what_is_refused(key: str, value: t.Any, refused: bool) -> None:
    assert compose_spec.SERVICE[key].refuses(value) is refused


def test_what_rendering_drops_is_not_called_kept() -> None:
    kept = {key for key, fate in compose_spec.SERVICE.items() if fate.fate == compose_spec.KEPT}
    assert kept & set(compose_render.DROPPED) == set()


def test_what_is_called_kept_arrives_in_a_color() -> None:
    from fakes import checked

    # Compose resolves these before a release sees them.
    resolved = {key for key, fate in compose_spec.SERVICE.items() if fate.reason == compose_spec.READ_BY_COMPOSE}
    fates = (compose_spec.KEPT, compose_spec.NEEDS_ALLOW)
    kept = {key for key, fate in compose_spec.SERVICE.items() if fate.fate in fates} - resolved
    content = normalised(web={key: f"value of {key}" for key in kept - {"deploy", "configs"}})
    color = compose_render.render(content, checked(), compose_render.Release("po", "prod")).colors["blue"]
    service = color["services"]["po-shop-web-prod-blue"]
    assert {key: service.get(key) for key in kept - {"deploy", "configs"}} == {
        key: f"value of {key}" for key in kept - {"deploy", "configs"}
    }
