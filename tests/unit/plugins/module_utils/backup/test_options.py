from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest
from fakes import checked
from fakes_postgres import stored, wanted

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    offsite_restic,
    options,
    run_restore,
    verify_existing,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import restore as backup_restore
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import verify as backup_verify
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.manifest import Manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.request import GIGABYTE
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.retention import RetentionPolicy
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record, Records


def params(**given: t.Any) -> dict[str, t.Any]:
    """Return a module's options with their defaults."""
    spec = {**options.SERVER_OPTIONS, **options.BACKUP_OPTIONS, **options.HOOK_OPTIONS}
    ctx = {"root": "/srv", "project": "po", "environment": "prod", "stack": "my-shop"}
    return {**{name: one.get("default") for name, one in spec.items()}, **ctx, **given}


def test_without_a_server_ours_is_meant() -> None:
    asked = options.backup_request(params())
    assert (asked.target.container, asked.target.host, asked.database) == ("po-postgres", None, "my_shop_prod")
    assert asked.problems() == []
    assert str(options.store_of(params()).folder) == "/srv/backups/po-prod/my-shop"


def test_a_host_that_is_named_is_not_ours() -> None:
    asked = options.backup_request(params(host="db", image="postgres:17", database="other"))
    assert (asked.target.container, asked.target.host, asked.database) == (None, "db", "other")


def test_options_become_what_is_asked() -> None:
    asked = options.backup_request(params(keep=3, keep_days=9, compare="rows", parallel_from=2, keep_backups=["a"]))
    assert (asked.rule, asked.content, asked.parallel_from, asked.named) == (
        RetentionPolicy(3, 9),
        False,
        2 * GIGABYTE,
        ("a",),
    )


def test_a_backup_of_a_release_that_is_kept_stays(tmp_path: Path) -> None:
    given = params(root=str(tmp_path), keep_backups=["a"])
    where = options.store_of(given)
    for day, release in ((1, 11), (2, 12), (3, None)):
        stored(where, f"2026010{day}T000000Z-000{day}", release=release)
    record = Record(12, "blue", "live", "f", checked(), "me", 1.0)
    path = Records(tmp_path / "po-prod" / "my-shop").path(12)
    path.mkdir(parents=True)
    atomic_file.write_json(path / "release.json", dataclasses.asdict(record))
    assert options.backup_request(given).named == ("a", "20260102T000000Z-0002")


def test_what_goes_on_around_a_backup() -> None:
    asked = options.backup_run(params(pre=[["sync"]], post=[["touch", 5]], copy=True, hook_seconds=9), by="timer")
    assert (asked.pre, asked.post, asked.limit, asked.by) == ((("sync",),), (("touch", "5"),), 9, "timer")
    assert asked.copies
    assert (str(asked.copies.folder), asked.copies.owner) == ("/srv/backups/po-prod/.copies", "po-prod")
    assert options.backup_run(params()).copies is None
    with pytest.raises(SwitchyardError, match="pre, post: a command is empty"):
        options.backup_run(params(pre=[[]]))


@pytest.mark.parametrize("check", [True, False])
def test_a_copy_is_fetched_before_it_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    calls: list[t.Any] = []

    def fetch(self: t.Any, where: t.Any, name: str, stack: str) -> Manifest:
        calls.append(("fetch", self.owner, where.folder.parent.name, name))
        return stored(where)

    def restore(
        engine: t.Any, where: t.Any, wanted: t.Any, asked: t.Any, check: bool, other: t.Any
    ) -> dict[str, t.Any]:
        calls.append(("restore", asked.backup, where.folder.parent.name, other.folder.parent.name))
        return {"changed": True}

    monkeypatch.setattr(offsite_restic.OffsiteRepository, "fetch", fetch)
    monkeypatch.setattr(offsite_restic.OffsiteRepository, "named", lambda self, name, stack: f"copy-{name}")
    monkeypatch.setattr(backup_restore, "restore_backup", restore)
    given = {key: value for key, value in params(root=str(tmp_path)).items() if key not in options.BACKUP_OPTIONS}
    given.update({"backup": "latest", "owner": None, "logins": None, "set_aside": None, "closed": False})
    given.update({"anonymise": None, "from_environment": "test", "fetch": True})
    result = run_restore.run_restore(t.cast("t.Any", None), given, check)
    assert result["changed"]
    if check:
        assert (calls, "copy-latest" in result["diff"]["after"]) == ([], True)
    else:
        assert calls == [
            ("fetch", "po-test", "po-test", "latest"),
            ("restore", "20260101T000000Z-0001", "po-prod", "po-test"),
        ]


@pytest.mark.parametrize(("state", "changed"), [("dumped", True), ("restored", False)])
def test_a_backup_that_stands_is_tried_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, changed: bool
) -> None:
    where = options.store_of(params(root=str(tmp_path)))
    made = stored(where, state=state)
    monkeypatch.setattr(server, "remove_leftover_containers", lambda *names: [])
    tried: list[str] = []

    def verify(engine: t.Any, where: t.Any, found: Manifest, *how: t.Any) -> Manifest:
        tried.append(found.name)
        return found.reached("restored", 1.0)

    monkeypatch.setattr(backup_verify, "verify", verify)
    engine = t.cast("t.Any", None)
    looked = verify_existing.verify_existing(engine, where, wanted(), "latest", check=True)
    done = verify_existing.verify_existing(engine, where, wanted(), made.name)
    assert looked["changed"] is done["changed"] is changed
    assert looked["diff"] == done["diff"]
    assert done["backup"]["state"] == "restored"
    assert tried == [made.name]


def test_nothing_is_no_proof(tmp_path: Path) -> None:
    with pytest.raises(SwitchyardError, match="verify: none proves nothing"):
        verify_existing.verify_existing(
            t.cast("t.Any", None), options.store_of(params(root=str(tmp_path))), wanted(verify="none"), "latest"
        )
