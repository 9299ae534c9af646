from __future__ import annotations

import contextlib
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.command import CommandError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_files import PLACEHOLDER
from ansible_collections.switchyard.stacks.plugins.plugin_utils import build_sender, image_archive

IMAGE = "switchyard-unit-sender:1"


@pytest.fixture
def request_of(tmp_path: Path) -> t.Iterator[build_sender.BuildRequest]:
    source = tmp_path / "source"
    (source / "app").mkdir(parents=True)
    (source / "app" / "Dockerfile").write_text("FROM scratch\nCOPY data /data\n")
    (source / "app" / "data").write_text("x" * 100_000)
    definition = {"context": f"{PLACEHOLDER}/app", "dockerfile": "Dockerfile"}
    image = {"image": IMAGE, "service": "web", "definition": definition, "contexts": ["app"]}
    yield build_sender.BuildRequest.from_result(
        {"folder": str(source), "images": [image], "platform": "linux/amd64"}, {}, ()
    )
    subprocess.run(["docker", "rmi", "--force", IMAGE], check=False, capture_output=True)


def test_the_source_of_a_build_is_packed(request_of: build_sender.BuildRequest, tmp_path: Path) -> None:
    build_sender.pack_source(request_of, tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert tar.getnames() == ["app/Dockerfile", "app/data"]


def test_saving_and_packing_report_their_bytes(
    request_of: build_sender.BuildRequest, tmp_path: Path, real_engine: None
) -> None:
    seen: dict[str, t.Any] = {}

    @contextlib.contextmanager
    def shown(step: str, amount: t.Callable[[], t.Any]) -> t.Iterator[None]:
        yield
        seen[step] = amount()

    folder = tmp_path / "archives"
    folder.mkdir()
    build_sender.build_here(request_of, {}, tmp_path, tmp_path / "log")
    build_sender.pack_images(request_of, frozenset(), folder / "all.tar.gz", shown)
    assert list(seen) == ["save", "pack"]
    done, total = seen["save"]
    assert done > 100_000
    assert total >= 100_000
    # All of what was saved was read.
    assert seen["pack"] == (done, done)
    # Nothing but the archive stays on the controller.
    assert [path.name for path in folder.iterdir()] == ["all.tar.gz"]


def test_an_image_that_cannot_be_saved_is_named(
    request_of: build_sender.BuildRequest, tmp_path: Path, real_engine: None
) -> None:
    with pytest.raises(CommandError, match="No such image"):
        build_sender.pack_images(request_of, frozenset(), tmp_path / "all.tar.gz")


def test_an_image_is_built_once_and_loaded_without_the_layers_that_are_there(
    request_of: build_sender.BuildRequest, tmp_path: Path, real_engine: None
) -> None:
    log = tmp_path / "log"
    assert [image.image for image in build_sender.build_here(request_of, {}, tmp_path, log)] == [IMAGE]
    assert build_sender.build_here(request_of, {}, tmp_path, log) == []
    identity = subprocess.run(["docker", "inspect", "-f", "{{.Id}}", IMAGE], check=True, capture_output=True).stdout
    answer = subprocess.run(["sh", "-c", image_archive.LAYERS_COMMAND], check=True, capture_output=True, text=True)
    build_sender.pack_images(request_of, frozenset(), tmp_path / "all.tar.gz")
    build_sender.pack_images(request_of, image_archive.known_layers(answer.stdout), tmp_path / "some.tar.gz")
    layers = [_files_of_layers(tmp_path / name) for name in ("all.tar.gz", "some.tar.gz")]
    assert (len(layers[0]), layers[1]) == (1, [])
    assert list(tmp_path.glob("*.whole")) == []
    # What the engine has already is not in the archive, and the engine takes it.
    subprocess.run(["docker", "tag", IMAGE, f"{IMAGE}-kept"], check=True)
    try:
        subprocess.run(["docker", "rmi", IMAGE], check=True, capture_output=True)
        subprocess.run(["docker", "load", "--quiet", "--input", str(tmp_path / "some.tar.gz")], check=True)
        after = subprocess.run(["docker", "inspect", "-f", "{{.Id}}", IMAGE], check=True, capture_output=True).stdout
        assert after == identity
    finally:
        subprocess.run(["docker", "rmi", f"{IMAGE}-kept"], check=False, capture_output=True)


def _files_of_layers(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return [info.name for info in tar.getmembers() if info.isfile() and info.size > 100_000]
