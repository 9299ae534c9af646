"""Programs that people and make start: each finds the packages that it imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from repo import check, is_python, lines, python, walk

# A program of the checkout that is started with the system's Python.
SYSTEM_PYTHON = re.compile(r"(?<![\w./-])python3? +(?:[\w./$\"{}]*/)?(?:scripts|tests)/[\w./-]+")


def imported(path: Path) -> Iterator[str]:
    """Yield the packages that a file imports, also inside functions."""
    for node in ast.walk(python(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def packages(path: Path) -> set[str]:
    """Third-party packages of a program: its own, and those of the files next to it or in lib/ that it imports."""
    names: set[str] = set()
    waiting, read = [path], set()
    while waiting:
        current = waiting.pop()
        read.add(current)
        for name in imported(current):
            own = [folder / f"{name}.py" for folder in (current.parent, current.parent / "lib")]
            own = [candidate for candidate in own if candidate.exists()]
            waiting += [candidate for candidate in own if candidate not in read]
            if not own and name not in sys.stdlib_module_names:
                names.add(name)
    return names


@check
def programs_find_their_packages(root: Path) -> list[str]:
    """A program that the system's Python starts imports the standard library only; scripts/python starts the others."""
    problems = []
    for path in walk(root, "scripts", "tests", ".ci"):
        if not is_python(path) or not path.read_text(encoding="utf-8").startswith("#!"):
            continue
        for name in sorted(packages(path)):
            problems.append(f"{path.relative_to(root)} has a #! line and imports {name}: start it with scripts/python")
    for name, text in lines(root, ".", suffixes=("Makefile", ".sh", ".yml", ".md")):
        problems += [
            f"{name}:{number}: {match[0]}: use scripts/python, which has the pinned packages"
            for number, line in enumerate(text, 1)
            for match in SYSTEM_PYTHON.finditer(line)
        ]
    return problems
