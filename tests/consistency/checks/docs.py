"""Documentation that names what exists."""

from __future__ import annotations

import os
import re
from pathlib import Path

import compose_keys
import stack_keys
from repo import CHECKS, check, lines

# A path of the repository in backticks, or the target of a link. Placeholders in angle brackets are none.
PATH = re.compile(
    r"`((?:plugins|roles|playbooks|molecule|tests|docs|scripts|examples|inventories|changelogs|requirements)/"
    r"[\w./*{},-]+)`"
)
# The documentation writes files of module_utils without that folder.
IN_MODULE_UTILS = re.compile(
    r"`((?:config|engine|proxy|release|backup|postgres|redis|maintenance|decommission)/[\w/]+\.py|release/[\w/]+/)`"
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")


@check
def make_targets_exist(root: Path) -> list[str]:
    """The targets that the documentation tells to type exist, with their scripts, and CONTRIBUTING.md lists all."""
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
    guide = root / "CONTRIBUTING.md"
    listed = set(re.findall(r"`make ([a-z][\w-]*)", guide.read_text(encoding="utf-8"))) if guide.exists() else targets
    problems += [f"CONTRIBUTING.md does not list make {target}" for target in sorted(targets - listed - {"help"})]
    return problems


@check
def habits_name_their_checks(root: Path) -> list[str]:
    """CONTRIBUTING.md says which check holds a habit. All checks are named, and no others."""
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"\*Held by ([^*]+)\*", text))))
    return [
        f"CONTRIBUTING.md names the check {name}, which does not exist" for name in sorted(named - CHECKS.keys())
    ] + [f"CONTRIBUTING.md does not tell what {name} holds" for name in sorted(CHECKS.keys() - named)]


@check
def stack_keys_are_documented(root: Path) -> list[str]:
    """The table in the stack role's README has every key of the schema, its type, its default and a meaning."""
    file = root / stack_keys.README
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    actual, expected = stack_keys.written(text), stack_keys.table(text)
    problems = [f"{stack_keys.README}: differs from the schema: {row}" for row in expected if row not in actual]
    problems += [f"{stack_keys.README}: not in the schema: {row}" for row in actual if row not in expected]
    problems += [f"{stack_keys.README}: the meaning is missing: {row}" for row in actual if row.endswith("|  |")]
    if not problems and actual != expected:
        problems.append(f"{stack_keys.README}: the keys are not in the order of the schema")
    return problems and [*problems, "Run: scripts/python tests/consistency/stack_keys.py"]


@check
def compose_keys_are_documented(root: Path) -> list[str]:
    """docs/compose.md is generated from the table in the code, which has every key of the Compose specification."""
    file = root / compose_keys.PAGE
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    written = "".join(text.partition(compose_keys.BEGIN)[1:])
    problems = []
    if written != compose_keys.generated():
        problems.append(
            f"{compose_keys.PAGE}: differs from the table. Run: scripts/python tests/consistency/compose_keys.py"
        )
    return problems + compose_keys.differences(compose_keys.specification())


@check
def documented_paths_exist(root: Path) -> list[str]:
    """Every file, folder or pattern that the documentation names exists, and README.md links to every page of docs/."""
    readme = root / "README.md"
    linked = readme.read_text(encoding="utf-8") if readme.exists() else ""
    problems = [
        f"README.md does not link to docs/{path.name}"
        for path in sorted(root.glob("docs/*.md"))
        if f"](docs/{path.name}" not in linked
    ]
    for name, text in lines(root, suffixes=(".md",)):
        for number, line in enumerate(text, 1):
            folder = (root / name).parent
            paths = PATH.findall(line) + [f"plugins/module_utils/{path}" for path in IN_MODULE_UTILS.findall(line)]
            missing = [path for path in paths if not _exists(root, path)]
            missing += [path for path in LINK.findall(line) if not (folder / path).exists()]
            problems += [f"{name}:{number}: {path} does not exist" for path in missing]
    return problems


def _exists(root: Path, path: str) -> bool:
    """Whether all alternatives in braces exist, or a pattern matches anything."""
    braces = re.search(r"\{([^}]*)\}", path)
    if braces:
        return all(_exists(root, path.replace(braces[0], part, 1)) for part in braces[1].split(","))
    return any(root.glob(path.rstrip("/")))
