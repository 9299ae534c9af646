"""Playbooks, and how they name roles."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

from repo import COLLECTION, check, load, playbooks, tasks, walk


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
    outputs = {inventory.name: _answer(root, inventory, books) for inventory in inventories if books}
    return [f"{name}: {output}" for name, output in outputs.items() if output]


@check
def playbooks_work_from_every_folder(root: Path) -> list[str]:
    """A path leads to each playbook of the checkout, without the checkout's ansible.cfg: a link has the collection."""
    books = [str(path) for path in playbooks(root)]
    output = _answer(Path("/"), Path("localhost,"), books) if books else ""
    return [output] if output else []


def _answer(folder: Path, inventory: Path, books: list[str]) -> str:
    """Return what Ansible writes when it reads playbooks in a folder, or nothing without an error or a warning."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "--syntax-check", "-i", str(inventory), *books]
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    warned = re.search(r"^\[(?:DEPRECATION )?WARNING\]", output, re.MULTILINE)
    return output if done.returncode or warned else ""


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
