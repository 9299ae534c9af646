from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_postgres import add_backup, backup_request

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    options,
    verify_existing,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import verify as backup_verify
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.manifest import Manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server


def params(**given: t.Any) -> dict[str, t.Any]:
    """Return a module's options with their defaults."""
    spec = {**options.SERVER_OPTIONS, **options.BACKUP_OPTIONS, **options.RUN_OPTIONS}
    ctx = {"root": "/srv", "project": "po", "environment": "prod", "stack": "my-shop"}
    return {**{name: one.get("default") for name, one in spec.items()}, **ctx, **given}


@pytest.mark.parametrize(("state", "changed"), [("dumped", True), ("restored", False)])
def test_an_existing_backup_is_verified_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, changed: bool
) -> None:
    store = options.store_of(params(root=str(tmp_path)))
    made = add_backup(store, state=state)
    monkeypatch.setattr(server, "remove_leftover_containers", lambda *names: [])
    tried: list[str] = []

    def verify(engine: t.Any, where: t.Any, found: Manifest, *how: t.Any) -> Manifest:
        tried.append(found.name)
        return found.verified_as("restored", 1.0)

    monkeypatch.setattr(backup_verify, "verify", verify)
    engine = t.cast("t.Any", None)
    looked = verify_existing.verify_existing(engine, store, backup_request(), "latest", check_mode=True)
    done = verify_existing.verify_existing(engine, store, backup_request(), made.name)
    assert looked.changed is done.changed is changed
    assert looked.diff == done.diff
    assert done.backup
    assert done.backup.state == "restored"
    assert tried == [made.name]


def test_verify_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SwitchyardError, match="verify: none verifies nothing"):
        verify_existing.verify_existing(
            t.cast("t.Any", None), options.store_of(params(root=str(tmp_path))), backup_request(verify="none"), "latest"
        )
