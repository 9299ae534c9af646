"""The layers of the collection: imports, sizes, names of files and classes."""

from __future__ import annotations

import ast
import re
import typing as t
from collections.abc import Iterator
from pathlib import Path

from repo import check, is_python, python, walk

PREFIX = "ansible_collections.switchyard.stacks."
MODULE_UTILS = "plugins.module_utils."

# The packages of module_utils, low to high. A package imports its own layer only where it is the same package.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "names", "near_name", "paths", "code_cache", "atomic_file", "command", "progress", "state_file"),
    ("config",),
    ("engine",),
    ("proxy",),
    ("postgres", "redis"),
    ("backup",),
    ("release",),
    ("maintenance", "decommission"),
    ("module_args",),
)
RANK = {package: rank for rank, layer in enumerate(LAYERS) for package in layer}

# What plugins of a kind may import besides module_utils.
ABOVE_MODULE_UTILS = {
    "module_utils": (),
    "plugin_utils": ("plugin_utils",),
    "filter": ("plugin_utils",),
    "modules": (),
    "doc_fragments": (),
    "action": ("plugin_utils",),
    "callback": ("plugin_utils",),
}

# Imports that do not point down and are being removed: file, and what it imports. An entry that is not needed fails.
KNOWN_UPWARD = {}

SOURCE_LINES = 350
TEMPLATE_LINES = 300
# A test file holds one subject's cases, of which some drive real servers: longer than what it tests, within reason.
TEST_LINES = 500
# Longer files, each with the reason. The number is what it may have, so that it cannot grow.
LONGER: dict[str, tuple[int, str]] = {
    "tests/consistency/data/glossary.yml": (450, "a table"),
}

# Ansible loads plugins by these class names.
CLASSES_OF_ANSIBLE = {"ActionModule", "CallbackModule", "FilterModule", "LookupModule", "ModuleDocFragment"}

# Nouns and adjectives that end like a gerund.
NO_GERUNDS = {"breaking", "existing", "pending", "ping", "rolling", "string", "timing"}
# To be renamed.
KNOWN_GERUNDS = {"misbehaving", "standing", "switching"}


class Import(t.NamedTuple):
    """One import between plugins: both files as dotted names, and whether it runs when the file is loaded."""

    source: str
    target: str
    line: int
    at_load: bool


