from __future__ import annotations

import typing as t

from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_networks

FRONT = {"role": "front", "internal": True, "containers": 4}


def network(containers: int = 2, internal: bool = False) -> dict[str, t.Any]:
    return {"role": "stack", "internal": internal, "containers": containers}


def test_networks_of_the_file_get_our_names_except_external_ones() -> None:
    content = normalised(web={"networks": {"inside": None, "legacy": None}})
    content["networks"] = {"inside": {"name": "stack_inside", "internal": True}}
    content["networks"]["legacy"] = {"name": "company-lan", "external": True}
    networks = compose_networks.Networks(content, checked(), "po", "prod", {"web": "routed"})
    assert networks.created() == {"po-shop-inside-prod": network(internal=True), "po-shop-prod.front": FRONT}
    assert networks.server_name("legacy") == "company-lan"


def test_networks_called_front_and_back_are_the_files_own() -> None:
    content = normalised(web={"networks": {"front": None, "back": None}})
    content["networks"] = {"front": {}, "back": {"internal": True}}
    networks = compose_networks.Networks(content, checked(), "po", "prod", {"web": "routed"})
    assert networks.created() == {
        "po-shop-back-prod": network(internal=True),
        "po-shop-front-prod": network(),
        "po-shop-prod.front": FRONT,
    }
    assert networks.of_service("web") == {"po-shop-front-prod": {}, "po-shop-back-prod": {}, "po-shop-prod.front": {}}


def test_only_a_routed_service_joins_the_proxys_network() -> None:
    content = normalised(web={}, celery={})
    roles = {"web": "routed", "celery": "worker"}
    networks = compose_networks.Networks(content, checked(workers=["celery"]), "po", "prod", roles)
    assert networks.of_service("web") == {"po-shop-default-prod": {}, "po-shop-prod.front": {}}
    assert networks.of_service("celery") == {"po-shop-default-prod": {"aliases": ["celery"]}}
    assert networks.created() == {"po-shop-default-prod": network(3), "po-shop-prod.front": FRONT}


def test_all_services_of_a_stack_with_a_shared_server_join_its_network() -> None:
    stack = checked(redis={"password": "x", "databases": 1}, workers=["celery"])
    roles = {"web": "routed", "celery": "worker"}
    networks = compose_networks.Networks(normalised(web={}, celery={}), stack, "po", "prod", roles)
    assert [name for name in roles if "po-shop-prod.back" in networks.of_service(name)] == ["web", "celery"]
    assert networks.created()["po-shop-prod.back"] == {"role": "back", "internal": True, "containers": 5}
    other = compose_networks.Networks(normalised(web={}, celery={}), stack, "po", "qual", roles)
    assert not set(networks.created()) & set(other.created())


def test_a_service_without_networks_joins_none() -> None:
    content = normalised(web={}, tool={"network_mode": "none", "networks": {}})
    networks = compose_networks.Networks(
        content, checked(inner=["tool"]), "po", "prod", {"web": "routed", "tool": "inner"}
    )
    assert networks.of_service("tool") == {}
    assert networks.created() == {"po-shop-default-prod": network(2), "po-shop-prod.front": FRONT}


def test_a_network_has_room_for_both_colors_and_for_what_runs_once() -> None:
    content = normalised(web={"scale": 3}, api={}, celery={"deploy": {"replicas": 4}}, db={}, init={})
    roles = {"web": "routed", "api": "inner", "celery": "worker", "db": "accessory", "init": "one-shot"}
    networks = compose_networks.Networks(content, checked(workers=["celery"]), "po", "prod", roles)
    assert networks.created()["po-shop-default-prod"]["containers"] == 2 * 3 + 2 + 4 + 1 + 1
    assert networks.created()["po-shop-prod.front"]["containers"] == 2 + 2 * 3


STORE = {"image": "postgres:17"}
ROLES = {"web": "routed", "db": "accessory"}


def test_a_database_has_no_way_out_and_the_others_reach_it() -> None:
    networks = compose_networks.Networks(normalised(web={}, db=STORE), checked(accessories=["db"]), "po", "prod", ROLES)
    assert networks.created() == {
        "po-shop-default-prod": network(2),
        "po-shop-default-prod.internal": network(3, internal=True),
        "po-shop-prod.front": FRONT,
    }
    assert set(networks.of_service("web")) == {
        "po-shop-default-prod",
        "po-shop-default-prod.internal",
        "po-shop-prod.front",
    }
    assert networks.of_service("db") == {"po-shop-default-prod.internal": {"aliases": ["db"]}}
    assert networks.is_own("db")


def test_the_inventory_chooses_who_has_a_way_out() -> None:
    def joined(service: str, **egress: bool) -> list[str]:
        stack = checked(accessories=["db"], egress=egress)
        networks = compose_networks.Networks(normalised(web={}, db=STORE), stack, "po", "prod", ROLES)
        return [name for name in networks.of_service(service) if not name.endswith(".front")]

    assert joined("db", db=True) == joined("web", db=True) == ["po-shop-default-prod"]
    assert joined("db", web=False) == joined("web", web=False) == ["po-shop-default-prod.internal"]
    assert joined("web", db=False) == ["po-shop-default-prod", "po-shop-default-prod.internal"]


def test_services_that_the_file_separates_stay_separate() -> None:
    content = normalised(
        web={"networks": {"outer": None}},
        api={"networks": {"outer": None, "inner": None}},
        db={**STORE, "networks": {"inner": None}},
    )
    content["networks"] = {"outer": {}, "inner": {}}
    roles = {"web": "routed", "api": "inner", "db": "accessory"}
    networks = compose_networks.Networks(content, checked(accessories=["db"]), "po", "prod", roles)
    reached = {name: set(networks.of_service(name)) - {networks.front} for name in roles}
    assert not reached["web"] & reached["db"]
    assert reached["web"] & reached["api"] == {"po-shop-outer-prod"}
    assert reached["api"] & reached["db"] == {"po-shop-inner-prod.internal"}
    assert not networks.created()["po-shop-inner-prod"]["internal"]


def test_a_network_that_the_file_closes_or_does_not_create_is_left_alone() -> None:
    content = normalised(
        web={"networks": {"lan": None, "inside": None}}, db={**STORE, "networks": {"lan": None, "inside": None}}
    )
    content["networks"] = {"lan": {"external": True}, "inside": {"internal": True}}
    networks = compose_networks.Networks(content, checked(accessories=["db"]), "po", "prod", ROLES)
    assert set(networks.of_service("db")) == {"lan", "po-shop-inside-prod"}
    assert networks.created() == {"po-shop-inside-prod": network(3, internal=True), "po-shop-prod.front": FRONT}
