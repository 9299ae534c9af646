from __future__ import annotations

import hashlib
import os
import tarfile
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.source_tree import FoundTree, pack, read_tree


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    for name, content in {"conf/a.ini": b"a", "conf/run.sh": b"b", "img/logo.png": b"\x89\xff", "x.txt": b"a"}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "conf/run.sh").chmod(0o700)
    (folder / "conf/.git").mkdir()
    (folder / "conf/.git/HEAD").write_text("x")
    return folder


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_folders_files_and_links_with_their_modes(source: Path) -> None:
    (source / "conf/link").symlink_to("a.ini")
    found = read_tree(source, ["conf", "missing"], [])
    assert found == FoundTree(
        {
            "conf": "d",
            "conf/a.ini": f"f{digest(b'a')}",
            "conf/link": "la.ini",
            "conf/run.sh": f"x{digest(b'b')}",
        }
    )


def test_globs_and_paths_of_the_inventory(source: Path) -> None:
    assert sorted(read_tree(source, [], ["img/*.png", "x.txt", "no/*.png", "none"]).entries) == [
        "img",
        "img/logo.png",
        "x.txt",
    ]
    assert read_tree(source, [], ["no/*.png", "none"]).unmatched == ["no/*.png", "none"]


def test_paths_that_are_left_out(source: Path) -> None:
    found = read_tree(source, ["", "img"], ["!conf", "!*.txt", "!img/"])
    assert found.entries == {}


def test_nothing_from_outside_of_the_folder(source: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (source / "conf/passwd").symlink_to("/etc/passwd")
    (source / "up").symlink_to("..")
    found = read_tree(source, ["conf", "up", "up/secret"], ["../secret", "/etc/passwd"])
    assert found.outside == ["conf/passwd", "up", "up/secret", "../secret", "/etc/passwd"]
    assert set(found.entries) == {"conf", "conf/a.ini", "conf/run.sh"}
    (source / "inner").symlink_to("conf")
    (source / "conf/passwd").unlink()
    assert "inner/a.ini" in read_tree(source, ["inner"], []).entries


def test_what_cannot_be_read_is_named(source: Path) -> None:
    (source / "current").symlink_to("conf/missing")
    assert read_tree(source, ["current"], []).unreadable == [("current", "No such file or directory")]


def test_a_socket_is_not_content(source: Path) -> None:
    os.mkfifo(source / "img/pipe")
    assert "img/pipe" not in read_tree(source, ["img"], []).entries


def test_an_archive_has_each_content_once(source: Path, tmp_path: Path) -> None:
    entries = read_tree(source, ["conf", "x.txt"], []).entries
    blobs = sorted({entries["x.txt"], entries["conf/a.ini"], entries["conf/run.sh"]})
    pack(source, entries, [*blobs, "f-not-there"], tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        assert sorted(archive.getnames()) == blobs
        assert archive.extractfile(entries["x.txt"]).read() == b"a"  # type: ignore[union-attr]
