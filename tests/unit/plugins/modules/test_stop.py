from __future__ import annotations

import yaml

from ansible_collections.switchyard.stacks.plugins.action.stop import ActionModule
from ansible_collections.switchyard.stacks.plugins.modules import stop


def test_the_documentation_has_the_options_of_the_action() -> None:
    assert set(yaml.safe_load(stop.DOCUMENTATION)["options"]) == set(ActionModule._VALID_ARGS)
