"""What must agree in this repository, and what must not stand in it.

Each check is a function of a folder: it returns what is wrong, one sentence each, and nothing when all is well.
CONTRIBUTING.md names the check that holds a habit; test_checks.py proves of each that it can fail.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

Check = Callable[[Path], list[str]]
CHECKS: dict[str, Check] = {}

COLLECTION = "switchyard.stacks"
GROUP = "stacks"
MODULE_LINES = 100
PLUGIN_TYPES = ("action", "callback", "filter", "lookup", "module_utils", "modules", "plugin_utils", "test")

# Roles without a scenario of their own name, and the scenario that tests them.
COVERED_BY: dict[str, str] = {"backup": "postgres"}

# Who may be linked to. A package comes from where pip, apt or Docker of the person are told to look: no mirror here.
HOSTS = {
    "docs.ansible.com",
    "docs.docker.com",
    "download.docker.com",
    "galaxy.ansible.com",
    "github.com",
    "www.gnu.org",
}
HOSTS_OF_EXAMPLES = re.compile(r"(?:^|\.)(?:example(?:\.(?:org|com|net))?|test|invalid|localhost)$|^[\d.]+$|^[\w-]+$")


def check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


def walk(root: Path, *folders: str, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    """The repository's own files below these folders, or all; hidden folders are caches, except two."""
    for folder in folders or (".",):
        for path, names, files in os.walk(root / folder):
            names[:] = sorted(n for n in names if (n[0] != "." or n in (".ci", ".config")) and n != "__pycache__")
            for name in sorted(files):
                if not suffixes or name.endswith(suffixes):
                    yield Path(path, name)


def lines(root: Path, *folders: str, suffixes: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """Name and lines of each text file. The checks and their proofs are left out: they name what they forbid."""
    for path in walk(root, *folders, suffixes=suffixes):
        if "consistency" in path.parts or path.name == "LICENSE":
            continue
        try:
            yield str(path.relative_to(root)), path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags as plain values."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: f"!{suffix}")


def load(path: Path) -> t.Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader) if path.exists() else None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {error}") from error


def roles(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("roles/*") if path.is_dir())


def modules(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("plugins/modules/*.py") if path.name != "__init__.py")


def playbooks(root: Path) -> list[Path]:
    return sorted(root.glob("playbooks/*.yml"))


def assigned(path: Path) -> dict[str, tuple[t.Any, int]]:
    """Value and last line of what a plugin assigns to names in capitals, such as DOCUMENTATION."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            found[node.targets[0].id] = (value, node.end_lineno or 0)
    return found


def tasks(value: t.Any) -> Iterator[dict[str, t.Any]]:
    """Every task of a task file or playbook, those inside blocks too."""
    if isinstance(value, list):
        for item in value:
            yield from tasks(item)
    elif isinstance(value, dict):
        nested = [
            key for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers") if key in value
        ]
        for key in nested:
            yield from tasks(value[key])
        if not nested:
            yield value


def role_tasks(role: Path) -> Iterator[tuple[Path, dict[str, t.Any]]]:
    for path in walk(role, "tasks", "handlers", suffixes=(".yml",)):
        for task in tasks(load(path)):
            yield path, task


@check
def action_group_is_complete(root: Path) -> list[str]:
    """Modules, action group and what the modules' documentation says about the group are the same."""
    group = set(((load(root / "meta/runtime.yml") or {}).get("action_groups") or {}).get(GROUP) or [])
    names = {path.stem for path in modules(root)}
    problems = [f"meta/runtime.yml lists {name}, but there is no such module" for name in sorted(group - names)]
    problems += [f"meta/runtime.yml lacks the module {name}" for name in sorted(names - group)]
    for path in modules(root):
        documentation = yaml.safe_load(assigned(path).get("DOCUMENTATION", ("{}", 0))[0]) or {}
        if f"{COLLECTION}.attributes.actiongroup_{GROUP}" not in documentation.get(
            "extends_documentation_fragment", []
        ):
            problems.append(f"{path.name} does not use the fragment {COLLECTION}.attributes.actiongroup_{GROUP}")
    fragment = root / "plugins/doc_fragments/attributes.py"
    if fragment.exists() and f"- {COLLECTION}.{GROUP}\n" not in fragment.read_text(encoding="utf-8"):
        problems.append(f"the fragment of the action group does not name {COLLECTION}.{GROUP}")
    return problems


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
    """tests/unit mirrors plugins: a file for each plugin, and none for a plugin that is gone."""
    wanted = set()
    for kind in PLUGIN_TYPES:
        for path in walk(root, f"plugins/{kind}", suffixes=(".py",)):
            name = path.stem
            if name == "__init__":
                # One that only describes an interface has nothing to test.
                if not any(
                    isinstance(node, ast.FunctionDef) for node in ast.parse(path.read_text(encoding="utf-8")).body
                ):
                    continue
                name = "init"
            wanted.add(str(path.relative_to(root).with_name(f"test_{name}.py")))
    there = {str(path.relative_to(root / "tests/unit")) for path in (root / "tests/unit/plugins").rglob("test_*.py")}
    return [f"tests/unit/{name} is missing" for name in sorted(wanted - there)] + [
        f"tests/unit/{name} tests no plugin that exists" for name in sorted(there - wanted)
    ]


