from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.playbook_command import FilterModule


def test_the_filter_returns_the_command() -> None:
    playbook_command = FilterModule().filters()["playbook_command"]
    assert playbook_command("rollback").startswith("ansible-playbook ")
    assert "rollback" in playbook_command("rollback")
