from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import COMPOSE, given, normalised
from fakes_migration import Scene

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_render
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    projects,
    state,
)

IMAGES = {"web": "po-shop-web:1"}


def test_the_migrator_reads_its_password_only_while_it_runs(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.release()
    path = scene.ctx.records.path(2) / "secrets" / "migrator"
    with projects.readable_password(scene.ctx, 2, "migrate"):
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("migrator's word", 0o444)
    assert not path.exists()
    with projects.readable_password(scene.ctx, 2, "jobs"):
        assert not path.exists()


def test_a_migration_has_projects_of_its_own(scene: Scene, docker: Callable[[str], Callable[[], list[str]]]) -> None:
    docker(COMPOSE)
    guarded = scene.release(kind="breaking")
    folder = scene.ctx.records.path(2)
    content = normalised(web={"secrets": [{"source": "postgres_password"}]})
    spec = replace(given(content), stack=guarded.record.stack)
    release = compose_render.Release("po", "prod", 2)
    found = projects.migration_projects(scene.ctx, spec, folder, release, IMAGES)
    assert list(found) == ["migrate", "rehearse"]
    assert found["migrate"]["services"]["web"]["image"] == "po-shop-web:1"
    assert found["migrate"]["secrets"] == {"postgres_password": {"file": f"{folder}/secrets/migrator"}}
    expanding = replace(spec, stack=replace(spec.stack, migrate=replace(guarded.spec, kind="expand")))
    assert list(projects.migration_projects(scene.ctx, expanding, folder, release, IMAGES)) == ["migrate"]
    state.migrator_password_path(scene.ctx).unlink()
    assert projects.migration_projects(scene.ctx, expanding, folder, release, IMAGES) == {}
