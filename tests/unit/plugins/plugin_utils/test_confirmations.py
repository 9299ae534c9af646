from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.confirmations import (
    downgrade_questions,
    unnamed_questions,
    with_older_commits,
)
from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_source import StackSource

NAMES = {"shop": {"shop_version", "domain"}, "blog": {"blog_version", "domain"}, "wiki": {"wiki_version"}}


def plan(stack: str, **changes: t.Any) -> dict[str, t.Any]:
    reasons = ["the running release differs"]
    return {"stack": stack, "changed": True, "live": "blue", "reasons": reasons, "downgrades": [], **changes}


def test_an_older_version_is_asked_about() -> None:
    plans = [plan("shop", downgrades=["reg/shop: 2.0.0 -> 1.0.0"]), plan("blog"), plan("wiki", changed=False)]
    assert [str(question) for question in downgrade_questions(plans, "switchyard_stacks")] == [
        "switchyard_stacks[shop]: older than the live version: reg/shop: 2.0.0 -> 1.0.0. Correct the version, or add "
        "-e accept_downgrade=true; back to the release before: rollback.yml."
    ]


@pytest.mark.parametrize(
    ("extra", "plans", "asked"),
    [
        # Without extra variables, or with those of all, every stack is meant.
        ([], [plan("shop"), plan("blog")], []),
        (["ci_job"], [plan("shop"), plan("blog")], []),
        (["blog_version"], [plan("blog")], []),
        (["blog_version"], [plan("shop"), plan("blog")], ["shop"]),
        (["blog_version"], [plan("shop", changed=False), plan("blog")], []),
        # Nothing of it is live, so nothing that users see changes.
        (["blog_version"], [plan("shop", live=None), plan("blog")], []),
        (["domain"], [plan("shop"), plan("blog"), plan("wiki")], ["wiki"]),
    ],
)
def test_a_stack_that_the_command_did_not_name(
    extra: list[str], plans: list[dict[str, t.Any]], asked: list[str]
) -> None:
    questions = unnamed_questions(plans, extra, NAMES, "s")
    assert [question.where for question in questions] == [f"s[{name}]" for name in asked]


def test_the_question_has_the_reason_and_both_answers() -> None:
    (question,) = unnamed_questions([plan("shop"), plan("blog")], ["blog_version"], NAMES, "s")
    assert str(question) == (
        "s[shop]: the command (-e blog_version) is about blog, and would change this live stack too: the running "
        "release differs. Write -e stack=blog, or -e stack=shop,blog to release them all."
    )
    assert question.code == "release.stack_not_named"


@pytest.fixture
def commits(tmp_path: Path) -> list[str]:
    own = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=tmp_path, check=True)
    found = []
    for text in ("one", "two"):
        subprocess.run(["git", *own, "commit", "-q", "--allow-empty", "-m", text], cwd=tmp_path, check=True)
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
        found.append(head.stdout.strip())
    return found


def test_an_older_commit_is_a_downgrade(tmp_path: Path, commits: list[str]) -> None:
    first, second = commits
    url = str(tmp_path)
    older = with_older_commits([plan("shop", live_commit=second)], {"shop": StackSource(tmp_path, first, url)})
    text = f"{url}: commit {second[:12]} -> {first[:12]}"
    assert older[0]["downgrades"] == [text]
    assert older[0]["reasons"] == ["the running release differs", f"older than the live version: {text}"]
    for plans, source in (
        (plan("shop", live_commit=first), StackSource(tmp_path, second, url)),
        (plan("shop", live_commit=first), StackSource(tmp_path, first, url)),
        (plan("shop", live_commit="0" * 40), StackSource(tmp_path, first, url)),
        (plan("shop", live_commit=None), StackSource(tmp_path, first, url)),
        (plan("shop", live_commit=second), StackSource(tmp_path)),
    ):
        assert with_older_commits([plans], {"shop": source}) == [plans]
