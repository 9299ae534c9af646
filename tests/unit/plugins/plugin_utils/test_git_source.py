from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.git_source import GitError, check_out


class Repository:
    """A repository with a work tree of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        (folder / "start.sh").write_text("#!/bin/sh\n")
        (folder / "start.sh").chmod(0o755)
        (folder / "link").symlink_to("start.sh")
        self.first = self.commit("one")
        self.git("tag", "--annotate", "--message", "first", "v1.0.0")
        self.second = self.commit("two")

    def git(self, *args: str) -> str:
        own = {
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b.c",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a",
        }
        answer = subprocess.run(
            ["git", *args], cwd=self.folder, check=True, capture_output=True, text=True, env={**os.environ, **own}
        )
        return answer.stdout.strip()

    def commit(self, text: str) -> str:
        (self.folder / "file").write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", text)
        return self.git("rev-parse", "HEAD")

    def seen(self) -> tuple[str, ...]:
        """What a user of the repository sees of it."""
        return (
            self.git("status", "--short"),
            self.git("for-each-ref"),
            self.git("stash", "list"),
            self.git("config", "-l"),
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def test_branch_tag_and_commit(repository: Repository, tmp_path: Path) -> None:
    url, top = str(repository.folder), tmp_path / "play"
    branch = check_out(url, "main", top)
    assert (branch.commit, branch.kind, (branch.folder / "file").read_text()) == (repository.second, "branch", "two")
    tag = check_out(url, "v1.0.0", top)
    assert (tag.commit, tag.kind, (tag.folder / "file").read_text()) == (repository.first, "tag", "one")
    for version in (repository.first, repository.first[:10]):
        commit = check_out(url, version, top)
        assert (commit.commit, commit.kind, commit.folder) == (repository.first, "commit", tag.folder)


def test_modes_and_links_are_kept_and_no_history_is_there(repository: Repository, tmp_path: Path) -> None:
    folder = check_out(f"file://{repository.folder}", "main", tmp_path / "play").folder
    assert sorted(path.name for path in folder.iterdir()) == ["file", "link", "start.sh"]
    assert folder.joinpath("start.sh").stat().st_mode & 0o111
    assert os.readlink(folder / "link") == "start.sh"


def test_the_repository_is_left_as_it_was(repository: Repository, tmp_path: Path) -> None:
    (repository.folder / "file").write_text("not committed")
    (repository.folder / "new").write_text("not known")
    before = repository.seen()
    folder = check_out(str(repository.folder), "main", tmp_path / "play").folder
    assert (folder / "file").read_text() == "two"
    assert not (folder / "new").exists()
    assert repository.seen() == before


def test_a_branch_that_moves_is_seen_by_the_next_play_and_kept_in_this_one(
    repository: Repository, tmp_path: Path
) -> None:
    first = check_out(str(repository.folder), "main", tmp_path / "play")
    third = repository.commit("three")
    assert check_out(str(repository.folder), "main", tmp_path / "next").commit == third
    assert (first.folder / "file").read_text() == "two"


@pytest.mark.parametrize("version", ["v9", "--upload-pack=touch", "*", "0" * 40])
def test_a_version_that_does_not_exist(repository: Repository, tmp_path: Path, version: str) -> None:
    with pytest.raises(GitError, match=r"no branch, tag or commit|no commit"):
        check_out(str(repository.folder), version, tmp_path / "play")


def test_a_repository_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="git ended with exit code 128") as error:
        check_out(str(tmp_path / "nothing"), "main", tmp_path / "play")
    assert error.value.hint == "Try it with 'git ls-remote' on the controller."
