from __future__ import annotations

from fakes import written

from ansible_collections.switchyard.stacks.plugins.module_utils.config.secrets import secrets_of


def test_the_passwords_of_the_application_are_among_its_secrets() -> None:
    postgres = {"password": "s2", "ro_password": "s4", "backup_password": "s5"}
    stack = written(secrets={"key": "s1"}, postgres=postgres, redis={"password": "s3", "databases": 1})
    assert secrets_of(stack) == {"key": "s1", "postgres_password": "s2", "redis_password": "s3"}


def test_values_are_text_as_in_yaml() -> None:
    assert secrets_of(written(secrets={"pin": 1234, "debug": True}, postgres=None)) == {"pin": "1234", "debug": "true"}


def test_a_stack_without_secrets() -> None:
    assert secrets_of(written()) == {}
