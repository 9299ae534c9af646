from __future__ import annotations

import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils import image_archive

OVERLAY = '[["Backing Filesystem","extfs"],["Supports d_type","true"]]'
CONTAINERD = '[["driver-type","io.containerd.snapshotter.v1"]]'


def test_the_layers_of_a_server_are_known_with_everything_below_them() -> None:
    output = f'{OVERLAY}\n["a","b"]\n["a","c"]\nnull\n'
    assert image_archive.known_layers(output) == {("a",), ("a", "b"), ("a", "c")}
    assert image_archive.known_layers(OVERLAY) == frozenset()


def test_a_server_with_containerds_store_gets_every_layer() -> None:
    assert image_archive.known_layers(f'{CONTAINERD}\n["a","b"]\n') == frozenset()


class Archive:
    """An archive of ``docker save`` with images that have one letter as each layer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members: dict[str, bytes] = {}
        self.links: dict[str, str] = {}

    def write(self, **images: str) -> Path:
        manifest = []
        for name, layers in images.items():
            config = {"rootfs": {"diff_ids": list(layers)}}
            self.members[f"{name}.json"] = json.dumps(config).encode()
            self.members.update({f"blobs/{layer}": layer.encode() for layer in layers})
            manifest.append({"Config": f"{name}.json", "Layers": [f"blobs/{layer}" for layer in layers]})
        self.members["manifest.json"] = json.dumps(manifest).encode()
        with tarfile.open(self.path, "w") as tar:
            for member, content in self.members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            for link, target in self.links.items():
                info = tarfile.TarInfo(link)
                info.type, info.linkname = tarfile.SYMTYPE, target
                tar.addfile(info)
        return self.path


@pytest.mark.parametrize(
    ("images", "known", "left_out"),
    [
        ({"web": "ab"}, [], set()),
        ({"web": "ab"}, ["a"], {"blobs/a"}),
        ({"web": "ab"}, ["a", "ab"], {"blobs/a", "blobs/b"}),
        # A layer is known by what is below it.
        ({"web": "ab"}, ["b"], set()),
        # One image needs what another one does not.
        ({"web": "ab", "api": "cb"}, ["a", "ab"], {"blobs/a"}),
    ],
)
def test_only_layers_that_every_image_finds_on_the_server_are_left_out(
    tmp_path: Path, images: dict[str, str], known: list[str], left_out: set[str]
) -> None:
    source = Archive(tmp_path / "all.tar").write(**images)
    target = tmp_path / "some.tar.gz"
    with source.open("rb") as file:
        size = image_archive.copy_without_layers(file, target, {tuple(chain) for chain in known})
    assert size == target.stat().st_size
    with tarfile.open(source) as before, tarfile.open(target) as after:
        assert set(before.getnames()) - set(after.getnames()) == left_out
        manifest: t.Any = after.extractfile("manifest.json")
        assert [entry["Config"] for entry in json.load(manifest)] == [f"{name}.json" for name in images]


def test_a_layer_that_a_link_points_to_is_kept(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "all.tar")
    archive.links["x/layer.tar"] = "../blobs/a"
    with tarfile.open(archive.write(web="ab")) as tar:
        assert image_archive.unneeded_layers(tar, {("a",), ("a", "b")}) == {"blobs/b"}
