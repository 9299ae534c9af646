from __future__ import annotations

import pytest
from ansible.errors import AnsibleAction
from fakes_action import action_of

from ansible_collections.switchyard.stacks.plugins.action.stop import ActionModule


def test_the_task_fails_with_the_whole_message() -> None:
    action = action_of(ActionModule, "switchyard.stacks.stop", {"msg": "Two problems:\n  1. one"}, {})
    with pytest.raises(AnsibleAction, match=r"^Two problems$") as caught:
        action.run(task_vars={})
    assert caught.value.result["msg"] == "Two problems:\n  1. one"
