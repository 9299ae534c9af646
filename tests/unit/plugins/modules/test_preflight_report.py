"""The module has documentation only: the action of the same name does the work."""

from __future__ import annotations

import yaml

from ansible_collections.switchyard.stacks.plugins.action.preflight_report import FORMATS
from ansible_collections.switchyard.stacks.plugins.modules import preflight_report


def test_the_documentation_names_every_format() -> None:
    options = yaml.safe_load(preflight_report.DOCUMENTATION)["options"]
    assert all(f"C({extension})" in " ".join(options["path"]["description"]) for extension in FORMATS)
    assert options["detail"]["choices"] == ["full", "short"]