@check
def plugins_state_their_license(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)} lacks the line SPDX-License-Identifier: GPL-3.0-or-later"
        for path in walk(root, "plugins", suffixes=(".py",))
        if path.stat().st_size and "SPDX-License-Identifier: GPL-3.0-or-later" not in path.read_text(encoding="utf-8")
    ]


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
    """<role>_x is for others, __<role>_x is the role's own; so two roles of a play never meet in a variable."""
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
            made = [task["register"]] if "register" in task else []
            facts = task.get("ansible.builtin.set_fact") or {}
            made += [name for name in facts if name != "cacheable"]
            control = task.get("loop_control") or {}
            made += [control[key] for key in ("loop_var", "index_var") if key in control]
            if not any(key.endswith(("include_role", "import_role")) for key in task):
                made += list(task.get("vars") or {})
            problems += wrong(made, path, public, internal)
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
def playbooks_have_sisters(root: Path) -> list[str]:
    """deploy.yml at the root imports playbooks/deploy.yml and does nothing else."""
    inside = {path.name for path in playbooks(root)}
    outside = {path.name for path in root.glob("*.yml")} - {"galaxy.yml", "requirements.yml"}
    problems = [f"playbooks/{name} has no sister at the root" for name in sorted(inside - outside)]
    problems += [f"{name} at the root has no playbooks/{name}" for name in sorted(outside - inside)]
    for name in sorted(inside & outside):
        plays = load(root / name) or [{}]
        if len(plays) != 1 or set(plays[0]) - {"name"} != {"ansible.builtin.import_playbook"}:
            problems.append(f"{name} at the root should only import playbooks/{name}")
        elif plays[0]["ansible.builtin.import_playbook"] != f"playbooks/{name}":
            problems.append(f"{name} at the root imports another playbook")
    return problems


@check
def playbooks_are_understood(root: Path) -> list[str]:
    """Ansible reads every playbook with every inventory, without an error and without a warning."""
    books = sorted(path.name for path in root.glob("*.yml") if path.name not in ("galaxy.yml", "requirements.yml"))
    inventories = sorted(path for path in root.glob("inventories/*") if path.is_dir()) or [Path("localhost,")]
    problems = []
    for inventory in inventories if books else []:
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "--syntax-check",
            "-i",
            str(inventory),
            *books,
        ]
        done = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        if done.returncode or re.search(r"^\[(?:DEPRECATION )?WARNING\]", output, re.MULTILINE):
            problems.append(f"{inventory.name}: {output}")
    return problems


@check
def own_roles_have_full_names(root: Path) -> list[str]:
    """The short name of a role is found in the checkout, and not where the collection is installed."""
    problems = []
    for path in [*playbooks(root), *walk(root, "roles", "molecule", suffixes=(".yml",))]:
        used: list[t.Any] = []
        content = load(path)
        for play in content if isinstance(content, list) else []:
            if isinstance(play, dict):
                used += [role.get("role") if isinstance(role, dict) else role for role in play.get("roles") or []]
        for task in tasks(content) if isinstance(content, list) else ():
            for key in ("ansible.builtin.include_role", "ansible.builtin.import_role"):
                used += [task[key].get("name")] if isinstance(task.get(key), dict) else []
        if path.parts[-2:] == ("meta", "main.yml"):
            needed = (content or {}).get("dependencies") or []
            used += [role.get("role") if isinstance(role, dict) else role for role in needed]
        problems += [
            f"{path.relative_to(root)}: write {COLLECTION}.{name}" for name in used if name and "." not in name
        ]
    return problems


@check
def collections_are_declared(root: Path) -> list[str]:
    """galaxy.yml names the collections that are used, and no others."""
    used: dict[str, str] = {}
    for name, text in lines(root, "roles", "playbooks", "plugins", suffixes=(".yml", ".py", ".j2")):
        # Only what Ansible resolves: a task's action, a filter, an import; not prose about another collection.
        for line in text:
            for match in re.finditer(r"(?:^\s*(?:- )?|\|\s*|ansible_collections\.)(community\.\w+)\.\w+", line):
                used.setdefault(match[1], name)
    declared = set((load(root / "galaxy.yml") or {}).get("dependencies") or {})
    return [f"galaxy.yml lacks {name}, which {used[name]} uses" for name in sorted(used.keys() - declared)] + [
        f"galaxy.yml names {name}, which nothing uses" for name in sorted(declared - used.keys())
    ]


