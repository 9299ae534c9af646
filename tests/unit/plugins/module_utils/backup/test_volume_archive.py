from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import volume_archive


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with all that an archive loses when it is made carelessly."""
    root = tmp_path / "volume"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "empty").mkdir(mode=0o1750)
    (root / "deep" / "er" / "file").write_bytes(b"x" * 3_000_000)
    (root / "nothing").write_bytes(b"")
    (root / "ünï 'code\n").write_text("text")
    (root / os.fsdecode(b"not-utf8-\xff")).write_text("bytes")
    (root / ("long" * 60)).write_text("a long name")
    os.symlink("../outside/of/it", root / "dangling")
    os.link(root / "nothing", root / "zz-second-name")
    os.mkfifo(root / "fifo", 0o640)
    (root / "deep").chmod(0o2770)
    (root / "nothing").chmod(0o4711)
    os.utime(root / "deep" / "er" / "file", (1_000_000_000.25, 1_000_000_000.25))
    return root


def test_an_archive_brings_everything_back(folder: Path, tmp_path: Path) -> None:
    archive, target = tmp_path / "dump", tmp_path / "restored"
    sizes: list[int] = []
    entries = volume_archive.write_archive(folder, archive, sizes.append)
    assert sum(sizes) == 3_000_000 + 4 + 5 + 11
    assert archive.stat().st_mode & 0o777 == 0o600
    assert volume_archive.differences(entries, volume_archive.read_archive(archive)) == []
    assert volume_archive.differences(entries, volume_archive.scan(folder)) == []
    target.mkdir()
    volume_archive.extract(archive, target)
    assert volume_archive.differences(entries, volume_archive.scan(target)) == []
    assert (target / "nothing").stat().st_ino == (target / "zz-second-name").stat().st_ino
    assert (target / "deep" / "er" / "file").stat().st_mtime == 1_000_000_000.25
    assert entries["dangling"]["target"] == "../outside/of/it"


def test_every_change_of_the_content_is_reported(folder: Path, tmp_path: Path) -> None:
    entries = volume_archive.write_archive(folder, tmp_path / "dump")
    (folder / "nothing").write_bytes(b"1")
    (folder / "more").write_bytes(b"")
    (folder / "dangling").unlink()
    (folder / "deep").chmod(0o700)
    found = "\n".join(volume_archive.differences(entries, volume_archive.scan(folder)))
    for part in (
        "dangling is missing",
        "more is not in the manifest",
        "nothing: size is 1, and was 0",
        "deep: mode is",
    ):
        assert part in found


def test_a_damaged_archive_is_not_what_was_copied(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "dump"
    entries = volume_archive.write_archive(folder, archive)
    content = bytearray(archive.read_bytes())
    content[content.index(b"xxxxxxxx")] ^= 1
    archive.write_bytes(content)
    assert "deep/er/file: sha256" in volume_archive.differences(entries, volume_archive.read_archive(archive))[0]
    archive.write_bytes(content[:2_000_000])
    with pytest.raises((tarfile.TarError, OSError)):
        volume_archive.read_archive(archive)
