from __future__ import annotations

import yaml

from ansible_collections.switchyard.stacks.plugins.action.new_inventory import ActionModule
from ansible_collections.switchyard.stacks.plugins.modules import new_inventory


def test_the_documentation_has_the_options_of_the_action() -> None:
    assert set(yaml.safe_load(new_inventory.DOCUMENTATION)["options"]) == set(ActionModule._VALID_ARGS)
