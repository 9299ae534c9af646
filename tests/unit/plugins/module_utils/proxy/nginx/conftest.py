"""Fixtures of the tests of nginx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakeEngine
from fakes_nginx import STATE, FakeNginx, load_state

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import (
    driver,
)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[FakeNginx]:
    for name in ("run", "flags", "conf.d", "staged"):
        (tmp_path / "proxy" / name).mkdir(parents=True)
    with FakeNginx(tmp_path / "proxy").listening() as listening:
        yield listening


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def proxy(running: FakeNginx, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> driver.Nginx:
    monkeypatch.setattr(driver, "POLL", 0.001)
    monkeypatch.setattr(driver, "LIMIT", 0.2)
    (running.folder / "server-preview.key").write_text("key-of-this-server\n")
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80, "reload_delay": 0}
    engine.inside = running.command
    made = driver.Nginx(running.folder, settings, engine)  # type: ignore[arg-type]
    (running.folder / "conf.d" / made.own_file).write_text("daemon off;\n")
    load_state(running, STATE)
    return made
