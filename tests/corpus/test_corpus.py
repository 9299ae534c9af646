"""Files of applications as they are found: what a release changes in them, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import corpus
import pytest
from case_files import CASES, Mapping, load
from corpus import WHERE, Outcome

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_spec

# Changes that preflight names.
NAMED = {"container_name", "hostname", "labels", "ports", "restart"}
PATHS = sorted(CASES.glob("*.yml"))


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_release_does_with_the_files_what_the_case_says(path: Path, tmp_path: Path) -> None:
    case = load(path)
    outcome = corpus.release(case, tmp_path)
    found = [f"{problem.code} {problem.where.replace(f'{WHERE}.', '')}" for problem in outcome.problems]
    text = "\n".join([*map(str, outcome.problems), *outcome.lines])
    assert sorted(found) == sorted(case.get("refused", [])), text
    for words in case.get("says", []):
        assert words in text
    if "refused" not in case:
        check_containers(case, outcome)
        check_parts(outcome, tmp_path)


def check_containers(case: Mapping, outcome: Outcome) -> None:
    """Check where each service runs, and each key that differs from the files."""
    parts = {part: sorted(outcome.services(part)) for part in outcome.projects if outcome.services(part)}
    assert parts.pop("green", []) == parts.get("blue", [])
    assert parts == {part.replace("color", "blue"): sorted(names) for part, names in case["runs"].items()}
    changed: dict[str, list[str]] = {}
    for part, name, service in outcome.containers():
        given = outcome.normalised["services"][name]
        aliases = outcome.aliases(part)
        keys = corpus.changed_keys(given, service, aliases)
        changed.setdefault(name, []).extend(sorted(keys))
        added = {key for key, value in service.items() if value not in corpus.NOTHING and key not in given}
        assert added <= corpus.ADDED | ({"deploy"} if "scale" in given else set())
        for key in keys:
            fate = compose_spec.SPECIFICATION["services.*"][key]
            assert fate.fate == compose_spec.CHANGED, f"{name}: {key} is kept by docs/compose.md"
    assert {name: keys for name, keys in changed.items() if keys} == case.get("changed", {})
    for name, keys in changed.items():
        for key in set(keys) & NAMED:
            assert any(f"{key} of " in line and name in line for line in outcome.lines), f"{name}: {key} without a word"
    for part, services in case.get("rendered", {}).items():
        for name, expected in services.items():
            service = outcome.services(part.replace("color", "blue"))[name]
            assert corpus.contains(service, expected), json.dumps({key: service.get(key) for key in expected})
    for kind in ("networks", "volumes"):
        if kind in case:
            assert sorted(getattr(outcome, kind)) == case[kind]


def check_parts(outcome: Outcome, folder: Path) -> None:
    """Check that Docker Compose accepts every project of the release."""
    for part, content in outcome.projects.items():
        # The colors differ in names only.
        if content and part != "green":
            file = folder / f"{part}.json"
            file.write_text(json.dumps(content))
            command = ["docker", "compose", "--file", str(file), "config", "--quiet"]
            answer = subprocess.run(command, capture_output=True, text=True)
            assert answer.returncode == 0, f"{part}: {answer.stderr}"


def test_a_case_has_no_unknown_key(tmp_path: Path) -> None:
    (tmp_path / "typo.yml").write_text("stak: {}")
    with pytest.raises(ValueError, match="stak"):
        load(tmp_path / "typo.yml")


Changes = dict[str, t.Any]


@pytest.mark.parametrize(
    ("rendered", "keys"),
    [
        ({"user": "app", "environment": {"A": "1", "B": "2"}}, set()),
        ({"user": "app", "environment": {"B": "2"}}, {"environment"}),
        ({"environment": {"A": "1"}}, {"user"}),
        ({"user": "root", "environment": {"A": "2"}}, {"environment", "user"}),
    ],
)
def test_the_comparison_finds_a_changed_and_a_lost_value(rendered: Changes, keys: set[str]) -> None:
    assert corpus.changed_keys({"user": "app", "environment": {"A": "1"}}, rendered, {}) == keys
