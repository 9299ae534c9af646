from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import Machine, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import secret_files

SECRET = {"secrets": [{"source": "key"}]}
IMAGES = {"reg/web:1": "reg/web:1", "reg/celery:1": "reg/celery:1"}


def test_secret_files_belong_to_the_user_that_reads_them(machine: Machine) -> None:
    machine.engine.__init__(images=list(IMAGES))  # type: ignore[misc]
    content = normalised(web=SECRET, celery=SECRET, cache={})
    spec = given(content, {"key": "x"})
    for image in IMAGES:
        machine.engine.images[image] = replace(machine.engine.images[image], user=1234)
    assert secret_files.owner_of_secrets(machine.ctx, content, spec, IMAGES) == 1234
    content["services"]["web"]["user"] = content["services"]["celery"]["user"] = "77:88"
    assert secret_files.owner_of_secrets(machine.ctx, content, spec, IMAGES) == 77
    content["services"]["web"]["user"] = "app"
    with pytest.raises(SwitchyardError, match="different users, or as a user without a number") as error:
        secret_files.owner_of_secrets(machine.ctx, content, spec, IMAGES)
    assert error.value.hint == "Write secrets_owner: <the user's number>."
    named = given(content, {"key": "x"}, secrets_owner=5)
    assert secret_files.owner_of_secrets(machine.ctx, content, named, IMAGES) == 5


def test_only_services_with_secrets_read_them() -> None:
    assert [service["image"] for service in secret_files.readers(normalised(web=SECRET, cache={}))] == ["reg/web:1"]
    assert secret_files.readers({}) == []


def test_secrets_are_written_for_their_reader_only(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    content = normalised(web=SECRET)
    secret_files.write(machine.ctx, folder, content, given(content), {})
    assert list(folder.iterdir()) == []
    owner = folder.stat().st_uid
    secret_files.write(machine.ctx, folder, content, given(content, {"key": "x"}, secrets_owner=owner), {})
    path = folder / "secrets" / "key"
    assert (path.read_text(), path.stat().st_mode & 0o777, path.stat().st_uid) == ("x", 0o400, owner)
    assert path.parent.stat().st_mode & 0o777 == 0o700
