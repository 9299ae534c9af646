from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.git_history import is_older


def git(folder: Path, *args: str) -> str:
    own = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(["git", *own, *args], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for text in ("one", "two"):
        git(folder, "commit", "-q", "--allow-empty", "-m", text)
        git(folder, "tag", text)
    git(folder, "checkout", "-q", "-b", "side", "one")
    git(folder, "commit", "-q", "--allow-empty", "-m", "side")
    return folder


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_an_ancestor_is_older(repository: Path, tmp_path: Path, scheme: str) -> None:
    url, top = f"{scheme}{repository}", tmp_path / "play"
    one, two, side = (git(repository, "rev-parse", name) for name in ("one", "two", "side"))
    assert is_older(url, one, two, top) is True
    assert is_older(url, two, one, top) is False
    assert is_older(url, side, two, top) is False
    assert is_older(url, one, one, top) is False
    assert is_older(url, one, "0" * 40, top) is None


def test_a_repository_that_does_not_answer(tmp_path: Path) -> None:
    assert is_older(f"file://{tmp_path}/none", "0" * 40, "1" * 40, tmp_path / "play") is None
