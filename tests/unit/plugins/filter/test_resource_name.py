from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.filter.resource_name import FilterModule, resource_name


@pytest.mark.parametrize(
    ("kind", "parts", "made"),
    [
        ("container", ("po", "shop", "web", "prod", "blue"), "po-shop-web-prod-blue"),
        ("volume", ("po", "shop", "data", "prod"), "po-shop-data-prod"),
        ("network", ("po", "po", "default", "prod"), "po-default-prod"),
        ("of_environment", ("po", "own-redis", "prod"), "po-own-redis-prod"),
        ("front", ("po", "shop", "prod"), "po-shop-prod.front"),
        ("back", ("po", "", "prod"), "po-back-prod"),
        ("compose_project", ("po", "shop", "prod", "jobs"), "po_shop_prod_jobs"),
        ("shared", ("po", "proxy"), "po-proxy"),
        ("domain", ("web", "qual", "example.org"), "web-qual.example.org"),
        ("database", ("my-shop", "prod"), "my_shop_prod"),
        ("redis_user", ("shop", "prod"), "shop-prod"),
    ],
)
def test_names_for_playbooks(kind: str, parts: tuple[str, ...], made: str) -> None:
    assert FilterModule().filters()["resource_name"](kind, *parts) == made


def test_a_kind_that_has_no_name_lists_the_kinds() -> None:
    with pytest.raises(
        AnsibleFilterError, match=r"'contaner' is not a kind of resource. Use one of: container, volume"
    ):
        resource_name("contaner", "po")
