from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as Normal

from ansible_collections.switchyard.stacks.plugins.action.cached_module import ActionModule
from ansible_collections.switchyard.stacks.plugins.plugin_utils.cached_module import CachedModuleAction


def test_the_stored_code_runs_where_the_server_has_it() -> None:
    order = ActionModule.__mro__
    assert order.index(CachedModuleAction) < order.index(Normal)
