from __future__ import annotations

import contextlib
import hashlib
import typing as t
from pathlib import Path

import pytest
from fakes_postgres import add_backup, backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    checksums,
    verify,
)


def test_sums_are_those_of_the_dump_and_of_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "dump" / "toc.dat").write_bytes(b"x" * 3_000_000)
    (tmp_path / "dump" / "1.dat").write_bytes(b"")
    (tmp_path / "manifest.json").write_text("{}")
    found = checksums.checksum_folder(tmp_path, threads=2)
    assert set(found) == {"dump/toc.dat", "dump/1.dat"}
    assert found["dump/toc.dat"] == {"sha256": hashlib.sha256(b"x" * 3_000_000).hexdigest(), "bytes": 3_000_000}


def test_sums_report_how_far_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dump").write_bytes(b"x" * 10)
    reported: list[t.Any] = []

    @contextlib.contextmanager
    def telling(folder: Path, step: str, look: t.Callable[[], t.Any], unit: str) -> t.Iterator[None]:
        reported.append((folder, step, unit, look()))
        yield
        reported.append(look())

    monkeypatch.setattr(progress, "report_progress", telling)
    checksums.checksum_folder(tmp_path, progress_folder=tmp_path)
    assert reported == [(tmp_path, "checksum", "bytes", (0, 10)), (10, 10)]
    checksums.checksum_folder(tmp_path)
    assert len(reported) == 2


def test_files_are_what_they_were(tmp_path: Path) -> None:
    store = backup_store(tmp_path)
    made = add_backup(store)
    checksums.check_files(store.folder / made.name, made)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"dum", "dump has 3 bytes, and had 4"),
        (b"dumq", "dump has another SHA-256 than in the manifest"),
        (None, "dump is missing"),
    ],
)
def test_files_that_are_not_are_reported(tmp_path: Path, content: bytes | None, what: str) -> None:
    store = backup_store(tmp_path)
    made = add_backup(store)
    path = store.folder / made.name / "dump"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(verify.VerificationFailed, match=what):
        checksums.check_files(store.folder / made.name, made)
