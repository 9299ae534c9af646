from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import display, manifest


def test_each_state_has_a_text() -> None:
    assert set(display.STATES) == set(manifest.STATES)


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (119, "119 s"), (7199, "119 min"), (7200, "2 h"), (10**6, "11 days")]
)
def test_age(seconds: float, text: str) -> None:
    assert display.age(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (21561, "21.1 KiB"), (5 << 30, "5.0 GiB"), (3 << 40, "3.0 TiB")]
)
def test_size(number: float, text: str) -> None:
    assert display.size(number) == text
