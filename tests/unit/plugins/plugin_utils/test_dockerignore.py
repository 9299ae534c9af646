from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.dockerignore import IgnoreRules, read_rules


@pytest.mark.parametrize(
    ("lines", "path", "ignored"),
    [
        # The examples of Docker's manual
        ("*/temp*", "somedir/temporary.txt", True),
        ("*/temp*", "somedir/sub/temporary.txt", False),
        ("*/*/temp*", "somedir/sub/temporary.txt", True),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("**/*.go", "main.go", True),
        ("**/*.go", "a/b/main.go", True),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
        # A folder holds for everything below it; ! takes a file of it back
        ("node_modules", "node_modules/a/index.js", True),
        ("node_modules", "app/node_modules/a", False),
        ("/node_modules/", "node_modules/a", True),
        ("**/node_modules", "app/node_modules/a", True),
        ("dist\n!dist/keep.js", "dist/keep.js", False),
        ("*\n!src\n!package.json", "src/a/b.js", False),
        ("*\n!src", "other/b.js", True),
        ("# comment\n\n  data  ", "data/x", True),
        ("data/**", "data/a/b", True),
        ("a.b", "aXb", False),
        ("[a-c].txt", "b.txt", True),
        # The history of the repository
        ("", ".git/HEAD", True),
        ("", ".gitignore", False),
    ],
)
def test_the_last_matching_line_decides(lines: str, path: str, ignored: bool) -> None:
    assert IgnoreRules(lines).ignores(path) is ignored


def test_the_dockerfile_and_its_rules_are_always_sent(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("*\n")
    rules = read_rules(tmp_path, "build/Dockerfile")
    assert not rules.ignores("build/Dockerfile")
    assert not rules.ignores(".dockerignore")
    assert rules.ignores("build/other")
    assert not rules.prunes("build")
    assert rules.prunes("data")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "Dockerfile.dockerignore").write_text("data\n")
    own = read_rules(tmp_path, "build/Dockerfile")
    assert own.ignores("data/x")
    assert not own.ignores("other")


def test_a_folder_is_searched_where_an_exception_may_be_in_it() -> None:
    assert not IgnoreRules("dist\n!dist/keep.js").prunes("dist")
    assert IgnoreRules("dist\n!dist/keep.js").prunes(".git")
