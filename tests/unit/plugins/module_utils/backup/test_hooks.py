from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import hooks
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError


def test_commands_run_in_order_and_get_their_variables(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    script = f'echo "$SWITCHYARD_STACK ${{SWITCHYARD_BACKUP-none}} $1" >> {notes}'
    commands = [["sh", "-c", script, "sh", word] for word in ("first", "a b; $(c)")]
    hooks.run_hooks("pre", commands, {"stack": "shop", "backup": None}, 5)
    assert notes.read_text().splitlines() == ["shop none first", "shop none a b; $(c)"]


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (["sh", "-c", "echo it does not work >&2; exit 3"], "The pre-hook sh ended with exit code 3: it does not work"),
        (["false"], "exit code 1: it wrote nothing."),
        (["/no/such/command"], "The pre-hook /no/such/command cannot be started: No such file or directory."),
        (["sleep", "5"], "The pre-hook sleep was not done after 0.1 s."),
    ],
)
def test_the_first_that_fails_ends_it(tmp_path: Path, words: list[str], reported: str) -> None:
    later = tmp_path / "later"
    with pytest.raises(SwitchyardError) as raised:
        hooks.run_hooks("pre", [words, ["touch", str(later)]], {}, 0.1 if words[0] == "sleep" else 5)
    assert reported in str(raised.value)
    assert not later.exists()
