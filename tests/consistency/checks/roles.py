"""Roles: their parts, variables, entry points and secrets."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import yaml
from repo import check, lines, load, role_tasks, roles, tasks, walk

# Roles without a scenario of their own name, and the scenario that tests them.
COVERED_BY: dict[str, str] = {"backup": "postgres"}


@check
def roles_are_complete(root: Path) -> list[str]:
    problems = []
    for role in roles(root):
        for name in ("README.md", "defaults/main.yml", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"):
            if not (role / name).exists():
                problems.append(f"roles/{role.name} lacks {name}")
        scenario = COVERED_BY.get(role.name, role.name)
        if not (root / "molecule" / scenario / "molecule.yml").exists():
            problems.append(f"roles/{role.name} has no Molecule scenario: molecule/{scenario}")
    return problems


@check
def roles_say_what_they_take(role_root: Path) -> list[str]:
    """argument_specs.yml and defaults/main.yml list the same variables with the same defaults."""
    problems = []
    for role in roles(role_root):
        specs = (load(role / "meta/argument_specs.yml") or {}).get("argument_specs") or {}
        defaults = load(role / "defaults/main.yml") or {}
        specified: dict[str, t.Any] = {}
        for entry, spec in specs.items():
            problems += [
                f"roles/{role.name}: the entry point {entry} has no {word}"
                for word in ("short_description", "description")
                if not spec.get(word)
            ]
            if not (role / "tasks" / f"{entry}.yml").exists():
                problems.append(f"roles/{role.name}: the entry point {entry} has no tasks/{entry}.yml")
            for name, option in (spec.get("options") or {}).items():
                if "default" in option:
                    specified[name] = option["default"]
                elif name in defaults:
                    problems.append(
                        f"roles/{role.name}: {name} has a default in defaults/main.yml, not in argument_specs.yml"
                    )
        for name in sorted(specified.keys() | defaults.keys()):
            if name not in defaults:
                problems.append(
                    f"roles/{role.name}: {name} has a default in argument_specs.yml, not in defaults/main.yml"
                )
            elif name in specified and specified[name] != defaults[name]:
                problems.append(
                    f"roles/{role.name}: the default of {name} is {defaults[name]!r} in defaults/main.yml "
                    f"and {specified[name]!r} in argument_specs.yml"
                )
            elif name not in specified and not any(name in (spec.get("options") or {}) for spec in specs.values()):
                problems.append(f"roles/{role.name}: {name} is in defaults/main.yml, not in argument_specs.yml")
    return problems


@check
def role_variables_are_prefixed(root: Path) -> list[str]:
    """<role>_x is for users, __<role>_x internal; ansible-lint holds it for registered and set variables."""
    problems = []
    for role in roles(root):
        public, internal = f"{role.name}_", f"__{role.name}_"

        def wrong(names: t.Any, where: Path, *prefixes: str, role: Path = role) -> list[str]:
            return [
                f"{where.relative_to(role.parent.parent)}: {name} should begin with {' or '.join(prefixes)}"
                for name in names or []
                if not str(name).startswith(prefixes)
            ]

        for path in walk(role, "defaults", suffixes=(".yml",)):
            problems += wrong(load(path), path, public)
        for path in walk(role, "vars", suffixes=(".yml",)):
            problems += wrong(load(path), path, internal)
        for path, task in role_tasks(role):
            control = task.get("loop_control") or {}
            names = [control[key] for key in ("loop_var", "index_var") if key in control]
            if not any(key.endswith(("include_role", "import_role")) for key in task):
                names += list(task.get("vars") or {})
            problems += wrong(names, path, public, internal)
    return problems


@check
def roles_name_no_groups(root: Path) -> list[str]:
    """Which servers belong together is the inventory's business; a role gets it as a variable."""
    return [
        f"{name}:{number}: a role must not know inventory groups"
        for name, text in lines(root, "roles", suffixes=(".yml", ".j2"))
        for number, line in enumerate(text, 1)
        if re.search(r"\bgroups\s*[\[.]|\bgroup_names\b", line)
    ]


@check
def tasks_with_secrets_are_silent(root: Path) -> list[str]:
    """A task that is given a password has no_log, and no diff where it writes a file."""
    # These hand a value on or look at it, and print no more than what they are told to.
    quiet = ("include_tasks", "import_tasks", "include_role", "import_role", "assert", "validate_argument_spec", "meta")
    problems = []
    for role in roles(root):
        for path, task in role_tasks(role):
            action = next((key for key in task if "." in key), "")
            if not action or action.endswith(quiet):
                continue
            given = yaml.safe_dump(
                {key: task[key] for key in task if key in (action, "loop", "environment")}, width=10**6
            )
            # Variables only: a path may well be named after what lies there.
            if not re.search(r"(?:password|passphrase|secret|private_key)", "".join(re.findall(r"{{.*?}}", given))):
                continue
            where = f"{path.relative_to(root)}: {task.get('name', action)}"
            if "no_log" not in task:
                problems.append(f"{where}: is given a secret and lacks no_log")
            if action.endswith((".copy", ".template", ".blockinfile", ".lineinfile")) and task.get("diff") is not False:
                problems.append(f"{where}: writes a secret and lacks diff: false")
    return problems


@check
def entry_points_have_specs(root: Path) -> list[str]:
    """Tasks of a role that anything outside the role runs have an argument spec, which refuses bad input."""
    specs = {
        role.name: set((load(role / "meta/argument_specs.yml") or {}).get("argument_specs") or {})
        for role in roles(root)
    }
    problems = []
    for path in walk(root, "playbooks", "roles", "molecule", "tests", suffixes=(".yml",)):
        where = path.relative_to(root)
        content = load(path)
        plays = content if isinstance(content, list) else []
        for task in (*tasks(plays), *(play for play in plays if isinstance(play, dict))):
            for name, entry in _entry_points(task):
                role = name.rsplit(".", 1)[-1]
                if role in specs and entry not in specs[role]:
                    problems.append(f"{where}: {entry} of the role {role} has no argument spec")
    return sorted(set(problems))


def _entry_points(task: dict[str, t.Any]) -> t.Iterator[tuple[str, str]]:
    """Role and entry point of each role that a task or play runs, also by the path of a task file."""
    for key, value in task.items():
        action = key.rsplit(".", 1)[-1]
        if action in ("include_role", "import_role") and isinstance(value, dict):
            yield str(value.get("name")), str(value.get("tasks_from", "main")).removesuffix(".yml")
        elif action in ("include_tasks", "import_tasks"):
            file = value.get("file", "") if isinstance(value, dict) else str(value)
            match = re.search(r"roles/([\w-]+)/tasks/([\w./-]+)\.yml$", file)
            if match:
                yield match[1], match[2]
        elif key == "roles":
            for role in value or []:
                name = (role.get("role") or role.get("name")) if isinstance(role, dict) else role
                yield str(name), "main"
