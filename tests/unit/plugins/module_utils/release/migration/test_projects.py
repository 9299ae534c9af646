from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import COMPOSE, normalised
from fakes_migration import Scene

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_render
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    projects,
    state,
)


def test_the_migrator_reads_its_password_only_while_it_runs(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.release()
    path = scene.ctx.records.path(2) / "secrets" / "migrator"
    with projects.readable_password(scene.ctx, 2, "migrate"):
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("migrator's word", 0o400)
    assert not path.exists()
    with projects.readable_password(scene.ctx, 2, "jobs"):
        assert not path.exists()


def test_a_migration_has_projects_of_its_own(scene: Scene, docker: Callable[[str], Callable[[], list[str]]]) -> None:
    docker(COMPOSE)
    guarded = scene.release(kind="breaking")
    folder = scene.ctx.records.path(2)
    (folder / "source").mkdir()
    content = normalised(web={"secrets": [{"source": "postgres_password"}]})
    (folder / "source" / "docker-compose.yml").write_text(json.dumps(content))
    release = compose_render.Release("po", "prod", 2, str(folder))
    found = projects.migration_projects(scene.ctx, guarded.record.stack, folder, release)
    assert list(found) == ["migrate", "rehearse"]
    assert found["migrate"]["secrets"] == {"postgres_password": {"file": f"{folder}/secrets/migrator"}}
    expanding = replace(guarded.record.stack, migrate=replace(guarded.spec, kind="expand"))
    assert list(projects.migration_projects(scene.ctx, expanding, folder, release)) == ["migrate"]
    state.migrator_password_path(scene.ctx).unlink()
    assert projects.migration_projects(scene.ctx, expanding, folder, release) == {}
