from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import compose_valid


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("env file config/web.env not found", "Create it in source.path, as from an example next to it, or write"),
        ("env file /etc/app/web.env not found", "Create it on the server, or write required: false in env_file"),
        ("required variable KEY is missing a value: a key", "Write KEY in variables or in .env"),
        ('service "a" refers to undefined volume b', "Define it in the Compose file: volumes: {b: {}}"),
        ('service "a" refers to undefined build secret b', "Define it in the Compose file: secrets: {b: {}}"),
        ('service "a" depends on undefined service "databse": x', "Did you mean 'database'?"),
        ('service "a" depends on undefined service "b": x', "Define the service b, or remove it there"),
        ("open common.yml: no such file or directory", "Create the file in source.path, or remove the key"),
        ("yaml: line 3: x", "Try it with 'docker compose config'"),
    ],
)
def test_a_message_has_what_to_do(message: str, hint: str) -> None:
    assert compose_valid.hint_of(message, ["web", "database"]).startswith(hint)
