"""The checks of this repository, by what they read. Importing this package registers all of them."""

from __future__ import annotations

from repo import CHECKS

from . import architecture, docs, glossary, hygiene, playbooks, plugins, programs, prose, roles, versions

__all__ = [
    "CHECKS",
    "architecture",
    "docs",
    "glossary",
    "hygiene",
    "playbooks",
    "plugins",
    "programs",
    "prose",
    "roles",
    "versions",
]
