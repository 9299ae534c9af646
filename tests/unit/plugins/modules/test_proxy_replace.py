from __future__ import annotations

import typing as t
from collections.abc import Callable

from fakes import Machine, container

from ansible_collections.switchyard.stacks.plugins.modules import proxy_replace

RunModule = Callable[..., dict[str, t.Any]]


def test_a_replacement_that_never_started_is_removed(
    run_module: RunModule, machine: Machine, on_server: dict[str, t.Any]
) -> None:
    machine.engine.start(container("po-proxy"), container("po-proxy-next", state="created"))
    looked = run_module(proxy_replace.main, on_server, check=True, diff=True)
    assert set(machine.engine.by_name) == {"po-proxy", "po-proxy-next"}
    done = run_module(proxy_replace.main, on_server, diff=True)
    assert list(machine.engine.by_name) == ["po-proxy"]
    assert (done["changed"], done["steps"], done["dropped_requests"]) == (True, ["drop"], 0)
    assert (looked["changed"], looked["diff"]) == (done["changed"], done["diff"])
    assert not run_module(proxy_replace.main, on_server, check=True)["changed"]
    assert not run_module(proxy_replace.main, on_server)["changed"]


def test_without_a_proxy_there_is_nothing_to_begin(run_module: RunModule, on_server: dict[str, t.Any]) -> None:
    result = run_module(proxy_replace.main, {**on_server, "start_replacement": True, "provider_delay": 0, "drain": 0})
    assert (result["changed"], result["steps"]) == (False, [])
