from __future__ import annotations

import typing as t

from ansible.template import trust_as_template
from fakes_action import action_of

from ansible_collections.switchyard.stacks.plugins.action import server_settings


class OnServer(server_settings.ActionModule):
    """The action with a server that notes what it was asked."""

    asked: dict[str, t.Any]

    def _execute_module(self, *words: t.Any, **options: t.Any) -> dict[str, t.Any]:
        self.asked = options["module_args"]
        return {"changed": False, "pending": True}


def test_the_module_gets_the_settings_of_the_inventory_and_of_the_roles() -> None:
    variables = {
        "switchyard_project": "po",
        "switchyard_environment": "qual",
        "switchyard_stacks": [{"name": "shop"}],
        "proxy_http_port": 8080,
    }
    options = {"project": "po", "environment": "qual", "accept_server_change": True}
    action = action_of(OnServer, "switchyard.stacks.server_settings", options, variables)
    assert action.run(task_vars=variables)["pending"]
    assert action.asked["settings"]["proxy"]["proxy_http_port"] == 8080
    assert (action.asked["accept_server_change"], set(action.asked["settings"])) == (True, {"proxy", "networks"})
    assert "proxy_https_port" in action.asked["unset"]
    assert "parts" not in action.asked


def test_a_version_that_only_a_release_needs_may_be_missing() -> None:
    image = trust_as_template("shop:{{ shop_version }}")
    variables = {
        "switchyard_project": "po",
        "switchyard_environment": "qual",
        "switchyard_stacks": [{"name": "shop", "variables": {"IMAGE": image}, "postgres": {"password": image}}],
    }
    action = action_of(
        OnServer, "switchyard.stacks.server_settings", {"project": "po", "environment": "qual"}, variables
    )
    action.run(task_vars=variables)
    assert set(action.asked["settings"]) == {"proxy", "postgres", "networks"}
    variables["switchyard_stacks"] = trust_as_template("{{ not_set }}")
    action = action_of(
        OnServer, "switchyard.stacks.server_settings", {"project": "po", "environment": "qual"}, variables
    )
    action.run(task_vars=variables)
    assert action.asked["settings"] == {}
