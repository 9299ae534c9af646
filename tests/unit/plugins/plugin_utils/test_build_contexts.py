from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils import build_contexts


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    for name, content in {
        "app/Dockerfile": "FROM scratch",
        "app/main.py": "one",
        "app/.git/HEAD": "ref",
        "app/.dockerignore": "cache\n",
        "app/cache/x": "old",
        "lib/tool": "tool",
        "docker/Dockerfile": "FROM scratch",
    }.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(content)
    (source / "app" / "empty").mkdir()
    (source / "app" / "link").symlink_to("main.py")
    os.mkfifo(source / "app" / "pipe")
    return source


def test_a_context_is_what_the_build_sees(source: Path) -> None:
    found = list(build_contexts.files_of(source, "app"))
    assert found == ["app/.dockerignore", "app/Dockerfile", "app/empty", "app/link", "app/main.py"]
    assert list(build_contexts.files_of(source, "docker/Dockerfile")) == ["docker/Dockerfile"]


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda app: (app / "main.py").write_text("two"), True),
        (lambda app: (app / "main.py").chmod(0o755), True),
        (lambda app: (app / "new").write_text(""), True),
        (lambda app: (app / "link").unlink(), True),
        (lambda app: (app / "main.py").rename(app / "other.py"), True),
        (lambda app: os.utime(app / "main.py", (1, 1)), False),
        (lambda app: (app / "cache/x").write_text("new"), False),
        (lambda app: (app / ".git/HEAD").write_text("new"), False),
    ],
)
def test_the_digest_changes_with_what_the_build_sees(
    source: Path, change: Callable[[Path], object], counts: bool
) -> None:
    before = build_contexts.digest_of(source, "app")
    change(source / "app")
    assert (build_contexts.digest_of(source, "app") != before) is counts


def test_an_archive_has_all_contexts_once(source: Path, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar.gz"
    size = build_contexts.pack(source, ["app", "lib", "app", "docker/Dockerfile"], ["Dockerfile"], archive)
    assert size == archive.stat().st_size
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert {info.uid for info in tar.getmembers()} == {0}
    assert sorted(names) == [
        "app/.dockerignore",
        "app/Dockerfile",
        "app/empty",
        "app/link",
        "app/main.py",
        "docker/Dockerfile",
        "lib/tool",
    ]
