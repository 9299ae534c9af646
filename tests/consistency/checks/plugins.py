"""Plugins: their tests, licence, documentation and size."""

from __future__ import annotations

import ast
from pathlib import Path

import yaml
from repo import COLLECTION, assigned, check, load, modules, python, walk

GROUP = "stacks"
MODULE_LINES = 100
PLUGIN_TYPES = ("action", "callback", "filter", "lookup", "module_utils", "modules", "plugin_utils", "test")


# Folders whose files may share one test file.
TESTED_TOGETHER = {"plugins/module_utils/release/preflight": "test_checks"}


@check
def action_group_is_complete(root: Path) -> list[str]:
    """Modules, action group and what the modules' documentation says about the group are the same."""
    # A file of documentation only is about an action, which runs on the controller and takes no options of a server.
    on_servers = [path for path in modules(root) if not _is_action_only(root, path)]
    group = set(((load(root / "meta/runtime.yml") or {}).get("action_groups") or {}).get(GROUP) or [])
    names = {path.stem for path in on_servers}
    problems = [f"meta/runtime.yml lists {name}, but there is no such module" for name in sorted(group - names)]
    problems += [f"meta/runtime.yml lacks the module {name}" for name in sorted(names - group)]
    for path in on_servers:
        documentation = yaml.safe_load(assigned(path).get("DOCUMENTATION", ("{}", 0))[0]) or {}
        if f"{COLLECTION}.attributes.actiongroup_{GROUP}" not in documentation.get(
            "extends_documentation_fragment", []
        ):
            problems.append(f"{path.name} does not use the fragment {COLLECTION}.attributes.actiongroup_{GROUP}")
    fragment = root / "plugins/doc_fragments/attributes.py"
    if fragment.exists() and f"- {COLLECTION}.{GROUP}\n" not in fragment.read_text(encoding="utf-8"):
        problems.append(f"the fragment of the action group does not name {COLLECTION}.{GROUP}")
    return problems


def _is_action_only(root: Path, module: Path) -> bool:
    """Return whether the file of a module only documents an action."""
    has_code = any(isinstance(node, ast.FunctionDef) for node in python(module).body)
    return (root / "plugins/action" / module.name).exists() and not has_code


@check
def modules_are_thin(root: Path) -> list[str]:
    """A module is documentation, argument specification, one call. The work is in module_utils."""
    problems = []
    for path in modules(root):
        documented = [
            line for name, (_value, line) in assigned(path).items() if name in ("DOCUMENTATION", "EXAMPLES", "RETURN")
        ]
        count = len(path.read_text(encoding="utf-8").splitlines()) - max(documented, default=0)
        if count > MODULE_LINES:
            problems.append(f"{path.name} has {count} lines below its documentation; {MODULE_LINES} are allowed")
    return problems


@check
def plugins_have_unit_tests(root: Path) -> list[str]:
    """tests/unit mirrors plugins: a file for each plugin, or several that begin with its name, and no others."""
    expected = set()
    for kind in PLUGIN_TYPES:
        for path in walk(root, f"plugins/{kind}", suffixes=(".py",)):
            name = path.stem
            if name == "__init__":
                # One that only describes its package has nothing to test.
                if not any(isinstance(node, ast.FunctionDef) for node in python(path).body):
                    continue
                name = "init"
            expected.add(str(path.relative_to(root).with_name(f"test_{name}")))
    actual = {
        str(path.relative_to(root / "tests/unit").with_suffix(""))
        for path in (root / "tests/unit/plugins").rglob("test_*.py")
    }
    for folder, test in TESTED_TOGETHER.items():
        # Small files of one kind, as the checks of preflight, have one file with a case for each.
        together = f"{folder}/{test}"
        if together in actual:
            expected = {name for name in expected if Path(name).parent != Path(folder) or name in actual} | {together}
    missing = {name for name in expected - actual if not any(test.startswith(f"{name}_") for test in actual)}
    extra = {test for test in actual - expected if not any(test.startswith(f"{name}_") for name in expected)}
    return [f"tests/unit/{name}.py is missing" for name in sorted(missing)] + [
        f"tests/unit/{name}.py tests no plugin that exists" for name in sorted(extra)
    ]


@check
def plugins_state_their_license(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)} lacks the line SPDX-License-Identifier: GPL-3.0-or-later"
        for path in walk(root, "plugins", suffixes=(".py",))
        if path.stat().st_size and "SPDX-License-Identifier: GPL-3.0-or-later" not in path.read_text(encoding="utf-8")
    ]
