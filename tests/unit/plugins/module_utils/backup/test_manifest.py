from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from fakes_postgres import manifest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import manifest as backup_manifest


def changed(**changes: t.Any) -> str:
    """Return a manifest's file with changes that carry a right checksum."""
    content = {**json.loads(backup_manifest.text(manifest())), **changes}
    content = {key: value for key, value in content.items() if value is not Ellipsis and key != "checksum"}
    return json.dumps({**content, "checksum": backup_manifest.checksum(content)})


def test_it_is_read_as_it_was_written_by_root_only(tmp_path: Path) -> None:
    folder = tmp_path / manifest().name
    folder.mkdir()
    backup_manifest.write(folder, manifest())
    assert backup_manifest.read(folder) == manifest()
    assert (folder / "manifest.json").stat().st_mode & 0o777 == 0o600


def test_a_copy_under_another_name_is_not_verified_by_the_files_of_the_first(tmp_path: Path) -> None:
    backup_manifest.write(tmp_path, manifest())
    with pytest.raises(backup_manifest.ManifestError, match="it belongs to the backup 20260101T000000Z-0001"):
        backup_manifest.read(tmp_path)


def test_the_same_manifest_is_the_same_text() -> None:
    assert backup_manifest.text(manifest()) == backup_manifest.text(manifest())


def test_a_missing_one_is_reported(tmp_path: Path) -> None:
    with pytest.raises(backup_manifest.ManifestError, match="it is missing"):
        backup_manifest.read(tmp_path)


def test_half_a_manifest_is_reported(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(backup_manifest.text(manifest())[:200])
    with pytest.raises(backup_manifest.ManifestError, match="it is not complete"):
        backup_manifest.read(tmp_path)


def test_a_number_that_was_changed_is_reported(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(backup_manifest.text(manifest()).replace('"rows": 3', '"rows": 4'))
    with pytest.raises(backup_manifest.ManifestError, match="its checksum is wrong"):
        backup_manifest.read(tmp_path)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"state": "great"}, "state is 'great', not one of dumped, read, restored"),
        ({"format": "plain"}, "format is 'plain'"),
        ({"tables": ...}, "tables is missing"),
        ({"tables": []}, "tables is not of the type dict"),
        ({"files": {}}, "files is empty"),
        ({"files": {"../dump": {"sha256": "0" * 64, "bytes": 1}}}, "files has the name '../dump'"),
        ({"files": {"dump/..": {"sha256": "0" * 64, "bytes": 1}}}, "files has the name 'dump/..'"),
        ({"files": {"dump": {"sha256": "0", "bytes": 1}}}, "has no sha256 and size"),
        ({"version": 2}, "it has version 2, and this collection reads version 1"),
    ],
)
def test_what_is_wrong_is_reported(changes: dict[str, t.Any], what: str) -> None:
    assert what in " ".join(map(str, backup_manifest.problems(json.loads(changed(**changes)), "manifest.json")))


def test_all_that_is_wrong_is_reported_at_once() -> None:
    found = backup_manifest.problems(
        json.loads(changed(state="great", format="plain", parallel_jobs="many")), "manifest.json"
    )
    assert len(found) == 3


@pytest.mark.parametrize("value", [None, [], "text"])
def test_something_else_is_not_a_manifest(value: t.Any) -> None:
    assert "it is not a manifest" in str(backup_manifest.problems(value, "here")[0])


def test_a_weaker_verification_takes_no_stronger_one_away() -> None:
    restored = manifest().verified_as("restored", 5.0)
    assert restored.state == "restored"
    again = restored.verified_as("read", 6.0)
    assert (again.state, again.verified_at) == ("restored", {"restored": 5.0, "read": 6.0})


def test_the_summary_has_what_a_list_shows() -> None:
    summary = manifest(state="read").summary()
    assert (summary.rows, summary.bytes, summary.state, summary.postgres) == (3, 4, "read", "17.6")
