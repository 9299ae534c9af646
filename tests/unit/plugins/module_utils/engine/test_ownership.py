from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import ownership


@pytest.mark.parametrize(
    ("labels", "owner"),
    [
        ({}, "no stack"),
        ({"project": "po", "stack": "blog", "environment": "prod"}, "the stack blog (project po, prod)"),
        ({"project": "other", "environment": "prod"}, "the shared servers (project other, prod)"),
        ({"project": "po"}, "the shared servers (project po, shared)"),
    ],
)
def test_a_network_of_our_name_belongs_to_who_labelled_it(labels: dict[str, str], owner: str) -> None:
    present = {**names.labels(**labels), "com.docker.compose.project": "their"}
    found = ownership.conflict("network", "po-shop-prod.front", present, ("po", "", "prod"))
    assert found == f"the network po-shop-prod.front exists and belongs to {owner}"
    assert ownership.conflict("network", "po-shop-prod.front", present, names.owner(present)) is None
