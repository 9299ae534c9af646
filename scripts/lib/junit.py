"""JUnit XML: the result of every test, one file per step.

The format is that of pytest's --junitxml: a test case holds an element ``failure``, ``error`` or ``skipped``, or none.
"""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

# Control characters have no form in XML 1.0.
NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclasses.dataclass
class Count:
    """Number of tests by result."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __iadd__(self, other: Count) -> Count:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def write_case(path: Path, part: str, name: str, seconds: float, failure: str = "") -> None:
    """Write one test case to a file of its own; ``failure`` is the reason and the output, and empty for success."""
    case = ET.Element("testcase", classname=part, name=name, time=f"{seconds:.3f}")
    if failure:
        text = NOT_IN_XML.sub("", failure)
        ET.SubElement(case, "failure", message=text.partition("\n")[0]).text = text
    numbers = {"tests": "1", "failures": "1" if failure else "0", "errors": "0", "skipped": "0"}
    suite = ET.Element("testsuite", name=part, time=f"{seconds:.3f}", **numbers)
    suite.append(case)
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def count(paths: Iterable[Path]) -> Count:
    """Count the test cases in files; a file that is missing or not complete has none."""
    total = Count()
    for path in paths:
        try:
            cases = ET.parse(path).iter("testcase")
        except (OSError, ET.ParseError):
            continue
        for case in cases:
            results = {child.tag for child in case}
            if results & {"failure", "error"}:
                total.failed += 1
            elif "skipped" in results:
                total.skipped += 1
            else:
                total.passed += 1
    return total
