"""Plain English: a budget of the words that the prose does without."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from repo import DATA, check, lines, load

# Folders with a budget of their own. Files that are in none of them count for their first folder, or their own name.
FOLDERS = (
    "examples",
    "molecule",
    "plugins/module_utils/backup",
    "plugins/module_utils/config",
    "plugins/module_utils/decommission",
    "plugins/module_utils/engine",
    "plugins/module_utils/maintenance",
    "plugins/module_utils/postgres",
    "plugins/module_utils/proxy",
    "plugins/module_utils/redis",
    "plugins/module_utils/release",
    "plugins/module_utils",
    "plugins/modules",
    "plugins",
    "roles/backup",
    "roles/host",
    "roles/maintenance",
    "roles/postgres",
    "roles/proxy",
    "roles/redis",
    "roles/stack",
    "tests/bench",
    "tests/faults",
    "tests/unit",
    "tests",
    "scripts",
    "docs",
    "changelogs",
    "playbooks",
    "inventories",
)
# Text that is not ours to word, or that names the words on purpose.
NOT_PROSE = ("LICENSE", "requirements/", "tests/consistency/", "docs/pictures/")


def pattern() -> re.Pattern[str]:
    """The banned words as one expression; an underscore ends a word, so that names count too."""
    words = list(load(DATA / "prose.yml")["banned"].values())
    words += [re.escape(old) for entry in load(DATA / "glossary.yml")["words"] for old in entry.get("not", [])]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(words)})(?![^\W_])", re.IGNORECASE)


def uses(root: Path) -> Iterator[tuple[str, int, str]]:
    """File, line and word of every use, in code too: names and messages are prose."""
    banned = pattern()
    for name, text in lines(root):
        if name.startswith(NOT_PROSE) or (root / name).is_symlink():
            continue
        for number, line in enumerate(text, 1):
            if not line.startswith("| **"):  # a row of the glossary
                for match in banned.finditer(line.replace("_", " ")):
                    yield name, number, match[0].lower()


def folder_of(name: str) -> str:
    """The folder whose budget a file counts for."""
    return next((folder for folder in FOLDERS if name.startswith(f"{folder}/")), name.split("/", maxsplit=1)[0])


@check
def prose_keeps_its_budget(root: Path) -> list[str]:
    """No folder uses more banned words than data/prose.yml allows, and the numbers there only go down."""
    data = load(DATA / "prose.yml")
    budget, slack = data["budget"], data["slack"]
    by_folder: dict[str, list[str]] = {}
    for name, number, word in uses(root):
        by_folder.setdefault(folder_of(name), []).append(f"{name}:{number}: {word}")
    problems = []
    for folder in sorted(by_folder.keys() | budget.keys()):
        count, allowed = len(by_folder.get(folder, [])), budget.get(folder, 0)
        if count > allowed:
            problems.append(f"{folder}: {count} banned words, {allowed} allowed: {'; '.join(by_folder[folder][-20:])}")
        elif count < allowed - slack or (folder in budget and not (root / folder).exists()):
            problems.append(f"{folder}: {count} banned words, {allowed} allowed: lower the number in data/prose.yml")
    return problems


def counts(root: Path) -> Counter[str]:
    """Number of banned words below each folder."""
    return Counter(folder_of(name) for name, _number, _word in uses(root))
