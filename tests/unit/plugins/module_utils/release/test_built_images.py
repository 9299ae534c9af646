from __future__ import annotations

import subprocess
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import Machine, container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import Engine
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import LabelledImage
from ansible_collections.switchyard.stacks.plugins.module_utils.release import built_images
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext

OLD, COMMIT = "po-shop-web:0123456789ab", "po-shop-web:0123456789ab-ba9876543210"


def image(*tags: str, identity: str = "sha256:old", **labels: str) -> LabelledImage:
    own = {"project": "po", "stack": "shop", "service": "web", **labels}
    return LabelledImage(identity, tags, names.labels(**own))


@pytest.mark.parametrize("tag", [OLD, COMMIT])
def test_an_image_that_nothing_needs_is_removed(machine: Machine, tag: str) -> None:
    machine.engine.labelled_images = [image(tag)]
    assert built_images.prune(machine.ctx) == [tag]


@pytest.mark.parametrize(
    "other",
    [
        image("po-shop-web:1.0"),
        image("reg.example.org/web:0123456789ab"),
        # Built by a user from a built image, whose labels it has.
        image("my-tool:0123456789ab"),
        image("po-shop-web:latest"),
        image("<none>:<none>"),
        image(),
        image(OLD, stack="blog"),
        image(OLD, project="other"),
        image(OLD, service="api"),
    ],
    ids=lambda one: f"{one.names} {sorted(one.labels.values())}",
)
def test_an_image_with_another_name_or_of_another_stack_stays(machine: Machine, other: LabelledImage) -> None:
    machine.engine.labelled_images = [other]
    assert built_images.prune(machine.ctx) == []
    assert machine.engine.removed == []


@pytest.mark.parametrize("images", [{OLD: "sha256:x"}, {"po-shop-web:other": "sha256:old"}])
@pytest.mark.parametrize(("environment", "stack"), [("prod", "shop"), ("qual", "shop"), ("prod", "blog")])
def test_an_image_of_a_release_on_record_stays(
    machine: Machine, images: dict[str, str], environment: str, stack: str
) -> None:
    machine.engine.labelled_images = [image(OLD)]
    record = machine.released("blue", state="failed", images=images)
    other = HostContext(machine.root, "po", environment).stack(stack)
    number = other.records.begin()
    other.records.save(replace(record, number=number))
    machine.ctx.records.save(record.updated(images={}))
    if other.folder == machine.ctx.folder:
        machine.ctx.records.save(record)
    assert built_images.prune(machine.ctx) == []


def test_an_image_that_a_container_uses_stays(machine: Machine) -> None:
    machine.engine.labelled_images = [image(OLD), image(COMMIT, identity="sha256:new")]
    machine.engine.start(container("of-a-user", labels={"project": ""}, image="sha256:old", state="exited"))
    assert built_images.prune(machine.ctx) == [COMMIT]


def test_nothing_is_removed_while_another_environment_releases_the_stack(machine: Machine) -> None:
    machine.engine.labelled_images = [image(OLD)]
    other = HostContext(machine.root, "po", "qual").stack("shop")
    other.folder.mkdir(parents=True)
    token = other.lock.take("ann@laptop", "build", lambda: None).token
    # The own lock is held by this release.
    machine.lock()
    assert built_images.prune(machine.ctx) == []
    other.lock.release(token)
    assert built_images.prune(machine.ctx) == [OLD]


def test_a_record_that_cannot_be_read_keeps_every_image(machine: Machine) -> None:
    machine.engine.labelled_images = [image(OLD)]
    record = machine.released("blue")
    (machine.ctx.records.path(record.number) / "release.json").write_text("{")
    assert built_images.prune(machine.ctx) == []


@pytest.fixture
def real(machine: Machine, real_engine: None) -> t.Iterator[Machine]:
    """Give a server with the engine of this machine."""
    vars(machine.host)["engine"] = Engine()
    yield machine
    listed = ["docker", "images", "--quiet", "--filter", "label=io.switchyard.project=unit"]
    ids = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    subprocess.run(["docker", "rmi", "--force", *ids], check=False, capture_output=True)


def test_images_of_a_real_engine(real: Machine, tmp_path: Path) -> None:
    ctx = HostContext(real.root, "unit", "prod", ()).stack("pruned")
    vars(ctx.host)["engine"] = real.host.engine

    def build(tag: str, content: str, *more: str) -> None:
        labels = [f"--label={key}={value}" for key, value in own.items()]
        text = f'FROM scratch\nCOPY data /\nENV A={content}\nCMD ["/none"]\n'
        (tmp_path / "Dockerfile").write_text(text)
        (tmp_path / "data").write_text(content)
        args = ["docker", "build", "--quiet", *labels, *(f"--tag={name}" for name in (tag, *more)), str(tmp_path)]
        subprocess.run(args, check=True, capture_output=True, env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin"})

    own = names.labels(project="unit", stack="pruned", service="web")
    stopped, kept, gone, foreign = (f"unit-pruned-web:{letter * 12}" for letter in "abcd")
    build(stopped, "a")
    build(kept, "b")
    build(gone, "c")
    build("unit-derived:1", "d", foreign)
    ctx.records.save(replace(real.released("blue"), number=ctx.records.begin(), images={kept: "sha256:1"}))
    subprocess.run(["docker", "create", "--name", "corpus-unit-pruned", stopped], check=True, capture_output=True)
    try:
        # A name of a build that is also an image of a user: its first name is removed, the image stays.
        assert sorted(built_images.prune(ctx)) == [gone, foreign]
        found = {name for image in real.host.engine.images_of(project="unit") for name in image.names if name[0] != "<"}
        assert found == {stopped, kept, "unit-derived:1"}
    finally:
        subprocess.run(["docker", "rm", "corpus-unit-pruned"], check=True, capture_output=True)
