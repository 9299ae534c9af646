from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.request_forms import FilterModule
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import client_headers, request_form

request_forms = FilterModule().filters()["request_forms"]


def test_expressions_as_they_are() -> None:
    forms = request_forms("\\")
    assert forms["ambiguous_path"] == request_form.ambiguous_path()
    assert forms["host"] == f"^{request_form.HOST}$"
    assert forms["removed"] == list(client_headers.REMOVED)


def test_expressions_for_a_configuration_that_quotes_backslashes() -> None:
    assert request_forms("\\\\")["invalid_path"].replace("\\\\", "\\") == request_form.invalid_path()
