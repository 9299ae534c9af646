"""One concept, one word: no name in its old form comes back."""

from __future__ import annotations

import ast
import re
import typing as t
from collections.abc import Iterator
from pathlib import Path

import stack_keys
import yaml
from repo import DATA, assigned, check, lines, load, modules, python, roles, walk


class Use(t.NamedTuple):
    """One place where a name is used: the kind of name, the name, where."""

    kind: str
    name: str
    where: str


def glossary() -> dict[str, t.Any]:
    """Content of data/glossary.yml."""
    return load(DATA / "glossary.yml")


def _names_in_python(root: Path) -> Iterator[Use]:
    """Classes, functions, and variables with parameters, of every plugin."""
    for path in walk(root, "plugins", suffixes=(".py",)):
        name = str(path.relative_to(root))
        for node in ast.walk(python(path)):
            if isinstance(node, ast.ClassDef):
                yield Use("classes", node.name, f"{name}:{node.lineno}")
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield Use("functions", node.name, f"{name}:{node.lineno}")
            elif isinstance(node, ast.arg):
                yield Use("variables", node.arg, f"{name}:{node.lineno}")
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield Use("variables", node.id, f"{name}:{node.lineno}")


def _keys(options: t.Any) -> Iterator[str]:
    """Names of options or results, also those inside suboptions."""
    for name, option in (options or {}).items():
        yield name
        if isinstance(option, dict):
            for nested in ("options", "suboptions", "contains"):
                yield from _keys(option.get(nested))


def _options(root: Path) -> Iterator[Use]:
    """Options and results of modules, what entry points of roles take, and the keys of a stack."""
    for path in modules(root):
        texts = assigned(path)
        documentation = yaml.safe_load(texts.get("DOCUMENTATION", ("", 0))[0] or "") or {}
        results = yaml.safe_load(texts.get("RETURN", ("", 0))[0] or "") or {}
        for name in (*_keys(documentation.get("options")), *_keys(results)):
            yield Use("options", f"{path.stem}.{name}", str(path.relative_to(root)))
    for role in roles(root):
        specs = (load(role / "meta/argument_specs.yml") or {}).get("argument_specs") or {}
        for spec in specs.values():
            for name in _keys(spec.get("options")):
                yield Use("options", f"{role.name}.{name}", f"roles/{role.name}/meta/argument_specs.yml")
    readme = root / stack_keys.README
    for key in stack_keys.meanings(readme.read_text(encoding="utf-8")) if readme.exists() else ():
        yield Use("stack_keys", key, stack_keys.README)


def _old_forms(words: dict[str, t.Any]) -> dict[str, dict[str, str]]:
    """Old names by kind. An option of every module is `*.name`."""
    old = {kind: dict(words[kind]) for kind in ("classes", "functions", "variables", "stack_keys")}
    old["options"] = {
        f"{module}.{name}": new for module, names in words["options"].items() for name, new in names.items()
    }
    return old


@check
def old_names_stay_gone(root: Path) -> list[str]:
    """Files, classes, functions, variables, options, role variables and server files have their new names only."""
    words = glossary()
    old = _old_forms(words)
    problems: dict[tuple[str, str], list[str]] = {}

    def add(kind: str, name: str, where: str, new: str) -> None:
        problems.setdefault((kind, name), []).append(f"{where}: '{name}' is the old form of: {new}")

    for use in (*_names_in_python(root), *_options(root)):
        for name in (use.name, f"*.{use.name.split('.')[-1]}"):
            if name in old[use.kind]:
                add(use.kind, name, use.where, old[use.kind][name])
    for path in walk(root):
        name = f"/{path.relative_to(root)}"
        for ending, new in words["files"].items():
            if name.endswith(f"/{ending}"):
                add("files", ending, name[1:], new)
    longest_first = sorted(words["anywhere"], key=len, reverse=True)
    escaped = (re.escape(word) + r"(?!\w)" * word[-1].isalnum() for word in longest_first)
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(escaped)})")
    for name, text in lines(root):
        for number, line in enumerate(text, 1):
            for word in pattern.findall(line):
                add("anywhere", word, f"{name}:{number}", words["anywhere"][word])
    remaining = {tuple(entry.split(" ", 1)) for entry in words["remaining"]}
    return [text for key, texts in problems.items() if key not in remaining for text in texts] + [
        f"{' '.join(key)} is not used any more: remove it from `remaining` in data/glossary.yml"
        for key in sorted(remaining - problems.keys())
    ]


@check
def glossary_is_documented(root: Path) -> list[str]:
    """The table in CONTRIBUTING.md has every word of data/glossary.yml, with its meaning and the words it replaces."""
    file = root / "CONTRIBUTING.md"
    rows = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    expected = [
        f"| **{word['use']}** | {word['for']} | {', '.join(word.get('not', []))} |" for word in glossary()["words"]
    ]
    documented = [row for row in rows if row.startswith("| **")]
    return [f"CONTRIBUTING.md lacks the row {row}" for row in expected if row not in documented] + [
        f"data/glossary.yml lacks the word of the row {row}" for row in documented if row not in expected
    ]
