"""A step is right when nothing is wrong and no request failed; one that is not is remembered."""

from __future__ import annotations

from pathlib import Path

import environments
import pytest
import two_environments
from two_environments import Steps


@pytest.mark.parametrize(
    ("failed", "wrong", "line", "good"),
    [
        (0, [], "qual prunes: 12 s, 900 requests, 0 failed, right", True),
        (2, [], "qual prunes: 12 s, 900 requests, 2 failed, 2 requests failed", False),
        (0, ["it still answers"], "qual prunes: 12 s, 900 requests, 0 failed, it still answers", False),
    ],
)
def test_the_line_of_a_step(
    failed: int, wrong: list[str], line: str, good: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Steps(tmp_path)
    steps.say("qual prunes", 12.3, 900, failed, wrong)
    steps.say("a later one", 1, 1, 0, [])
    assert (capsys.readouterr().out.splitlines()[0], steps.good) == (line, good)


def test_a_stack_that_answers_with_another_name_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "shop-qual.localhost": "shop_qual 2",
        "blog-qual.localhost": "shop_qual 2",
        "desk-qual.localhost": "503 ",
    }
    monkeypatch.setattr(two_environments, "answer", answers.__getitem__)
    wrong = two_environments.wrong_answers("2", "qual")
    assert wrong == ["blog-qual.localhost answers shop_qual 2", "desk-qual.localhost answers 503 "]


def test_versions_are_those_of_the_built_images(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = '[{"Config": {"Env": ["PATH=/bin", "APP_VERSION=4"]}}, {"Config": {"Env": ["APP_VERSION=5"]}}]'
    monkeypatch.setattr(two_environments, "on_server", lambda script: listed)
    assert environments.built_versions() == {"4", "5"}
