from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import COMPOSE, Machine, colored, given, normalised
from fakes_release import prepare_release

from ansible_collections.switchyard.stacks.plugins.module_utils.release import preview

Notes = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def commands(docker: Callable[[str], Notes], machine: Machine) -> Notes:
    machine.engine.registry = {"reg/web:1", "reg/celery:1", "reg/db:1"}
    return docker(COMPOSE)


def diff(machine: Machine, old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    machine.make_live("blue")
    machine.engine.pull("reg/web:1")
    first = prepare_release(machine, given(normalised(web={"environment": old})))
    machine.engine.start(colored("green", first.ready.record.number, "x"))
    machine.make_live("green")
    machine.ctx.lock.release(first.token)
    return dict(preview.preview_release(machine.ctx, given(normalised(web={"environment": new})), "deploy").diff)


def test_a_diff_shows_which_variable_changed_and_never_its_value(machine: Machine) -> None:
    shown = diff(machine, {"KEY": "hunter2", "SAME": "x"}, {"KEY": "hunter3", "SAME": "x"})
    before, after = (json.loads(shown[side])["po-shop-web-prod"]["environment"] for side in ("before", "after"))
    assert before["KEY"] != after["KEY"]
    assert before["SAME"] == after["SAME"]
    assert "hunter" not in str(shown)


def test_a_diff_does_not_show_what_differs_with_every_release(machine: Machine) -> None:
    shown = diff(machine, {"A": "1"}, {"A": "1"})
    assert shown["before"] == shown["after"] != ""


def test_hidden_values_are_digests_in_every_key(machine: Machine) -> None:
    def shown(secret: str, of_file: str) -> str:
        command = ["serve", f"--password={secret}".replace("$", "$$"), f"--key={of_file}"]
        spec = given(normalised(web={"secrets": [{"source": "key"}], "command": command}), {"key": secret})
        spec = replace(spec, sources={**spec.sources, ".env": f"KEY={of_file}"})
        return str(preview.preview_release(machine.ctx, spec, "deploy").diff["after"])

    texts = [
        shown('quo"te$d-secret', "of-a-file"),
        shown("other-secret", "of-a-file"),
        shown("other-secret", "new-one"),
    ]
    assert len(set(texts)) == 3
    assert not [text for text in texts for word in ("te$", "other-secret", "of-a-file", "new-one") if word in text]
    assert "--password=(" in texts[0]
