# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One version of a Git repository, as a folder of the controller that exists until the play ends.

The repository is only read, also where it is a folder of this machine: its work tree, its index and its branches stay
as they are.
"""

from __future__ import annotations

import hashlib
import os
import re
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file, command
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

TIMEOUT = 600
COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
SHORT_COMMIT = re.compile(r"[0-9a-f]{7,64}\Z")

# A play cannot answer when Git asks for a password.
ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
BATCH_SSH = "ssh -o BatchMode=yes"


@dataclass(frozen=True)
class Checkout:
    """The files of a commit in a folder; ``kind`` is ``tag``, ``branch`` or ``commit``, as the inventory names it."""

    folder: Path
    commit: str
    kind: str


class GitError(SwitchyardError):
    """A repository cannot be read, or does not have the version."""


def check_out(url: str, version: str, top: Path) -> Checkout:
    """Return the files of a version, in a folder below ``top`` that is named by the commit. Raises GitError.

    Only that commit is fetched where the server of the repository allows it. The processes of one play share it.
    """
    home = top / hashlib.sha256(url.encode()).hexdigest()[:16]
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with atomic_file.locked(home / "lock"):
        repository = home / "repository.git"
        if not repository.exists():
            git_of(repository, "init", "--quiet", "--bare", "--", str(repository))
        kind, name = _resolve(repository, url, version)
        commit = _fetch(repository, url, name)
        folder = home / commit
        if not folder.exists():
            _write_files(repository, commit, folder)
    return Checkout(folder, commit, kind)


def _resolve(repository: Path, url: str, version: str) -> tuple[str, str]:
    """Return the kind of a version, and its full name in the repository. A tag is preferred to a branch."""
    answer = git_of(repository, "ls-remote", "--", url, f"refs/tags/{version}", f"refs/heads/{version}")
    names = [line.split("\t")[1] for line in answer.splitlines()]
    for kind, name in (("tag", f"refs/tags/{version}"), ("branch", f"refs/heads/{version}")):
        if name in names:
            return kind, name
    if not SHORT_COMMIT.match(version):
        raise GitError(f"{url} has no branch, tag or commit {version}.", hint="Push it, or correct source.version.")
    return "commit", version


def _fetch(repository: Path, url: str, name: str) -> str:
    """Fetch a version, and return its commit."""
    if not SHORT_COMMIT.match(name) or COMMIT.match(name):
        try:
            git_of(repository, "fetch", "--quiet", "--depth", "1", "--no-tags", "--", url, name)
            return git_of(repository, "rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
        except GitError:
            # An old server sends no commit that is not the end of a branch or a tag.
            if not COMMIT.match(name):
                raise
    deepen = ["--unshallow"] if (repository / "shallow").exists() else []
    refs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
    git_of(repository, "fetch", "--quiet", *deepen, "--", url, *refs)
    try:
        return git_of(repository, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").strip()
    except GitError:
        raise GitError(f"{url} has no commit {name}.", hint="Push it, or correct source.version.") from None


def _write_files(repository: Path, commit: str, folder: Path) -> None:
    """Write the files of a commit into a new folder, with an index of their own."""
    work = folder.with_name(f"{folder.name}.part")
    work.mkdir()
    env = {"GIT_INDEX_FILE": str(work.with_suffix(".index"))}
    git_of(repository, "--work-tree", str(work), "read-tree", commit, env=env)
    git_of(repository, "--work-tree", str(work), "checkout-index", "--all", "--force", env=env)
    work.rename(folder)


def git_of(repository: Path, *args: str, env: t.Mapping[str, str] | None = None) -> str:
    """Run Git on a repository without a work tree; return its output. Raises GitError."""
    own = {**ENVIRONMENT, "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", BATCH_SSH), **(env or {})}
    try:
        result = command.run(["git", "--git-dir", str(repository), *args], name="git", timeout=TIMEOUT, env=own)
    except command.CommandError as error:
        raise GitError(f"{error}", hint="Try it with 'git ls-remote' on the controller.") from error
    return result.stdout
