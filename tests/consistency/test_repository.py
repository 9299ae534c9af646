"""The repository passes every check."""

from __future__ import annotations

from pathlib import Path

import pytest
from checks import CHECKS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", CHECKS)
def test_repository(name: str) -> None:
    try:
        problems = CHECKS[name](ROOT)
    except ValueError as error:
        problems = [str(error)]
    if problems:
        pytest.fail("\n".join([f"{name}:", *problems]), pytrace=False)
