from __future__ import annotations

import json
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible.errors import AnsibleAction, AnsibleActionFail
from fakes_action import action_of

from ansible_collections.switchyard.stacks.plugins.action import preflight_report

UNKNOWN = {
    "where": "stacks[shop].rotes",
    "message": "unknown key",
    "hint": "Write routes",
    "code": "inventory.key_unknown",
}
CLOCK = {"where": "server", "message": "its clock is 80 s behind", "hint": "Start chrony", "code": "server.clock"}


OLDER = {"where": "stacks[shop]", "message": "1.0 is older", "hint": "Add -e x=true", "code": "release.downgrade"}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what the action shows."""
    lines: list[str] = []
    monkeypatch.setattr(preflight_report.display, "display", lambda text, **_options: lines.append(text))
    return lines


def run(errors: bool = False, warnings: bool = False, asks: bool = False, **args: t.Any) -> dict[str, t.Any]:
    result = {"problems": [UNKNOWN] if errors else [], "problem_warnings": [CLOCK] if warnings else []}
    result["questions"] = [OLDER] if asks else []
    hosts = ["app1", "app2"]
    variables = {
        "inventory_hostname": "app1",
        "ansible_play_hosts": hosts,
        "hostvars": {host: {"checked": result} for host in hosts},
    }
    options = {"project": "po", "environment": "prod", "results": "checked", **args}
    action = action_of(preflight_report.ActionModule, "switchyard.stacks.preflight_report", options, variables)
    return action.run(task_vars=variables)


def fails(**args: t.Any) -> dict[str, t.Any]:
    """Return the result of a task that the errors of a report fail."""
    with pytest.raises(AnsibleAction) as caught:
        run(**args)
    return t.cast("dict[str, t.Any]", caught.value.result)


def test_a_question_stops_a_deploy_and_is_a_warning_of_the_report(shown: list[str]) -> None:
    assert (
        "  1. stacks[shop]: 1.0 is older. Add -e x=true. [release.downgrade]" in fails(asks=True, detail="short")["msg"]
    )
    assert run(asks=True)["counts"] == {"errors": 0, "warnings": 1, "notices": 0}


def test_a_report_is_shown_and_its_errors_fail_the_task(shown: list[str]) -> None:
    result = fails(errors=True, warnings=True)
    assert result["counts"] == {"errors": 1, "warnings": 1, "notices": 0}
    assert result["msg"] == "Nothing was changed. 1 error, listed first in the report above, prevent a release"
    (text,) = shown
    assert "app1, app2: its clock is 80 s behind. Start chrony." in text
    assert text.index("unknown key") < text.index("its clock")


def test_warnings_do_not_fail_the_task(shown: list[str]) -> None:
    result = run(warnings=True)
    assert not result.get("failed")
    assert "1 warning" in shown[0]


def test_a_deploy_says_the_same_in_short(shown: list[str]) -> None:
    assert not run(detail="short").get("failed")
    assert shown == []
    run(warnings=True, detail="short")
    assert len(shown) == 1
    assert "its clock" in shown[0]
    result = fails(errors=True, warnings=True, detail="short")
    assert len(shown) == 1
    assert result["msg"].splitlines() == [
        "Nothing was changed. These problems prevent it (1):",
        "  1. stacks[shop].rotes: unknown key. Write routes. [inventory.key_unknown]",
        "1 warning, 0 notices that preflight.yml lists",
        "  app1, app2: its clock is 80 s behind. Start chrony. [server.clock]",
    ]


@pytest.mark.parametrize("name", ["report.txt", "new/report.json", "report.xml"])
def test_the_report_is_written_in_the_format_of_its_name(
    name: str, tmp_path: Path, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fails(errors=True, path=name)
    text = (tmp_path / name).read_text()
    if name.endswith(".json"):
        assert json.loads(text)["counts"]["errors"] == 1
    elif name.endswith(".xml"):
        assert ElementTree.fromstring(text).get("failures") == "1"
    else:
        assert text == shown[0]


def test_another_extension_is_refused_before_anything_is_checked(shown: list[str]) -> None:
    with pytest.raises(AnsibleActionFail, match=r"report\.yaml is not the name of a report"):
        run(path="report.yaml", results="")
    assert not run(path="report.xml", results="").get("failed")
    assert shown == []


def test_a_report_that_cannot_be_written(tmp_path: Path, shown: list[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AnsibleActionFail, match="cannot be written"):
        run(path=str(tmp_path / "file" / "report.txt"))
