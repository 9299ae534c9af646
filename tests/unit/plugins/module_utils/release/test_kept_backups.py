from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from fakes import checked
from fakes_postgres import add_backup

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    options,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.kept_backups import kept_backups
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record, Records


def params(**given: t.Any) -> dict[str, t.Any]:
    """Return a module's options with their defaults."""
    spec = {**options.SERVER_OPTIONS, **options.BACKUP_OPTIONS, **options.RUN_OPTIONS}
    ctx = {"root": "/srv", "project": "po", "environment": "prod", "stack": "my-shop"}
    return {**{name: one.get("default") for name, one in spec.items()}, **ctx, **given}


def test_a_backup_of_a_release_that_is_kept_stays(tmp_path: Path) -> None:
    store = options.store_of(params(root=str(tmp_path)))
    for day, release in ((1, 11), (2, 12), (3, None)):
        add_backup(store, f"2026010{day}T000000Z-000{day}", release=release)
    record = Record(12, "blue", "live", "f", checked(), "me", 1.0)
    path = Records(tmp_path / "po-prod" / "my-shop").path(12)
    path.mkdir(parents=True)
    atomic_file.write_json(path / "release.json", dataclasses.asdict(record))
    kept = kept_backups(params(root=str(tmp_path)))
    assert kept == ["20260102T000000Z-0002"]
    assert options.backup_request(params(keep_names=["a"]), kept).keep_names == ("a", "20260102T000000Z-0002")
