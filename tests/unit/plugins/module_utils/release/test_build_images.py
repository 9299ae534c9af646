from __future__ import annotations

import json
import subprocess
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import COMPOSE, Machine, given, normalised
from fakes_release import prepare_release

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_build
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Image
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError
from ansible_collections.switchyard.stacks.plugins.module_utils.release import build_images
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import examine
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_files import PLACEHOLDER
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput
from ansible_collections.switchyard.stacks.plugins.plugin_utils import build_contexts

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def built(commit: str = COMMIT, archive: Path | None = None, **stack: str) -> StackInput:
    """Return a stack whose only service is built from the folder ``app``."""
    content = normalised(web={"image": None, "build": {"context": f"{PLACEHOLDER}/app"}})
    spec = given(content, **stack)
    return replace(spec, contexts={"app": commit}, commit=commit, build_archive=str(archive) if archive else None)


def missing(machine: Machine, spec: StackInput) -> list[compose_build.ImageBuild]:
    result = examine.run_preflight(machine.host, [spec], "deploy")
    assert result.problems == []
    return result.builds.get("shop", [])


def test_an_image_that_is_not_on_the_server_is_planned_and_one_that_is_there_is_not(
    machine: Machine, docker: object
) -> None:
    docker(COMPOSE)  # type: ignore[operator]
    (build,) = missing(machine, built())
    assert build.image.startswith("po-shop-web:0123456789ab-")
    archive = machine.root / "images"
    archive.write_text(build.image)
    with archive.open("rb") as file:
        machine.engine.load_images(file)
    assert missing(machine, built()) == []
    assert [one.service for one in missing(machine, built(COMMIT[::-1]))] == ["web"]


def test_images_of_the_controller_are_loaded_and_pinned_in_the_record(machine: Machine, docker: object) -> None:
    notes = docker(COMPOSE)  # type: ignore[operator]
    (build,) = missing(machine, built())
    archive = machine.root / "images"
    archive.write_text(build.image)
    prepare_release(machine, built(archive=archive, build_on="controller"))
    record = machine.ctx.records.require(1)
    assert record.images == {build.image: f"sha256:{build.image}"}
    assert not any(" build" in line for line in notes())


def test_a_source_that_was_not_sent_ends_the_release_before_anything_changes(machine: Machine, docker: object) -> None:
    docker(COMPOSE)  # type: ignore[operator]
    with pytest.raises(EngineError, match="was not sent: it changed since preflight"):
        prepare_release(machine, built())
    assert machine.ctx.records.all() == []


def test_a_rollback_to_an_image_that_was_removed_says_what_to_do(machine: Machine) -> None:
    machine.released("blue", state="superseded", images={"po-shop-web:1": "sha256:gone"})
    machine.released("green", previous=1)
    machine.make_live("green")
    with pytest.raises(Exception, match="po-shop-web:1 of release 1 was built, and is not on this server any more"):
        prepare_release(machine, built(), "rollback")


@pytest.mark.parametrize("build_on", ["server", "controller"])
def test_a_long_build_reports_its_step(
    machine: Machine, tmp_path: Path, docker: object, monkeypatch: pytest.MonkeyPatch, build_on: str
) -> None:
    monkeypatch.setattr(progress, "AFTER", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    report, seen, archive = machine.ctx.folder / progress.NAME, tmp_path / "seen", tmp_path / "a.tar.gz"
    wait = f"for i in $(seq 1000); do grep -qs pip {report} && cp {report} {seen} && exit; sleep 0.01; done; exit 1"
    docker(f'echo "#8 [web 2/4] RUN pip install x"\n{wait}')  # type: ignore[operator]
    (tmp_path / "app").mkdir()
    build_contexts.pack(tmp_path, ["app"], [], archive)
    definition = {"context": f"{PLACEHOLDER}/app"}
    image = compose_build.ImageBuild("po-shop-web:1", "web", definition, ("app",))
    machine.engine.images[image.image] = Image(id="sha256:1", digest=None, user=0)

    def load(file: t.IO[bytes]) -> None:
        size = len(file.read())
        while f'"done": {size}' not in (report.read_text() if report.exists() else ""):
            pass
        seen.write_bytes(report.read_bytes())

    monkeypatch.setattr(machine.engine, "load_images", load)
    spec = built(archive=archive, build_on=build_on)
    build_images.build_missing(machine.ctx, spec, [image], machine.lock())
    found = progress.Progress(**json.loads(seen.read_text()))
    size = archive.stat().st_size
    expected = {
        "server": ("build", "[web 2/4] RUN pip install x", None, None),
        "controller": ("load", "", size, size),
    }
    assert (found.step, found.detail, found.done, found.of) == expected[build_on]
    assert not report.exists()


def test_a_build_on_the_server_from_an_archive(machine: Machine, tmp_path: Path, real_engine: None) -> None:
    source, archive = tmp_path / "source", tmp_path / "a.tar.gz"
    (source / "app").mkdir(parents=True)
    (source / "app" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    build_contexts.pack(source, ["app"], ["Dockerfile"], archive)
    vars(machine.host)["engine"] = Engine()
    (machine.ctx.folder / ".build-left").mkdir()
    token = machine.lock()
    spec = built(archive=archive)
    definition = {"context": f"{PLACEHOLDER}/app", "dockerfile": "Dockerfile"}
    image = compose_build.ImageBuild("switchyard-unit-server:1", "web", definition, ("app",))
    try:
        found = build_images.build_missing(machine.ctx, spec, [image], token)
        assert found[image.image].startswith("sha256:")
        # Nothing of the source stays, neither of this build nor of one that was killed.
        assert list(machine.ctx.folder.glob(".build-*")) == []
    finally:
        subprocess.run(["docker", "rmi", "--force", image.image], check=False, capture_output=True)