@check
def versions_agree(root: Path) -> list[str]:
    """README's table, meta/runtime.yml, the pins and the linter's settings speak of the same ansible-core."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    row = re.search(r"^\|\s*ansible-core\s*\|(.*)\|\s*$", readme, re.MULTILINE)
    if not row:
        return ["README.md has no table row '| ansible-core | 2.x, 2.y |'"]
    versions = sorted(re.findall(r"\b2\.\d+\b", row[1]), key=lambda version: int(version[2:]))
    oldest, newest = versions[0], versions[-1]
    problems = []
    required = str((load(root / "meta/runtime.yml") or {}).get("requires_ansible"))
    if required != f">={oldest}.0":
        problems.append(f"meta/runtime.yml requires {required}; README.md says {oldest} is the oldest")
    for name, version in (("runtime", oldest), (f"core-{newest}", newest)):
        path = root / f"requirements/{name}.txt"
        if not re.search(rf"^ansible-core=={version}\.", path.read_text() if path.exists() else "", re.MULTILINE):
            problems.append(f"requirements/{name}.txt does not pin ansible-core {version}, which README.md names")
    known = (load(root / ".config/ansible-lint.yml") or {}).get("supported_ansible_also") or []
    problems += [f".config/ansible-lint.yml lacks {version}." for version in versions[1:] if f"{version}." not in known]
    return problems


@check
def requirements_are_pinned(root: Path) -> list[str]:
    return [
        f"{name}:{number}: {line} is not pinned with =="
        for name, text in lines(root, "requirements", suffixes=(".txt",))
        for number, line in enumerate(text, 1)
        if line and not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.]+", line)
    ]


@check
def images_have_fixed_tags(root: Path) -> list[str]:
    """The tag that moves is written nowhere, but in tests whose line, or the line above, says that it is refused."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in lines(root, "roles", "playbooks", "inventories", "examples", "molecule", "tests", "scripts")
        if not name.endswith(".md") and not name.startswith("tests/unit")
        for number, line in enumerate(text, 1)
        if re.search(r"\w:latest\b", line) and "refused" not in " ".join(text[max(number - 2, 0) : number])
    ]


@check
def errors_are_not_ignored(root: Path) -> list[str]:
    """A task whose failure does not matter says why, in a comment on its line or the line above."""
    problems = []
    for name, text in lines(root, "roles", "playbooks", "inventories", "molecule", "tests", suffixes=(".yml", ".yaml")):
        for number, line in enumerate(text):
            if not re.search(r"\bignore_errors:|\bignore_unreachable:|failed_when:\s*false", line):
                continue
            if "#" not in line and not text[number - 1].lstrip().startswith("#"):
                problems.append(f"{name}:{number + 1}: {line.strip()} without a reason beside it")
    return problems


@check
def nothing_is_left_over(root: Path) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in lines(root)
        for number, line in enumerate(text, 1)
        if re.search(r"\b(?:TODO|FIXME|XXX)\b", line)
    ]


@check
def nothing_belongs_to_one_machine(root: Path) -> list[str]:
    """No person's folder, and no server that one's own package tools should choose."""
    problems = []
    for name, text in lines(root):
        for number, line in enumerate(text, 1):
            if re.search(r"(?<![\w.}])/(?:home|Users|root)/[\w.]", line):
                problems.append(f"{name}:{number}: a path of one machine: {line.strip()}")
            for host in re.findall(r"https?://([\w.-]+)", line):
                if host not in HOSTS and not HOSTS_OF_EXAMPLES.search(host):
                    problems.append(f"{name}:{number}: {host} is not in the list of hosts that are linked to")
    return problems


@check
def make_targets_exist(root: Path) -> list[str]:
    """Every `make x` that the documentation tells to type exists, and every target's script too."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    problems = [
        f"{name}: there is no make {target}"
        for name, text in lines(root, suffixes=(".md",))
        for target in re.findall(r"(?:`|^ {4})make ([a-z][\w-]*)", "\n".join(text), re.MULTILINE)
        if target not in targets
    ]
    for script in re.findall(r"^\t@([\w./-]+/[\w./-]+)", makefile, re.MULTILINE):
        if not os.access(root / script, os.X_OK):
            problems.append(f"Makefile: {script} is missing or cannot be executed")
    phony = set((re.search(r"^\.PHONY:(.*)", makefile, re.MULTILINE) or [""])[0].split()[1:])
    problems += [f"Makefile: {target} is not in .PHONY" for target in sorted(targets - phony)]
    return problems


@check
def habits_name_their_checks(root: Path) -> list[str]:
    """CONTRIBUTING.md says which check holds a habit. All checks are named, and no others."""
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"\*Held by ([^*]+)\*", text))))
    return [
        f"CONTRIBUTING.md names the check {name}, which does not exist" for name in sorted(named - CHECKS.keys())
    ] + [f"CONTRIBUTING.md does not tell what {name} holds" for name in sorted(CHECKS.keys() - named)]
