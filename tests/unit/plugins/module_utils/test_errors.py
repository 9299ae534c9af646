from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.switchyard.stacks.plugins.module_utils import errors
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import (
    ComposeError,
    EngineError,
    GateFailed,
    LockHeld,
    LockLost,
    Problem,
    ProblemsFound,
    ProxyRefused,
    ProxyUnavailable,
    SwitchyardError,
    report,
)


def test_a_problem_says_where_what_and_what_to_do() -> None:
    problem = Problem("switchyard_stacks[shop].rotes", "unknown key", "Did you mean 'routes'?", "inventory.key_unknown")
    assert str(problem) == "switchyard_stacks[shop].rotes: unknown key. Did you mean 'routes'?"
    assert Problem(**problem.as_dict()) == problem


def test_a_report_counts_its_lines_keeps_their_order_and_says_nothing_twice() -> None:
    first, second = (
        Problem("b", "is missing", "Write b", "inventory.key_missing"),
        Problem("a", "is missing", "Write a", "inventory.key_missing"),
    )
    assert report([first, second, first], "Nothing was changed").splitlines() == [
        "Nothing was changed (2):",
        "  1. b: is missing. Write b.",
        "  2. a: is missing. Write a.",
    ]


def test_an_error_carries_details_next_to_its_message() -> None:
    error = SwitchyardError("The gate failed.", gate="health")
    assert (str(error), error.details) == ("The gate failed.", {"gate": "health"})


def test_an_error_is_its_message_and_its_hint() -> None:
    error = EngineError("No engine answers.", hint="Run setup.yml.")
    assert str(error) == "No engine answers. Run setup.yml."
    assert str(EngineError("No engine answers.")) == "No engine answers."
    assert error.problem("server", "Start it", code="server.engine") == Problem(
        "server", "No engine answers", "Run setup.yml", "server.engine"
    )
    assert EngineError("No engine answers.").problem("server", "Start it", code="server.engine").hint == "Start it"


def test_problems_found_are_listed_in_the_message_and_in_the_result() -> None:
    first = Problem("b", "is missing", "Write b", "inventory.key_missing")
    error = ProblemsFound("Nothing was changed", [first, first])
    assert str(error) == "Nothing was changed (1):\n  1. b: is missing. Write b."
    assert error.problems == [first]
    assert error.details == {"problems": [first.as_dict()]}


@pytest.mark.parametrize(
    "kind", [EngineError, ComposeError, ProxyUnavailable, ProxyRefused, LockHeld, LockLost, GateFailed]
)
def test_every_error_is_one_of_the_collection(kind: type[SwitchyardError]) -> None:
    with pytest.raises(SwitchyardError, match=r"x\. y\."):
        raise kind("x.", hint="y.")


def given_codes() -> t.Iterator[str]:
    """Yield the code of every problem in the sources; fail for one whose code is not written in place."""
    plugins = Path(errors.__file__).resolve().parents[1]
    for path in sorted(plugins.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            # The default of a field
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "code" and node.value:
                yield ast.literal_eval(node.value)
            if not isinstance(node, ast.Call):
                continue
            codes = [item.value for item in node.keywords if item.arg == "code"]
            if isinstance(node.func, ast.Name) and node.func.id == "Problem":
                codes += node.args[3:]
                assert codes or not node.args, f"{path}:{node.lineno}: a problem without a code"
            for code in codes:
                if isinstance(code, ast.Name) and code.id == "code":
                    continue  # a helper: its callers give the code
                value = constants[code.id] if isinstance(code, ast.Name) else code
                assert isinstance(value, ast.Constant), f"{path}:{node.lineno}: write the code in place"
                yield value.value


def test_the_documentation_lists_every_problem_code() -> None:
    text = (Path(errors.__file__).resolve().parents[2] / "docs/problem-codes.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([^`]+)` \| \S", text, re.MULTILINE)
    assert documented == sorted(set(given_codes()))
    assert all(re.fullmatch(r"[a-z]+\.[a-z_]+", code) for code in documented)


def test_each_fault_of_the_scenario_has_a_unit_test() -> None:
    root = Path(errors.__file__).resolve().parents[2]
    planted = yaml.safe_load((root / "molecule/stack/vars/faults.yml").read_text(encoding="utf-8"))["faults_expected"]
    codes = {code for code, _words in planted}
    assert len(codes) >= 30
    documented = (root / "docs/problem-codes.md").read_text(encoding="utf-8")
    tests = "".join(path.read_text(encoding="utf-8") for path in (root / "tests/unit").rglob("test_*.py"))
    tests += "".join(path.read_text(encoding="utf-8") for path in (root / "tests/unit").rglob("*cases*.py"))
    assert [code for code in sorted(codes) if code not in tests or f"`{code}`" not in documented] == []
