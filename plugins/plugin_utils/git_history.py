# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether one commit of a Git repository is older than another. For the controller only."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file, command

from .git_source import TIMEOUT, GitError, git_of

ALL = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


def is_older(url: str, commit: str, than: str, top: Path) -> bool | None:
    """Return whether a commit is an ancestor of another one; None where the repository does not say.

    Of a repository on another machine, the commits are fetched without their files, into a folder below ``top``.
    """
    if Path(url).is_dir():
        return _is_ancestor(["git", "-C", url], commit, than)
    repository = top / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-history.git"
    top.mkdir(parents=True, exist_ok=True, mode=0o700)
    with atomic_file.locked(top / f"{repository.name}.lock"):
        try:
            if not repository.exists():
                git_of(repository, "init", "--quiet", "--bare", "--", str(repository))
                git_of(repository, "fetch", "--quiet", "--filter=tree:0", "--", url, *ALL)
        except GitError:
            return None
    return _is_ancestor(["git", "--git-dir", str(repository)], commit, than)


def _is_ancestor(git: list[str], commit: str, other: str) -> bool | None:
    words = [*git, "merge-base", "--is-ancestor", commit, other]
    try:
        code = command.run(words, name="git", timeout=TIMEOUT, check=False).code
    except command.CommandError:
        return None
    # 0 yes, 1 no, and others for a commit that is not there (git-merge-base(1)).
    return {0: commit != other, 1: False}.get(code)
