"""Fixtures of the tests of behind_traefik."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes_behind_traefik import FrontTraefik

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik import (
    replace as behind_traefik_replace,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "proxy"


@pytest.fixture
def engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FrontTraefik]:
    for name, value in {"POLL": 0.001, "QUIET": 0.02, "HEALTH_LIMIT": 0.1, "FOLLOW_LIMIT": 0.2}.items():
        monkeypatch.setattr(behind_traefik_replace, name, value)
    with contextlib.ExitStack() as stack:
        yield FrontTraefik(folder, stack)
