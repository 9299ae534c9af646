from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes import FakeEngine

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import server_resources
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.networks import DesiredNetwork
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError

BACK = DesiredNetwork("po-shop-prod.back", names.labels(project="po", environment="prod", role="back"))
DATA = server_resources.DesiredVolume("po-postgres", names.labels(project="po", role="postgres"))


def ensure(engine: FakeEngine, root: Path, **options: t.Any) -> server_resources.ServerResources:
    return server_resources.ensure(t.cast(t.Any, engine), root, [BACK], [DATA], "10.9.0.0/24", **options)


def test_networks_and_volumes_are_created_once(tmp_path: Path) -> None:
    engine = FakeEngine()
    planned = ensure(engine, tmp_path, check_mode=True)
    assert (engine.made_networks, engine.made_volumes) == ({}, {})
    result = ensure(engine, tmp_path)
    assert planned.created == result.created == ("network po-shop-prod.back", "volume po-postgres")
    assert result.subnets == {"po-shop-prod.back": ("10.9.0.0/26",)}
    assert engine.made_volumes["po-postgres"]["labels"] == DATA.labels
    assert ensure(engine, tmp_path).created == ()


def test_all_foreign_resources_are_named_before_anything_is_created(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.ensure_volume("po-postgres", "local", {}, {})
    with pytest.raises(EngineError) as refused:
        ensure(engine, tmp_path)
    assert refused.value.message == "Nothing was changed: the volume po-postgres exists and belongs to no stack."
    assert engine.made_networks == {}
    engine.ensure_network("po-shop-prod.back", False, names.labels(project="po", environment="qual", role="back"))
    for check_mode in (True, False):
        with pytest.raises(EngineError) as refused:
            ensure(engine, tmp_path, check_mode=check_mode)
        assert refused.value.message == (
            "Nothing was changed: the network po-shop-prod.back exists and belongs to the shared servers (project po, "
            "qual); the volume po-postgres exists and belongs to no stack."
        )
