from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from fakes import written

from ansible_collections.switchyard.stacks.plugins.filter.stack_secrets import FilterModule, stack_secrets


def test_the_secrets_of_one_stack_with_those_of_the_shared_servers() -> None:
    stacks = [
        written(name="blog", secrets={"key": "other"}),
        written(secrets={"key": "s1", "pin": 1234}, postgres={"password": "s2"}),
    ]
    secrets = FilterModule().filters()["stack_secrets"](stacks, "shop")
    assert secrets == {"key": "s1", "pin": "1234", "postgres_password": "s2"}


def test_a_stack_without_secrets() -> None:
    assert stack_secrets([written()], "shop") == {}


def test_a_stack_that_is_not_there() -> None:
    with pytest.raises(AnsibleFilterError, match="There is no stack blog"):
        stack_secrets([written()], "blog")
