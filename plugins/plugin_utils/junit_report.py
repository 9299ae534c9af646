# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A preflight report as JUnit XML, in the form that GitLab and Jenkins read. For the controller only.

GitLab takes the text of a failure from its content, and the first of several test cases with one class and one name
(GitLab documentation, "Unit test reports"), so that the message is part of the name.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ERROR, NOTICE, SEVERITIES, WARNING

from .preflight_report import Item, PreflightReport

# Characters that XML 1.0 does not have (specification, 2.2).
_INVALID = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_junit(report: PreflightReport) -> str:
    """Return the report as JUnit XML: an error is a failure, a warning a skipped test, a notice one that passes.

    What a release would do are tests that pass, and checks that did not run are skipped ones.
    """
    name = f"preflight {report.project} {report.environment}"
    errors, warnings = len(report.of(ERROR)), len(report.of(WARNING))
    tests = len(report.items) + len(report.plans) + len(report.skipped)
    counts = {"tests": str(tests), "failures": str(errors), "errors": "0"}
    root = ElementTree.Element("testsuites", {"name": name, **counts, "time": "0"})
    attributes = {"name": name, **counts, "skipped": str(warnings + len(report.skipped)), "time": "0"}
    suite = ElementTree.SubElement(root, "testsuite", attributes)
    for severity in SEVERITIES:
        for item in report.of(severity):
            _add_item(suite, item, report.environment)
    for line in report.skipped:
        _text(_case(suite, f"preflight.{report.environment}.not_checked", line), "skipped", line)
    for line in report.plans:
        _case(suite, f"preflight.{report.environment}.plan", line)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_item(suite: ElementTree.Element, item: Item, environment: str) -> None:
    where = ", ".join(item.servers) if item.where == "server" else item.where
    case = _case(suite, f"preflight.{environment}.{item.severity}", f"{where}: {item.message}")
    if item.file:
        path, separator, line = item.file.rpartition(":")
        case.set("file", _clean(path if separator and line.isdigit() else item.file))
    kind = {ERROR: "failure", WARNING: "skipped", NOTICE: "system-out"}[item.severity]
    element = _text(case, kind, str(item))
    if kind != "system-out":
        element.set("message", _clean(item.message))
    if kind == "failure":
        element.set("type", item.code)


def _case(suite: ElementTree.Element, group: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"classname": group, "name": _clean(name), "time": "0"})


def _text(case: ElementTree.Element, kind: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(case, kind)
    element.text = _clean(text)
    return element


def _clean(text: str) -> str:
    """Return a text without characters that XML cannot hold."""
    return _INVALID.sub("\N{REPLACEMENT CHARACTER}", text)
