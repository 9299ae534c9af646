from __future__ import annotations

import json

from fakes import Machine, colored

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.release import stack_networks

CREATED = {name: {"internal": False, "containers": 2} for name in ("po-shop-default-prod", "po-shop-old-prod")}


def test_the_networks_of_a_release_carry_the_labels_of_the_stack(machine: Machine) -> None:
    assert stack_networks.ensure(machine.ctx, CREATED) == list(CREATED)
    labels = names.labels(project="po", environment="prod", stack="shop", role="stack")
    assert machine.engine.made_networks["po-shop-old-prod"]["labels"] == labels
    assert machine.engine.made_networks["po-shop-old-prod"]["subnet"] == "10.201.0.64/26"


def test_a_network_that_no_release_has_is_removed_when_nothing_uses_it(machine: Machine) -> None:
    stack_networks.ensure(machine.ctx, CREATED)
    machine.engine.ensure_network("po-blog-default-prod", False, names.labels(project="po", stack="blog"))
    front = names.labels(project="po", environment="prod", role="front")
    machine.engine.ensure_network("po-front-prod", False, front)
    machine.engine.start(colored("blue", 1, addresses={"po-shop-old-prod": ""}, state="exited"))
    assert stack_networks.remove_unused(machine.ctx, ["po-shop-default-prod"]) == []
    machine.engine.remove([colored("blue", 1)])
    assert stack_networks.remove_unused(machine.ctx, ["po-shop-default-prod"]) == ["po-shop-old-prod"]
    assert set(machine.engine.made_networks) == {"po-shop-default-prod", "po-blog-default-prod", "po-front-prod"}
    book = json.loads((machine.root / "networks.json").read_text())
    assert book["subnets"] == {"po-shop-default-prod": "10.201.0.0/26"}
