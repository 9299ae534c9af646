from __future__ import annotations

import pytest
from fakes import written

from ansible_collections.switchyard.stacks.plugins.module_utils.config import stack_services


def test_only_stacks_that_use_a_server_are_its_tenants() -> None:
    stacks = [written(postgres={"password": "p"}), written(name="blog")]
    assert [name for name, _settings in stack_services.stacks_using(stacks, "postgres")] == ["shop"]
    assert list(stack_services.stacks_using(stacks, "redis")) == []


@pytest.mark.parametrize("settings", ["hunter2", {}, {"password": ""}])
def test_a_tenant_without_a_password_is_an_error_that_does_not_show_it(settings: object) -> None:
    with pytest.raises(ValueError, match=r"switchyard_stacks\[shop\]\.postgres\.password is missing") as error:
        list(stack_services.stacks_using([written(postgres=settings)], "postgres"))
    assert "hunter2" not in str(error.value)


def test_a_digest_is_the_one_of_sha256() -> None:
    assert stack_services.sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_each_stack_with_routes_has_a_network_to_the_proxy() -> None:
    route = {"routes": [{"service": "web"}]}
    stacks = [{"name": "shop", **route}, {"name": "jobs"}, {"name": "local", "strategy": "in_place", **route}]
    assert stack_services.front_networks(stacks, "po", "prod", True) == [
        {"name": "po-shop-prod.front", "stack": "shop", "role": "front", "internal": True}
    ]
    assert not stack_services.front_networks(stacks, "po", "prod", False)[0]["internal"]


def test_each_stack_with_a_tenant_has_a_network_to_the_servers() -> None:
    tenants = [{"user": "a", "stack": "shop"}, {"user": "b"}, {"user": "c", "stack": "shop"}, {"user": "d"}]
    assert stack_services.back_networks(tenants, "po", "prod") == [
        {"name": "po-shop-prod.back", "stack": "shop", "role": "back", "internal": True},
        {"name": "po-back-prod", "stack": "", "role": "back", "internal": True},
    ]


def test_no_login_gets_a_placeholder_as_its_password() -> None:
    settings = {"password": "<fill in: a random password>"}
    with pytest.raises(ValueError, match=r"\[shop\]\.redis\.password is still <fill in: a random password>"):
        list(stack_services.stacks_using([written(redis=settings)], "redis"))
