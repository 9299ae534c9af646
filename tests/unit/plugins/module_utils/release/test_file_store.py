from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.file_store import FileStore
from ansible_collections.switchyard.stacks.plugins.module_utils.release.mount_plan import MountPlan, plan_mounts
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import SourceTree

BINARY = b"\x89PNG\xff\x00"


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def blob(content: bytes, kind: str = "f") -> str:
    return kind + hashlib.sha256(content).hexdigest()


def archive(folder: Path, *blobs: str, content: bytes = BINARY) -> Path:
    with tarfile.open(folder / "files.tar.gz", "w:gz") as file:
        for name in blobs:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return folder / "files.tar.gz"


def plan_of(tree: SourceTree, stack: Path, *mounts: tuple[str, bool]) -> MountPlan:
    volumes = [{"type": "bind", "source": f"/.switchyard-source/{name}", "read_only": only} for name, only in mounts]
    return plan_mounts(normalised(web={"volumes": volumes}), tree, ["docker-compose.yml"], stack)


FILE, SCRIPT = blob(BINARY), blob(BINARY, "x")
TREE = SourceTree(
    {"conf": "d", "conf/logo.png": FILE, "conf/sub": "d", "conf/sub/run.sh": SCRIPT, "conf/link": "llogo.png"}
)


def test_a_folder_is_created_once_with_its_modes_and_links(tmp_path: Path) -> None:
    store, plan = FileStore(tmp_path), plan_of(TREE, tmp_path, ("conf", True), ("conf/logo.png", True))
    assert store.missing(plan, TREE) == sorted({FILE, SCRIPT})
    store.receive(archive(tmp_path, FILE, SCRIPT))
    assert store.missing(plan, TREE) == []
    store.create(plan, TREE, {})
    folder = tmp_path / "files" / TREE.digest("conf") / "conf"
    modes = {str(path.relative_to(folder)): path.lstat().st_mode & 0o777 for path in folder.rglob("*")}
    assert {name: modes[name] for name in ("sub", "logo.png", "sub/run.sh")} == {
        "sub": 0o755,
        "logo.png": 0o644,
        "sub/run.sh": 0o755,
    }
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "files").stat().st_mode & 0o777 == 0o700
    assert (folder / "link").is_symlink()
    assert (folder / "link").read_bytes() == (folder / "sub/run.sh").read_bytes() == BINARY
    before = folder.stat().st_ino
    store.create(plan, TREE, {})
    assert folder.stat().st_ino == before
    assert (tmp_path / "files" / TREE.digest("conf/logo.png") / "logo.png").read_bytes() == BINARY


def test_a_file_that_changed_on_the_way_is_not_stored(tmp_path: Path) -> None:
    with pytest.raises(SwitchyardError, match="changed while the release ran"):
        FileStore(tmp_path).receive(archive(tmp_path, FILE, content=b"other"))
    plan = plan_of(TREE, tmp_path, ("conf", True))
    with pytest.raises(SwitchyardError, match="2 files of the stack are not on the server"):
        FileStore(tmp_path).create(plan, TREE, {})


def test_a_writable_folder_begins_with_the_files_of_the_source_and_is_never_overwritten(tmp_path: Path) -> None:
    store, plan = FileStore(tmp_path), plan_of(TREE, tmp_path, ("conf", False), ("new/folder", False))
    store.receive(archive(tmp_path, FILE, SCRIPT))
    store.create(plan, TREE, {"web": os.getuid()})
    folder = tmp_path / "data" / "conf"
    assert (folder / "logo.png").read_bytes() == BINARY
    assert (folder / "sub/run.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "data/new/folder").stat().st_mode & 0o777 == 0o755
    (folder / "logo.png").write_text("of the application")
    changed = SourceTree({**TREE.entries, "conf/logo.png": blob(b"new")})
    assert store.missing(plan, changed) == []
    store.create(plan, changed, {})
    assert (folder / "logo.png").read_text() == "of the application"
    assert store.seeds() == {"conf": TREE.digest("conf"), "new/folder": TREE.digest("new/folder")}
    # The content that the folder began with is not changed with it.
    assert (tmp_path / "files/blobs" / FILE).read_bytes() == BINARY


def test_what_nothing_uses_is_removed(tmp_path: Path) -> None:
    store, plan = FileStore(tmp_path), plan_of(TREE, tmp_path, ("conf", True), ("data", False))
    store.prune(lambda digest: False)
    store.receive(archive(tmp_path, FILE, SCRIPT, blob(BINARY, "x")))
    store.create(plan, TREE, {})
    store.prune(lambda digest: digest == plan.content["conf"])
    assert store.missing(plan, TREE) == []
    assert len(list((tmp_path / "files/blobs").iterdir())) == 2
    store.prune(lambda digest: False)
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["blobs"]
    assert list((tmp_path / "files/blobs").iterdir()) == []
    assert (tmp_path / "data/data").is_dir()


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    tree = SourceTree({"conf": "d", "conf/../../x": FILE})
    store, plan = FileStore(tmp_path), plan_of(tree, tmp_path, ("conf", True))
    store.receive(archive(tmp_path, FILE))
    with pytest.raises(SwitchyardError, match="leads out of the stack's folder"):
        store.create(plan, tree, {})