def module_name(root: Path, path: Path) -> str:
    """Dotted name of a plugin file below the root: plugins.module_utils.proxy.driver."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(root: Path) -> list[Import]:
    """Every import between plugins, relative or absolute, at any depth of the file."""
    files = {module_name(root, path): path for path in walk(root, "plugins", suffixes=(".py",))}

    def resolve(node: ast.ImportFrom, name: str, path: Path) -> Iterator[str]:
        if node.level:
            package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
            base = ".".join(package[: len(package) - node.level + 1] + ([node.module] if node.module else []))
        elif (node.module or "").startswith(PREFIX):
            base = (node.module or "").removeprefix(PREFIX)
        else:
            return
        for alias in node.names:
            yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in files else base

    def visit(body: list[ast.stmt], name: str, path: Path, at_load: bool) -> Iterator[Import]:
        for node in body:
            if isinstance(node, ast.ImportFrom):
                for target in resolve(node, name, path):
                    yield Import(name, target, node.lineno, at_load)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.startswith(PREFIX):
                        yield Import(name, alias.name.removeprefix(PREFIX), node.lineno, at_load)
            else:
                later = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or (
                    isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
                )
                for field in ("body", "orelse", "finalbody"):
                    yield from visit(getattr(node, field, []), name, path, at_load and not later)
                for handler in getattr(node, "handlers", []):
                    yield from visit(handler.body, name, path, at_load)

    return [entry for name, path in files.items() for entry in visit(python(path).body, name, path, True)]


@check
def imports_have_no_cycle(root: Path) -> list[str]:
    """No plugin file imports itself by way of others, when it is loaded."""
    graph: dict[str, list[str]] = {}
    for entry in imports(root):
        if entry.at_load and entry.target != entry.source:
            graph.setdefault(entry.source, []).append(entry.target)
    problems: list[str] = []
    done: set[str] = set()

    def follow(name: str, path: list[str]) -> None:
        if name in path:
            problems.append("import cycle: " + " -> ".join([*path[path.index(name) :], name]))
        elif name not in done:
            for target in graph.get(name, []):
                follow(target, [*path, name])
            done.add(name)

    for name in sorted(graph):
        follow(name, [])
    return problems


def _why_not_down(source: str, target: str) -> str:
    """Why a file may not import another one, or an empty string."""
    kind, target_kind = source.split(".")[1], target.split(".")[1]
    if target_kind != "module_utils":
        return "" if target_kind in ABOVE_MODULE_UTILS.get(kind, ()) else f"{kind} must not import {target_kind}"
    if kind != "module_utils":
        return ""
    package, lower = source.split(".")[2], f"{target}.".split(".")[2]
    for name in (package, lower):
        if name not in RANK:
            return f"{name or 'module_utils'} has no layer; add it to LAYERS"
    if package == lower or RANK[lower] < RANK[package] or RANK[lower] == RANK[package] == 0:
        return ""
    return f"{package} must not import {lower}, which is not below it"


@check
def imports_point_down(root: Path) -> list[str]:
    """Modules, filters and actions import module_utils; its packages import lower layers; nothing imports upwards."""
    problems, unused = [], set(KNOWN_UPWARD)
    for entry in imports(root):
        why = _why_not_down(entry.source, entry.target)
        unused.discard((entry.source, entry.target))
        if why and (entry.source, entry.target) not in KNOWN_UPWARD:
            problems.append(f"{entry.source.replace('.', '/')}.py:{entry.line}: {why}")
    return problems + [f"{source} imports {target} no more: remove it from KNOWN_UPWARD" for source, target in unused]


@check
def files_are_short(root: Path) -> list[str]:
    """A source file has at most 350 lines, a template 300, a test 500."""
    problems = []
    counts = {}
    for path in walk(root, "plugins", "roles", "playbooks", "scripts", "tests", "molecule"):
        name = str(path.relative_to(root))
        if path.suffix in (".j2", ".lua", ".js", ".sql", ".sh", ".yml"):
            limit = TEMPLATE_LINES
        elif is_python(path):
            limit = TEST_LINES if name.startswith(("tests/", "molecule/")) else SOURCE_LINES
        else:
            continue
        counts[name] = count = len(path.read_text(encoding="utf-8").splitlines())
        allowed = LONGER.get(name, (limit, ""))[0]
        if count > allowed:
            problems.append(f"{name} has {count} lines; {allowed} are allowed")
        elif name in LONGER and count <= limit:
            problems.append(f"{name} has {count} lines: remove it from LONGER")
    return problems + [f"{name} does not exist: remove it from LONGER" for name in sorted(LONGER.keys() - counts)]


@check
def class_names_are_unique(root: Path) -> list[str]:
    """One public class name in plugins has one meaning."""
    first: dict[str, str] = {}
    problems = []
    for path in walk(root, "plugins", suffixes=(".py",)):
        for node in python(path).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_") or node.name in CLASSES_OF_ANSIBLE:
                continue
            name = str(path.relative_to(root))
            if node.name in first:
                problems.append(f"{name}:{node.lineno}: {first[node.name]} has a class {node.name} too")
            first.setdefault(node.name, name)
    return problems


@check
def files_have_no_gerunds(root: Path) -> list[str]:
    """A file is a noun or the imperative of a command."""
    problems = set()
    for path in walk(root, "plugins", "roles", "tests", "molecule", "scripts", "playbooks"):
        for part in (*path.relative_to(root).parts[1:-1], path.name.split(".")[0]):
            for word in re.split(r"[^a-z]+", part.lower()):
                if re.fullmatch(r"[a-z]{2,}ing", word) and word not in NO_GERUNDS | KNOWN_GERUNDS:
                    problems.add(f"{path.relative_to(root)}: '{word}' is a gerund; use a noun or an imperative")
    return sorted(problems)
