from __future__ import annotations

import yaml

from ansible_collections.switchyard.stacks.plugins.action.check_request import ActionModule
from ansible_collections.switchyard.stacks.plugins.modules import check_request


def test_the_documentation_has_the_options_of_the_action() -> None:
    assert set(yaml.safe_load(check_request.DOCUMENTATION)["options"]) == set(ActionModule._VALID_ARGS)
