from __future__ import annotations

import json
import typing as t

from fakes import Machine, colored, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.release import stack_networks

FRONT = "po-shop-prod.front"
CREATED: dict[str, dict[str, t.Any]] = {
    "po-shop-default-prod": {"role": "stack", "internal": False, "containers": 2},
    "po-shop-old-prod": {"role": "stack", "internal": False, "containers": 2},
    FRONT: {"role": "front", "internal": True, "containers": 4},
}


def test_the_networks_of_a_release_carry_the_labels_of_the_stack(machine: Machine) -> None:
    assert stack_networks.ensure(machine.ctx, CREATED) == list(CREATED)
    own = {"project": "po", "environment": "prod", "stack": "shop"}
    made = machine.engine.made_networks
    assert made["po-shop-old-prod"] == {
        "internal": False,
        "labels": names.labels(**own, role="stack"),
        "subnet": "10.201.0.64/26",
    }
    assert made[FRONT] == {"internal": True, "labels": names.labels(**own, role="front"), "subnet": "10.201.0.128/26"}


def test_every_proxy_of_the_project_joins_the_network_of_the_stack_once(machine: Machine) -> None:
    joined: list[tuple[str, str]] = []
    connect = machine.engine.connect
    machine.engine.connect = lambda *args: (joined.append(args), connect(*args))[1]  # type: ignore[method-assign]
    machine.engine.start(shared_container("proxy", "po-proxy"), shared_container("postgres", "po-postgres"))
    for _again in range(2):
        stack_networks.ensure(machine.ctx, CREATED)
    assert joined == [(FRONT, "po-proxy")]
    stack_networks.ensure(machine.host.stack("blog"), {"po-blog-default-prod": CREATED["po-shop-default-prod"]})
    assert joined == [(FRONT, "po-proxy")]


def test_a_proxy_on_the_server_itself_joins_nothing_and_needs_published_ports(machine: Machine) -> None:
    machine.proxy.ports = (20000, 20009)
    machine.engine.start(shared_container("proxy", "po-proxy"))
    stack_networks.ensure(machine.ctx, CREATED)
    assert machine.engine.made_networks[FRONT]["internal"] is False
    assert list(machine.engine.containers(role="proxy")[0].addresses) == ["po-proxy"]


def test_a_network_that_no_release_has_is_removed_when_nothing_uses_it(machine: Machine) -> None:
    stack_networks.ensure(machine.ctx, CREATED)
    machine.engine.ensure_network("po-blog-default-prod", False, names.labels(project="po", stack="blog"))
    machine.engine.start(colored("blue", 1, addresses={"po-shop-old-prod": ""}, state="exited"))
    needed = ["po-shop-default-prod", FRONT]
    assert stack_networks.remove_unused(machine.ctx, needed) == []
    machine.engine.remove([colored("blue", 1)])
    assert stack_networks.remove_unused(machine.ctx, needed) == ["po-shop-old-prod"]
    assert set(machine.engine.made_networks) == {"po-shop-default-prod", "po-blog-default-prod", FRONT}
    book = json.loads((machine.root / "networks.json").read_text())
    assert book["subnets"] == {"po-shop-default-prod": "10.201.0.0/26", FRONT: "10.201.0.128/26"}


def test_the_proxy_leaves_a_network_that_no_route_needs_any_more(machine: Machine) -> None:
    machine.engine.start(shared_container("proxy", "po-proxy"), colored("blue", 1, addresses={FRONT: "127.0.0.1"}))
    stack_networks.ensure(machine.ctx, CREATED)
    needed = ["po-shop-default-prod", "po-shop-old-prod"]
    assert stack_networks.remove_unused(machine.ctx, needed) == []
    machine.engine.remove([colored("blue", 1)])
    assert stack_networks.remove_unused(machine.ctx, needed) == [FRONT]
    assert list(machine.engine.containers(role="proxy")[0].addresses) == ["po-proxy"]


def test_the_network_to_the_shared_servers_stays_for_a_rollback(machine: Machine) -> None:
    back = "po-shop-prod.back"
    stack_networks.ensure(machine.ctx, {**CREATED, back: {"role": "back", "internal": True, "containers": 4}})
    machine.engine.start(shared_container("postgres", "po-postgres", back))
    assert stack_networks.remove_unused(machine.ctx, list(CREATED)) == []
    assert back in machine.engine.containers(role="postgres")[0].addresses
