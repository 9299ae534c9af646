"""Fixtures of the tests of haproxy."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes_haproxy import STATE, Check, FakeMaster, load_state, made

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import driver


@pytest.fixture
def check() -> Check:
    return Check()


@pytest.fixture
def proxy(master: FakeMaster, tmp_path: Path, check: Check) -> driver.HAProxy:
    check.folder = tmp_path / "proxy" / "staged"
    (tmp_path / "proxy" / "server-preview.key").write_text("key-of-this-server\n")
    load_state(master, STATE)
    return made(tmp_path / "proxy", check)
