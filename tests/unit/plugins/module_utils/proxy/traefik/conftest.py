"""Fixtures of the tests of traefik."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import FakeEngine, container
from fakes_traefik import FakePages, FakeTraefik, routes, switch

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    api,
    driver,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("conf.d", "staged", "maps", "run"):
        (tmp_path / "proxy" / name).mkdir(parents=True)
    (tmp_path / "proxy" / "server-preview.key").write_text("the-key\n")
    return tmp_path / "proxy"


@pytest.fixture
def running(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTraefik]:
    with FakeTraefik(folder / "conf.d").listening() as fake:
        monkeypatch.setattr(api, "PRIVATE_PORT", fake.port)
        yield fake


@pytest.fixture
def trial(
    folder: Path, monkeypatch: pytest.MonkeyPatch, docker: Callable[[str], Callable[[], list[str]]]
) -> Iterator[FakeTraefik]:
    """Give the second Traefik, which reads the staged files; its command runs until its input ends."""
    docker("cat")
    with FakeTraefik(folder / "staged").listening() as fake:
        monkeypatch.setattr(driver, "DRY_RUN_PORT", fake.port)
        yield fake


@pytest.fixture
def pages(folder: Path) -> Iterator[FakePages]:
    with FakePages(folder / "run" / "pages.sock").listening() as fake:
        yield fake


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(container("po-proxy"))


@pytest.fixture
def proxy(
    folder: Path, running: FakeTraefik, trial: FakeTraefik, pages: FakePages, engine: FakeEngine
) -> driver.Traefik:
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80, "uid": os.getuid()}
    return driver.Traefik(folder, settings, engine)  # type: ignore[arg-type]


@pytest.fixture
def shop(proxy: driver.Traefik) -> driver.Traefik:
    """Give a proxy that has the shop on both colors, blue live."""
    routes(proxy, "blue")
    switch(proxy, "blue")
    routes(proxy, "green")
    return proxy
