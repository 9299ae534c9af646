"""The repository as the checks read it: its files, its YAML, its Python, and the registry of checks.

A check is a function of the repository's root that returns one sentence per problem; none means success.
"""

from __future__ import annotations

import ast
import functools
import os
import re
import typing as t
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

Check = Callable[[Path], list[str]]
CHECKS: dict[str, Check] = {}

COLLECTION = "switchyard.stacks"
DATA = Path(__file__).resolve().parent / "data"


def check(function: Check) -> Check:
    """Register a check under its own name, which CONTRIBUTING.md and test_checks.py use."""
    CHECKS[function.__name__] = function
    return function


def walk(root: Path, *folders: str, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield the repository's own files below these folders, or all; hidden folders are caches, except two."""
    for folder in folders or (".",):
        for path, names, files in os.walk(root / folder):
            names[:] = sorted(n for n in names if (n[0] != "." or n in (".ci", ".config")) and n != "__pycache__")
            for name in sorted(files):
                if not suffixes or name.endswith(suffixes):
                    yield Path(path, name)


def lines(root: Path, *folders: str, suffixes: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
    """Yield name and lines of each text file, except the checks themselves, which name what they forbid."""
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
    """Content of a YAML file, or None where it does not exist. Raises ValueError if it is not valid YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader) if path.exists() else None
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from error


def roles(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("roles/*") if path.is_dir())


def modules(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("plugins/modules/*.py") if path.name != "__init__.py")


def playbooks(root: Path) -> list[Path]:
    return sorted(root.glob("playbooks/*.yml"))


@functools.cache
def _parsed(path: Path, dummy_changed: float) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def python(path: Path) -> ast.Module:
    """Syntax tree of a Python file."""
    return _parsed(path, path.stat().st_mtime)


def is_python(path: Path) -> bool:
    """Whether a file is Python: by its name, or by its first line."""
    if path.suffix:
        return path.suffix == ".py"
    with path.open("rb") as file:
        return bool(re.match(rb"#!.*\bpython", file.readline(80)))


def assigned(path: Path) -> dict[str, tuple[t.Any, int]]:
    """Value and last line of what a plugin assigns to names in capitals, such as DOCUMENTATION."""
    values = {}
    for node in python(path).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            value = node.value.value if isinstance(node.value, ast.Constant) else None
            values[node.targets[0].id] = (value, node.end_lineno or 0)
    return values


def tasks(value: t.Any) -> Iterator[dict[str, t.Any]]:
    """Yield every task of a task file or playbook, also those inside blocks."""
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
