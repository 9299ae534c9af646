"""Versions and dependencies, which more than one file states."""

from __future__ import annotations

import re
from pathlib import Path

from repo import check, lines, load


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
