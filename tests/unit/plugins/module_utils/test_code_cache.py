from __future__ import annotations

import os
import tarfile
import time
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import code_cache


def checkout(folder: Path, text: str = "VERSION = 1\n") -> Path:
    for name in ("plugins/modules/hello.py", "plugins/module_utils/proxy/driver.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def packed(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w:gz") as tar:
        for path in code_cache.code_files(folder):
            tar.add(path, path.relative_to(folder).as_posix())
    return archive


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "switchyard" / "code"


def test_stored_code_is_found_under_its_digest(tmp_path: Path, root: Path) -> None:
    source = checkout(tmp_path / "a")
    digest = code_cache.digest_of(source)
    assert code_cache.stored_code(digest, root) is None
    folder = code_cache.store_code(digest, packed(source, tmp_path / "code.tar.gz"), root)
    assert code_cache.stored_code(digest, root) == folder
    assert (folder / "plugins/module_utils/proxy/driver.py").read_text(encoding="utf-8") == "VERSION = 1\n"
    assert [path.name for path in root.iterdir()] == [digest]


def test_the_digest_changes_with_content_and_name(tmp_path: Path) -> None:
    first = checkout(tmp_path / "a")
    before = code_cache.digest_of(first)
    assert code_cache.digest_of(checkout(tmp_path / "b")) == before
    assert code_cache.digest_of(checkout(tmp_path / "c", "VERSION = 2\n")) != before
    (first / "plugins/modules/hello.py").rename(first / "plugins/modules/hullo.py")
    assert code_cache.digest_of(first) != before


def test_compiled_files_do_not_change_the_digest(tmp_path: Path) -> None:
    source = checkout(tmp_path / "a")
    before = code_cache.digest_of(source)
    compiled = source / "plugins/modules/__pycache__/hello.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"x")
    assert code_cache.digest_of(source) == before


def test_an_archive_with_other_code_is_refused(tmp_path: Path, root: Path) -> None:
    archive = packed(checkout(tmp_path / "a"), tmp_path / "code.tar.gz")
    with pytest.raises(ValueError, match="expected 0000"):
        code_cache.store_code("0000", archive, root)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["../outside.py", "/tmp/outside.py", "plugins/../../outside.py"])
def test_an_archive_cannot_write_outside(tmp_path: Path, root: Path, name: str) -> None:
    archive = tmp_path / "code.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        tar.addfile(entry)
    with pytest.raises(ValueError, match="not a file below it"):
        code_cache.store_code("0000", archive, root)
    assert not (tmp_path / "outside.py").exists()


def test_a_link_in_an_archive_is_refused(tmp_path: Path, root: Path) -> None:
    archive = tmp_path / "code.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo("plugins/modules/hello.py")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(ValueError, match="not a file below it"):
        code_cache.store_code("0000", archive, root)


@pytest.mark.parametrize("level", ["root.parent", "root", "folder"])
def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path, root: Path, level: str) -> None:
    source = checkout(tmp_path / "a")
    digest = code_cache.digest_of(source)
    archive = packed(source, tmp_path / "code.tar.gz")
    folder = code_cache.store_code(digest, archive, root)
    opened = {"root.parent": root.parent, "root": root, "folder": folder}[level]
    opened.chmod(0o777)
    assert code_cache.stored_code(digest, root) is None


def test_code_is_not_stored_in_a_folder_that_others_can_write(tmp_path: Path, root: Path) -> None:
    source = checkout(tmp_path / "a")
    archive = packed(source, tmp_path / "code.tar.gz")
    root.mkdir(parents=True)
    root.chmod(0o777)
    with pytest.raises(PermissionError, match="others may write"):
        code_cache.store_code(code_cache.digest_of(source), archive, root)


def test_a_link_in_place_of_the_folder_is_not_used(tmp_path: Path, root: Path) -> None:
    source = checkout(tmp_path / "a")
    digest = code_cache.digest_of(source)
    root.mkdir(parents=True)
    (root / digest).symlink_to(source)
    assert code_cache.stored_code(digest, root) is None


def test_unused_code_is_removed_and_code_in_use_is_kept(tmp_path: Path, root: Path) -> None:
    folders = []
    for number in range(6):
        source = checkout(tmp_path / str(number), f"VERSION = {number}\n")
        archive = packed(source, tmp_path / "code.tar.gz")
        folders.append(code_cache.store_code(code_cache.digest_of(source), archive, root))
    assert len(list(root.iterdir())) == 6
    for number, folder in enumerate(folders):
        long_ago = time.time() - 2 * code_cache.KEPT_SECONDS + number
        os.utime(folder, (long_ago, long_ago))
    code_cache.mark_used(folders[0])
    source = checkout(tmp_path / "last", "VERSION = 'last'\n")
    last = code_cache.store_code(code_cache.digest_of(source), packed(source, tmp_path / "code.tar.gz"), root)
    assert {*root.iterdir()} == {last, folders[0], folders[5], folders[4]}


def test_code_that_another_run_stored_is_not_replaced(tmp_path: Path, root: Path) -> None:
    source = checkout(tmp_path / "a")
    digest = code_cache.digest_of(source)
    archive = packed(source, tmp_path / "code.tar.gz")
    folder = code_cache.store_code(digest, archive, root)
    before = (folder / "plugins/modules/hello.py").stat().st_ino
    assert code_cache.store_code(digest, archive, root) == folder
    assert (folder / "plugins/modules/hello.py").stat().st_ino == before
    assert [path.name for path in root.iterdir()] == [digest]


def test_a_folder_of_that_name_that_others_can_write_is_refused(tmp_path: Path, root: Path) -> None:
    source = checkout(tmp_path / "a")
    digest = code_cache.digest_of(source)
    (root / digest / "plugins").mkdir(parents=True)
    (root / digest).chmod(0o777)
    with pytest.raises(PermissionError, match="others may write"):
        code_cache.store_code(digest, packed(source, tmp_path / "code.tar.gz"), root)
