from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import map_file


def test_a_map_is_sorted_lines_of_key_and_value() -> None:
    assert map_file.map_text({"b": "2", "a": "1"}) == "a 1\nb 2\n"
    assert map_file.map_text({}) == ""


def test_a_map_as_the_running_process_shows_it() -> None:
    answer = "0x7fd70c841280 po.shop.prod blue\n0x7fd70c8412c0 po-a-prod-x green\n\n"
    assert map_file.parse_map(answer) == {"po.shop.prod": "blue", "po-a-prod-x": "green"}
    assert map_file.parse_map("\n") == {}


@pytest.mark.parametrize(
    "answer", ["Unknown map identifier. Please use #<id> or <file>.", "Can't find the target PID matching '@!9'"]
)
def test_an_error_is_never_taken_for_a_map(answer: str) -> None:
    with pytest.raises(SwitchyardError, match="did not show its map"):
        map_file.parse_map(answer)


def test_the_advice_of_an_error_is_its_hint() -> None:
    with pytest.raises(SwitchyardError) as caught:
        map_file.parse_map("Unknown map identifier.")
    assert str(caught.value.problem("server", "Run setup.yml", code="server.proxy")).count("setup.yml") == 1


def test_no_message_of_a_proxy_has_the_advice_that_preflight_adds() -> None:
    found = [
        f"{path.name}:{call.lineno}"
        for path in sorted(Path(map_file.__file__).parent.rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("SwitchyardError", "ProxyUnavailable")
        if call.args and "setup.yml" in ast.unparse(call.args[0])
    ]
    assert found == []
