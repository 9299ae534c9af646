from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_volumes import VolumeEngine, container

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import volume_quiet
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_store import VolumeStore
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError, SwitchyardError


@pytest.fixture
def server(tmp_path: Path) -> tuple[t.Any, VolumeStore]:
    """Give an engine with two running containers, and a store."""
    store = VolumeStore(tmp_path, "po", "prod", "shop", "uploads")
    store.create_folder()
    return VolumeEngine(tmp_path, container("web"), container("worker")), store


def test_one_container_that_does_not_start_does_not_prevent_the_others(
    server: tuple[t.Any, VolumeStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, store = server
    start = engine.start_container

    def refuse(name: str) -> None:
        if name == "web":
            raise EngineError("port is already allocated")
        start(name)

    monkeypatch.setattr(engine, "start_container", refuse)
    with pytest.raises(SwitchyardError, match="web: port is already allocated"):  # noqa: SIM117
        with volume_quiet.stopped(engine, store, [engine.container("web"), engine.container("worker")]):
            assert store.stopped() == ["web", "worker"]
    assert engine.noted == ["stop web", "stop worker", "start worker"]


def test_the_second_hook_runs_after_a_failure_of_the_first(server: tuple[t.Any, VolumeStore]) -> None:
    engine, _store = server
    engine.inside = lambda command: engine.noted.append(command[0]) or (int(command[0] == "before"), "no memory")
    with (
        pytest.raises(SwitchyardError, match="'before' in web ended with exit code 1: no memory"),
        volume_quiet.hooked(engine, [engine.container("web")], ["before"], ["after"]),
    ):
        raise AssertionError("the copy began")
    assert engine.noted == ["before", "after"]
