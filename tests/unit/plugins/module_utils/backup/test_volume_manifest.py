from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import volume_manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.manifest import ManifestError, checksum
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_manifest import VolumeManifest

NAME = "20260101T000000Z-0001"


def manifest(**changes: t.Any) -> VolumeManifest:
    """Return the manifest of a backup of the volume ``uploads``."""
    values: dict[str, t.Any] = {
        "name": NAME,
        "project": "po",
        "environment": "prod",
        "stack": "shop",
        "volume": "uploads",
        "state": "read",
        "started": 1.0,
        "finished": 2.0,
        "method": "stopped",
        "entries": {".": {"type": "folder"}, "a": {"type": "file", "size": 3}},
        "files": {"dump": {"sha256": "0" * 64, "bytes": 10240}},
        **changes,
    }
    return VolumeManifest(**values)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    volume_manifest.write(folder, manifest())
    assert volume_manifest.read(folder) == manifest()
    shown = manifest().summary()
    assert (shown.rows, shown.bytes, shown.volume, manifest().unit) == (
        1,
        10240,
        "uploads",
        "shop/volume@uploads",
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (None, "missing or not complete"),
        ({"finished": 9.0}, "its checksum is wrong"),
        ({"kind": "database"}, "not a volume"),
        ({"name": "other"}, "it belongs to the backup other"),
        ({"state": "restored"}, "state is 'restored'"),
        ({"entries": {"../out": {}}}, "entries has the name '../out'"),
        ({"entries": {"/out": {}}}, "entries has the name '/out'"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_reported(tmp_path: Path, change: dict[str, t.Any] | None, why: str) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    volume_manifest.write(folder, manifest())
    path = folder / "manifest.json"
    if change is None:
        path.write_text(path.read_text()[:40])
    else:
        value = {**json.loads(path.read_text()), **change}
        if "finished" not in change:
            value["checksum"] = checksum({key: item for key, item in value.items() if key != "checksum"})
        path.write_text(json.dumps(value))
    with pytest.raises(ManifestError, match=why):
        volume_manifest.read(folder)
