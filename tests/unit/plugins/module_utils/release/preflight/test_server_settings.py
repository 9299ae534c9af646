from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils.config import server_state
from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import SettingsRequest
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import server_settings
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import HostCheckContext
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.inventory_facts import InventoryFacts

QUAL = {"proxy_https_port": 443, "proxy_memory": "256m"}


@pytest.fixture(autouse=True)
def _set_up_by_qual(machine: Machine) -> None:
    server_state.apply(machine.root, SettingsRequest("po", "qual", "anna@ci", 1.0, {"proxy": QUAL}))


def context(machine: Machine, accepts: bool = False, **changes: t.Any) -> HostCheckContext:
    settings = {"proxy": {**QUAL, **changes}}
    facts = InventoryFacts(("shop",), SettingsRequest("po", "prod", "bob@desk", 2.0, settings, accepts))
    return HostCheckContext(machine.host, inventory=facts)


def test_the_same_values_have_no_problem(machine: Machine) -> None:
    assert server_settings.check(context(machine)) == []
    assert server_settings.notices(context(machine)) == []
    assert server_settings.check(HostCheckContext(machine.host)) == []


def test_another_port_of_the_proxy_prevents_a_release(machine: Machine) -> None:
    changed = context(machine, proxy_https_port=0)
    assert [(one.where, one.code) for one in server_settings.check(changed)] == [
        ("proxy_https_port", "server.setting_differs")
    ]
    assert server_settings.notices(changed) == []


def test_it_prevents_none_that_accepts_the_value_of_the_server(machine: Machine) -> None:
    changed = context(machine, accepts=True, proxy_https_port=0)
    assert server_settings.check(changed) == []
    assert [notice.where for notice in server_settings.notices(changed)] == ["proxy_https_port"]


def test_another_limit_is_a_notice(machine: Machine) -> None:
    changed = context(machine, proxy_memory="1g")
    assert server_settings.check(changed) == []
    (notice,) = server_settings.notices(changed)
    assert notice.message.startswith("it is 1g in prod, and 256m on the server, set by qual (anna@ci, ")
    assert notice.message.endswith("; qual uses it. setup.yml applies it when it is accepted")


def test_a_shared_redis_says_what_it_means(machine: Machine) -> None:
    given = context(machine)
    shared = replace(given, inventory=replace(given.inventory, redis_is_shared=True))
    (notice,) = server_settings.notices(shared)
    assert (notice.where, "can read, change and erase the data of the others" in notice.message) == (
        "redis_shared",
        True,
    )
