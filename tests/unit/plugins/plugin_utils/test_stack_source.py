from __future__ import annotations

from pathlib import Path

from fakes import checked

from ansible_collections.switchyard.stacks.plugins.plugin_utils.stack_source import (
    StackSource,
    context_digests,
    open_source,
)


def test_a_folder_starts_at_the_inventory(tmp_path: Path) -> None:
    stack = checked(source={"path": "../app"})
    source, problems = open_source(stack, "stacks", {"inventory_dir": str(tmp_path / "prod")}, "deploy")
    assert (source, problems) == (StackSource(tmp_path / "app"), [])


def test_a_commit_is_the_digest_of_every_folder(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    contexts = {"app": ["Dockerfile"], "lib": []}
    assert context_digests(StackSource(tmp_path, "c0ffee"), contexts, "s") == ({"app": "c0ffee", "lib": "c0ffee"}, [])
    digests, _problems = context_digests(StackSource(tmp_path), {"app": ["Dockerfile"]}, "s")
    assert len(digests["app"]) == 64


def test_a_folder_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    digests, problems = context_digests(StackSource(tmp_path), {"gone": []}, "stacks[shop]")
    assert digests == {}
    assert [problem.code for problem in problems] == ["stack.file_unreadable"]
    assert problems[0].where == "stacks[shop].compose"
