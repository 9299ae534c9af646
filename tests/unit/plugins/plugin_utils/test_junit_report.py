"""The report as JUnit XML, against the schema that Jenkins' xUnit plugin publishes (junit-10.xsd)."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.junit_report import as_junit
from ansible_collections.switchyard.stacks.plugins.plugin_utils.preflight_report import (
    PreflightReport,
    report_of,
)

# The part of the schema that the report uses: the attributes that an element must and may have, and its children.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name"},
        {"errors", "failures", "skipped", "tests", "time", "timestamp", "hostname", "id", "package", "file"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name"},
        {"assertions", "time", "classname", "status", "class", "file", "line"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}
COUNTS = ("tests", "failures", "errors", "skipped")


def follows_schema(element: ElementTree.Element) -> bool:
    required, optional, children = SCHEMA[element.tag]
    attributes = set(element.keys())
    return (
        required <= attributes <= required | optional
        and all(element.get(name, "0").isdigit() for name in COUNTS)
        and float(element.get("time", "0")) >= 0
        and {child.tag for child in element} <= children
        and all(follows_schema(child) for child in element)
    )


def report(message: str = "unknown key") -> PreflightReport:
    key = "switchyard_stacks[shop].rotes"
    error = {
        "where": key,
        "message": message,
        "hint": "Write routes",
        "code": "inventory.key_unknown",
        "file": "a.yml:7",
    }
    warning = {"where": "server", "message": "80 s behind", "hint": "Start chrony", "code": "server.clock"}
    notice = {"where": "stacks[shop].compose", "message": "ports: not published"}
    skipped = {"check": "paused_canary", "where": "server", "reason": "needs proxy"}
    plan = {"stack": "shop", "action": "release", "reasons": []}
    result = {"problems": [error], "problem_warnings": [warning], "notices": [notice]}
    return report_of({"app1": {**result, "skipped_checks": [skipped], "plans": [plan]}}, "po", "prod")


def test_the_report_follows_the_schema() -> None:
    text = as_junit(report())
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
    root = ElementTree.fromstring(text)
    assert follows_schema(root)
    (suite,) = root
    assert {name: suite.get(name) for name in COUNTS} == {"tests": "5", "failures": "1", "errors": "0", "skipped": "2"}
    assert len(suite.findall("testcase")) == 5
    assert len(suite.findall("testcase/failure")) == 1
    assert len(suite.findall("testcase/skipped")) == 2


def test_the_check_against_the_schema_can_fail() -> None:
    assert not follows_schema(ElementTree.fromstring('<testsuite name="a"><testcase/></testsuite>'))
    assert not follows_schema(ElementTree.fromstring('<testsuite name="a" skips="1"/>'))
    assert not follows_schema(ElementTree.fromstring('<testsuite name="a" tests="many"/>'))


def test_a_failure_has_what_gitlab_shows() -> None:
    case = ElementTree.fromstring(as_junit(report())).find("testsuite/testcase")
    assert case is not None
    assert (case.get("classname"), case.get("file")) == ("preflight.prod.error", "a.yml")
    assert case.get("name") == "switchyard_stacks[shop].rotes: unknown key"
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("type") == "inventory.key_unknown"
    assert failure.text == (
        "switchyard_stacks[shop].rotes (a.yml:7): unknown key. Write routes. [inventory.key_unknown]"
    )


def test_every_case_has_a_name_of_its_own() -> None:
    cases = ElementTree.fromstring(as_junit(report())).findall("testsuite/testcase")
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(set(names)) == len(names) == 5


@pytest.mark.parametrize("message", ["a\x1b[31m red", "<&>\"'", "nul \x00", "\ufffe"])
def test_any_text_is_valid_xml(message: str) -> None:
    root = ElementTree.fromstring(as_junit(report(message)))
    assert follows_schema(root)
