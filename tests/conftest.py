"""What all tests share: the tests with Docker Compose have the mark ``compose``, so that the run can order them."""

from __future__ import annotations

import subprocess

import pytest


@pytest.fixture(scope="session")
def real_compose() -> None:
    """Require Docker Compose itself, which needs no engine to read files.

    Without it the tests fail: tests that are skipped find nothing. ``scripts/test`` runs them after the part engine.
    """
    try:
        subprocess.run(["docker", "compose", "version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.fail("Docker Compose is not installed. Run scripts/engine, or leave these tests out: -m 'not compose'.")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "real_compose" in getattr(item, "fixturenames", ()):
            item.add_marker("compose")


@pytest.fixture(scope="session")
def real_engine(real_compose: None) -> None:
    """Require a container engine that answers this user."""
    if subprocess.run(["docker", "version"], check=False, capture_output=True).returncode:
        pytest.fail("No container engine answers. Run scripts/engine, or leave these tests out: -m 'not compose'.")
