"""The inventories that new.yml proposes for the cases: completed by a reader, each one passes preflight."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import corpus
import pytest
import yaml
from case_files import CASES, Mapping, load, write_files

from ansible_collections.switchyard.stacks.plugins.module_utils.config.placeholders import PLACEHOLDER
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.application import read_application
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.inventory_files import inventory_files
from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.stack_proposal import (
    StackProposal,
    propose_stack,
)

CASES_BY_NAME = {path.stem: load(path) for path in sorted(CASES.glob("*.yml"))}
ACCEPTED = [name for name, case in CASES_BY_NAME.items() if "refused" not in case]

# Where a service runs, by its role.
PARTS = {
    "routed": "color",
    "inner": "color",
    "worker": "workers",
    "accessory": "accessories",
    "one-shot": "jobs",
    "job": "jobs",
}

# Services that the stack of a case has in another part: no file says what their author knows.
OTHER_PARTS: dict[str, dict[str, str]] = {
    "immich": {"immich-machine-learning": "accessories"},
    "logs-and-restart": {"store": "color"},
    "overlaid": {"tools": "color"},
    "wordpress": {"imagecache": "accessories"},
}


def propose(case: Mapping, folder: Path) -> StackProposal:
    """Return the proposal for the files of a case."""
    files = folder / "inventory" / "app"
    write_files(case["files"], files)
    named = [str(files / name) for name in case["stack"].get("compose", [])]
    app, problems = read_application(named or [str(files)], "app", "prod", folder)
    assert app, problems
    return propose_stack(app, "app", "po", "prod")


def complete(proposal: StackProposal, case: Mapping, source: str) -> Mapping:
    """Return the stack of a proposal as its reader completes it: with the values of the case, and what it allows."""
    texts = inventory_files(proposal, source, "")
    text = with_allowances(texts["group_vars/all/stacks.yml"])
    vault = yaml.safe_load(texts.get("group_vars/all/vault.yml", "{}"))
    main = yaml.safe_load(texts["group_vars/all/main.yml"])
    variables = {name: "k3-" + name for name in vault} | {name: "1.0" for name in main if name.endswith("_version")}
    (stack,) = yaml.safe_load(text)["switchyard_stacks"]
    return t.cast(Mapping, fill_in(stack, {**case["stack"].get("variables", {})}, variables))


def with_allowances(text: str) -> str:
    """Return the file with the lines of ``allow`` as its reader turns them on: without the sign of a comment."""
    before, key, after = text.partition("    # allow:\n")
    lines = re.match(r"(?:    #   .*\n)*", after)
    assert lines
    return before + key.replace("# ", "") + lines[0].replace("    # ", "    ") + after[lines.end() :]


def fill_in(value: t.Any, given: Mapping, variables: Mapping, key: str = "") -> t.Any:
    """Return a value of the inventory without templates and placeholders."""
    if isinstance(value, dict):
        return {name: fill_in(item, given, variables, name) for name, item in value.items()}
    if isinstance(value, list):
        return [fill_in(item, given, variables, key) for item in value]
    if not isinstance(value, str):
        return value
    text = re.sub(r"\{\{ (\w+) \}\}", lambda found: variables[found[1]], value)
    if not PLACEHOLDER.search(text):
        return text
    if key in given:
        return given[key]
    known = {"hosts": f"h{abs(hash(text)) % 1000}.example.org", "port": 8000, "kind": "expand"}
    return known.get(key) or PLACEHOLDER.sub("reg.example.org/app", text)


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize("name", ACCEPTED)
def test_a_proposed_inventory_passes_preflight(name: str, tmp_path: Path) -> None:
    case = CASES_BY_NAME[name]
    proposal = propose(case, tmp_path / "read")
    source = str(proposal.app.folder.relative_to(tmp_path / "read" / "inventory"))
    stack = complete(proposal, case, source)
    checked = corpus.check({**case, "stack": stack}, tmp_path / "checked")
    assert [str(problem) for problem in checked.problems] == []
    parts = {service: PARTS[one.role] for service, one in proposal.roles.items()}
    expected = {service: part for part, services in case["runs"].items() for service in services}
    assert {one: part for one, part in parts.items() if part != expected[one]} == OTHER_PARTS.get(name, {})
