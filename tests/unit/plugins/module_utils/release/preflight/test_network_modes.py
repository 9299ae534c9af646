from __future__ import annotations

import typing as t

import pytest
from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import network_modes

WHERE = "stacks[shop]"


def problems(mode: str, **stack: t.Any) -> list[str]:
    content = normalised(web={}, tool={"network_mode": mode})
    return [str(problem) for problem in network_modes.problems(content, checked(**stack), WHERE)]


def test_two_colors_cannot_share_the_network_of_the_server() -> None:
    assert problems("host") == [
        "stacks[shop].compose.services.tool.network_mode: host cannot run twice side by side: both colors would listen "
        "on the same ports of the server. Remove it, or name tool in workers or accessories."
    ]


@pytest.mark.parametrize("key", ["workers", "accessories"])
def test_what_runs_once_may_use_the_network_of_the_server(key: str) -> None:
    assert problems("host", **{key: ["tool"]}) == []


def test_a_job_may_use_the_network_of_the_server() -> None:
    assert problems("host", migrate={"service": "tool", "command": ["x"]}) == []


@pytest.mark.parametrize("mode", ["none", "bridge", "container:other"])
def test_other_networks_can_be_used_twice(mode: str) -> None:
    assert problems(mode) == []
