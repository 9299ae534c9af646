"""Networks are counted by the pool of their subnet."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))
SPEC = importlib.util.spec_from_file_location("bench_stacks", BENCH / "stacks.py")
assert SPEC
assert SPEC.loader
stacks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(stacks)


def network(*subnets: str) -> dict:
    return {"IPAM": {"Config": [{"Subnet": subnet} for subnet in subnets] or None}}


def test_networks_of_the_pool_and_of_docker_are_counted() -> None:
    found = [network("10.201.3.0/26"), network("10.201.3.64/26", "fd00::/64"), network("172.18.0.0/16"), network()]
    assert stacks.count_networks(found) == (2, 2)


def test_every_stack_has_a_name_and_a_host_of_its_own() -> None:
    made = stacks.variables(40)["switchyard_stacks"]
    assert len({stack["name"] for stack in made}) == 40
    assert made[39]["routes"][0]["hosts"] == ["s039.localhost"]
