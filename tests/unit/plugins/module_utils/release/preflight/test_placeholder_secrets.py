"""Secrets with a value that an example left."""

from __future__ import annotations

import pytest
from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import placeholder_secrets
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "CHANGE_ME",
        "change-me!",
        "example",
        "Secret123",
        "<password>",
        "<your secret here>",
        "[secret]",
        "${DB_PASSWORD}",
        "%SECRET%",
        "xxxxxx",
        "todo",
        "password1",
    ],
)
def test_a_placeholder(value: str) -> None:
    (problem,) = placeholder_secrets.problems({"key": value}, "stacks[shop]")
    assert (problem.where, problem.code) == ("stacks[shop].secrets.key", "stack.secret_placeholder")
    # A value is in no message: it could be a real one after all.
    assert value.lower() not in problem.message.lower()


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "x",
        "e2e-marker-redis",
        "example-9f8a7b6c5d",
        "9f8a7b6c",
        "secret-83472-93847",
        "correct horse battery",
    ],
)
def test_a_real_secret(value: str) -> None:
    assert placeholder_secrets.problems({"key": value}, "stacks[shop]") == []


def test_an_empty_secret_and_one_that_is_its_own_name() -> None:
    found = placeholder_secrets.problems({"django_key": "DJANGO_KEY", "redis_password": " "}, "stacks[shop]")
    assert [(problem.where, problem.message) for problem in found] == [
        ("stacks[shop].secrets.django_key", "is its own name"),
        ("stacks[shop].redis.password", "is empty"),
    ]


def test_the_secrets_of_the_stack_are_checked(machine: Machine) -> None:
    def check(value: str) -> list[str]:
        context = StackCheckContext(HostCheckContext(machine.host), given(secrets={"key": value}))
        return [problem.code for problem in placeholder_secrets.check(context)]

    assert (check("hunter2"), check("changeme")) == ([], ["stack.secret_placeholder"])


def test_a_placeholder_of_a_proposed_inventory_is_reported_once_by_the_check_of_the_inventory() -> None:
    assert placeholder_secrets.problems({"key": "<fill in: the secret value of key>"}, "stacks[shop]") == []
