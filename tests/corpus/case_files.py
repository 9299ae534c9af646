"""The files of the cases, as an application's folder has them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

CASES = Path(__file__).parent / "cases"
KEYS = {
    *("server", "stack", "files", "refused", "says", "runs", "changed", "rendered", "networks", "volumes"),
    "released",
}

Mapping = dict[str, t.Any]


def load(path: Path) -> Mapping:
    """Return a case. Raises ValueError for a key that no case has."""
    case: Mapping = yaml.safe_load(path.read_text())
    unknown = set(case) - KEYS
    if unknown:
        raise ValueError(f"{path.name}: unknown keys {sorted(unknown)}")
    return case


def write_files(files: t.Mapping[str, t.Any], folder: Path) -> None:
    """Write the files of a case: a text, or a mapping with ``mode`` and ``text`` or with the target of a ``link``."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir(exist_ok=True)
        elif isinstance(content, dict) and "link" in content:
            path.symlink_to(content["link"])
        else:
            path.write_text(content["text"] if isinstance(content, dict) else content)
            if isinstance(content, dict):
                path.chmod(int(str(content["mode"]), 8))
