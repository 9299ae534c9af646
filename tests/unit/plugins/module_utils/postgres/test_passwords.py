from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import passwords, scram


def test_a_password_is_made_once_and_for_root_alone(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    assert passwords.missing(folder, ["a", "b"]) == ["a", "b"]
    passwords.create(folder, ["a", "b"])
    path = passwords.password_path(folder, "a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    word = path.read_text()
    assert len(word) == 40
    assert word != passwords.password_path(folder, "b").read_text()
    assert passwords.missing(folder, ["a", "c"]) == ["c"]
    passwords.create(folder, ["c"])
    assert path.read_text() == word


def test_a_verifier_leaves_the_server_and_the_password_does_not(tmp_path: Path) -> None:
    passwords.create(tmp_path, ["a"])
    word = passwords.password_path(tmp_path, "a").read_text()
    found = passwords.verifiers(tmp_path, ["a", "nobody"])
    assert found == {"a": scram.verifier(word, "a")}
    assert word not in str(found)


def test_the_configuration_of_the_server_holds_them(tmp_path: Path) -> None:
    passwords.create(tmp_path, ["a"])
    assert (tmp_path / "conf" / "logins" / "a.key").samefile(passwords.password_path(tmp_path, "a"))


def test_something_else_in_the_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "logins").mkdir()
    with pytest.raises(SwitchyardError, match="is not the link"):
        passwords.create(tmp_path, ["a"])
