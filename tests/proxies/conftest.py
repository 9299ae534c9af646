"""The real proxies, which all tests here share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_proxies import RealProxy, real_proxies


@pytest.fixture(scope="session")
def running_proxies(real_engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RealProxy]]:
    """A proxy of each kind."""
    with real_proxies(tmp_path_factory.mktemp("proxies")) as running:
        yield running
