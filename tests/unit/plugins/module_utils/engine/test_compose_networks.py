from __future__ import annotations

from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_networks


def test_networks_of_the_file_get_our_names_except_external_ones() -> None:
    content = normalised(web={"networks": {"inside": None, "legacy": None}})
    content["networks"] = {"inside": {"name": "stack_inside", "internal": True}}
    content["networks"]["legacy"] = {"name": "company-lan", "external": True}
    networks = compose_networks.Networks(content, checked(), "po", "prod", {"web": "routed"})
    assert networks.created() == {"po-inside-prod": {"internal": True}}
    assert networks.server_name("legacy") == "company-lan"


def test_only_a_routed_service_joins_the_proxys_network() -> None:
    content = normalised(web={}, celery={})
    roles = {"web": "routed", "celery": "worker"}
    networks = compose_networks.Networks(content, checked(workers=["celery"]), "po", "prod", roles)
    assert networks.of_service("web") == {"default": {}, "front": {}}
    assert networks.of_service("celery") == {"default": {"aliases": ["celery"]}}
