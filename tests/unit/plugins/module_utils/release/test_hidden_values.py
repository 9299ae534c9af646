from __future__ import annotations

from dataclasses import replace

from fakes import given

from ansible_collections.switchyard.stacks.plugins.module_utils.release.hidden_values import hidden_values, hide


def test_secrets_and_values_of_environment_files_the_longest_first() -> None:
    spec = given(secrets={"key": "hunter2", "short": "abc"})
    spec = replace(spec, sources={"compose.yml": "a: b=longer", ".env": "A=of-env\nB=1", "web.env": "C='two words'"})
    assert hidden_values(spec) == ["C='two words'", "'two words'", "two words", "A=of-env", "hunter2", "of-env"]


def test_values_are_replaced_by_digests_that_differ_with_them() -> None:
    assert hide("a secret, a secret2", ["secret2", "secret"]) == "a (...), a (...)"
    first, second = (hide(f"-p {value}", [value], "key") for value in ("one-secret", "two-secret"))
    assert first != second
    assert "secret" not in first + second
    assert hide("-p one-secret", ["one-secret"], "another key") != first
