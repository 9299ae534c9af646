from __future__ import annotations

from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_networks


def test_networks_of_the_file_get_our_names_except_external_ones() -> None:
    content = normalised(web={"networks": {"inside": None, "legacy": None}})
    content["networks"] = {"inside": {"name": "stack_inside", "internal": True}}
    content["networks"]["legacy"] = {"name": "company-lan", "external": True}
    networks = compose_networks.Networks(content, checked(), "po", "prod", {"web": "routed"})
    assert networks.created() == {"po-shop-inside-prod": {"internal": True, "containers": 2}}
    assert networks.server_name("legacy") == "company-lan"


def test_networks_called_front_and_back_are_the_stacks_own() -> None:
    content = normalised(web={"networks": {"front": None, "back": None}})
    content["networks"] = {"front": {}, "back": {"internal": True}}
    networks = compose_networks.Networks(content, checked(), "po", "prod", {"web": "routed"})
    assert networks.created() == {
        "po-shop-back-prod": {"internal": True, "containers": 2},
        "po-shop-front-prod": {"internal": False, "containers": 2},
    }
    assert networks.of_service("web") == {"po-shop-front-prod": {}, "po-shop-back-prod": {}, "po-front-prod": {}}


def test_only_a_routed_service_joins_the_proxys_network() -> None:
    content = normalised(web={}, celery={})
    roles = {"web": "routed", "celery": "worker"}
    networks = compose_networks.Networks(content, checked(workers=["celery"]), "po", "prod", roles)
    assert networks.of_service("web") == {"po-shop-default-prod": {}, "po-front-prod": {}}
    assert networks.of_service("celery") == {"po-shop-default-prod": {"aliases": ["celery"]}}


def test_a_network_has_room_for_both_colors_and_for_what_runs_once() -> None:
    content = normalised(web={"scale": 3}, api={}, celery={"deploy": {"replicas": 4}}, db={}, init={})
    roles = {"web": "routed", "api": "inner", "celery": "worker", "db": "accessory", "init": "one-shot"}
    networks = compose_networks.Networks(content, checked(workers=["celery"]), "po", "prod", roles)
    assert networks.created()["po-shop-default-prod"]["containers"] == 2 * 3 + 2 + 4 + 1 + 1
