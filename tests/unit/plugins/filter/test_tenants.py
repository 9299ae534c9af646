from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.filter.tenants import FilterModule


def test_each_filter_is_there_by_its_name() -> None:
    assert sorted(FilterModule().filters()) == [
        "back_networks",
        "front_networks",
        "postgres_plan",
        "postgres_tenants",
        "redis_plan",
        "redis_tenants",
    ]


def test_a_mistake_in_the_inventory_is_an_error_of_the_filter() -> None:
    postgres_tenants = FilterModule().filters()["postgres_tenants"]
    with pytest.raises(AnsibleFilterError, match="password is missing"):
        postgres_tenants([{"name": "shop", "postgres": {}}], "prod")


def test_a_plan_is_a_dictionary_whose_problems_are_texts() -> None:
    tenants = [{"user": user, "password": "secret", "databases": [2]} for user in ("one", "two")]
    plan = FilterModule().filters()["redis_plan"](tenants, "po", "prod", "~* +@all", 16, "")
    assert plan["problems"] == [
        "redis_tenants: two asks for database 2, but it belongs to one."
        " Use another number below 16 for redis.databases of the stack."
    ]
    assert plan["differ"] == ["allotted/prod.json", "users/prod.acl"]
