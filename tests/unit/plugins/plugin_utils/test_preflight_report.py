from __future__ import annotations

import json
import typing as t

from ansible_collections.switchyard.stacks.plugins.plugin_utils.preflight_report import (
    PreflightReport,
    as_json,
    as_text,
    in_short,
    report_of,
)

KEY = "switchyard_stacks[shop].rotes"
UNKNOWN = {"where": KEY, "message": "unknown key", "hint": "Did you mean 'routes'?", "code": "inventory.key_unknown"}
DISK = {"where": "server", "message": "/ has 0.1 GiB free", "hint": "Make room", "code": "server.disk_space"}
CLOCK = {"where": "server", "message": "its clock is 80 s behind", "hint": "Start chrony", "code": "server.clock"}
PORTS = {"where": "switchyard_stacks[shop].compose", "message": "ports of web: not published", "hint": "", "code": ""}


def result(**more: t.Any) -> dict[str, t.Any]:
    return {"problems": [], "problem_warnings": [], "notices": [], "plans": [], "skipped_checks": [], **more}


def report() -> PreflightReport:
    plan = {"stack": "shop", "action": "release", "reasons": ["image web is new"]}
    skipped = {"check": "route_conflicts", "where": "server", "reason": "needs proxy: it does not answer"}
    both = {"notices": [PORTS], "plans": [plan]}
    return report_of(
        {
            "app1": result(problems=[{**UNKNOWN, "file": "all.yml:7"}, DISK], **both),
            "app2": result(
                problems=[DISK, {**UNKNOWN, "file": "all.yml:7"}],
                problem_warnings=[CLOCK],
                skipped_checks=[skipped],
                **both,
            ),
        },
        "po",
        "prod",
    )


def test_each_problem_is_there_once_with_its_servers_and_the_worst_are_first() -> None:
    assert as_text(report()).splitlines() == [
        "Preflight of po prod on app1, app2: 2 errors, 1 warning, 1 notice. Nothing was changed.",
        "",
        "Errors: nothing is released before they are corrected:",
        f"  1. {KEY} (all.yml:7): unknown key. Did you mean 'routes'? [inventory.key_unknown]",
        "  2. app1, app2: / has 0.1 GiB free. Make room. [server.disk_space]",
        "",
        "Warnings: a release stops for a confirmation only:",
        "  3. app2: its clock is 80 s behind. Start chrony. [server.clock]",
        "",
        "Notices: what a release changes, and what is left over:",
        "  4. switchyard_stacks[shop].compose: ports of web: not published.",
        "",
        "Not checked:",
        "  route_conflicts of app2: needs proxy: it does not answer",
        "",
        "What a release would do:",
        "  shop on app1: release (image web is new)",
        "  shop on app2: release (image web is new)",
    ]


def test_the_report_for_programs() -> None:
    document = json.loads(as_json(report()))
    assert document["counts"] == {"errors": 2, "warnings": 1, "notices": 1}
    assert [item["severity"] for item in document["problems"]] == ["error", "error", "warning", "notice"]
    assert document["problems"][0] == {**UNKNOWN, "severity": "error", "servers": ["app1", "app2"], "file": "all.yml:7"}
    assert (document["project"], document["environment"]) == ("po", "prod")
    assert len(document["plans"]) == 2
    assert len(document["skipped_checks"]) == 1


def test_a_deploy_shows_warnings_and_counts_notices() -> None:
    assert in_short(report()).splitlines() == [
        "1 warning, 1 notice that preflight.yml lists",
        "  app2: its clock is 80 s behind. Start chrony. [server.clock]",
    ]
    assert in_short(report_of({"app1": result()}, "po", "prod")) == ""


def test_a_report_without_a_problem() -> None:
    assert as_text(report_of({"app1": result()}, "po", "prod")) == (
        "Preflight of po prod on app1: 0 errors, 0 warnings, 0 notices. Nothing was changed.\n"
    )


def test_what_is_left_over_is_a_notice() -> None:
    left = {
        "stack": "old",
        "message": "the stack old is not in the inventory",
        "command": "ansible-playbook retire.yml",
    }
    (item,) = report_of({"app1": result(left_overs=[left])}, "po", "prod").items
    assert str(item) == (
        "app1: the stack old is not in the inventory. To end it, type ansible-playbook retire.yml. [server.left_over]"
    )
    assert item.severity == "notice"


def test_the_networks_of_the_pool_are_counted() -> None:
    (line,) = report_of({"app1": result(networks={"created": 3, "left": 240})}, "po", "prod").plans
    assert line == "networks on app1: 3 to create, room for 240 more in the pool"
