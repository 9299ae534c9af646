"""A server with a volume and containers that use it, for the tests of backups of volumes."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

from fakes import FakeEngine

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container, Volume

LIVE = "po-shop-uploads-prod"


def container(name: str, state: str = "running", **labels: str) -> Container:
    """Return a container of the stack ``shop``."""
    own = {"project": "po", "environment": "prod", "stack": "shop", **labels}
    return Container(name, name, state, None, 0, 0, names.labels(**own), {}, "sha256:x")


class VolumeEngine(FakeEngine):
    """An engine whose volumes are folders below a root."""

    def __init__(self, root: Path, *containers: Container) -> None:
        super().__init__(*containers)
        self.root_folder = root / "volumes"
        self.noted: list[str] = []
        self.users = [one.name for one in containers]
        self.driver = "local"
        self.ensure_volume(LIVE, "local", {}, {})
        self.inside = lambda command: self.noted.append(" ".join(command)) or (0, "")  # type: ignore[func-returns-value]

    def folder_of(self, name: str) -> Path:
        return self.root_folder / name / "_data"

    def ensure_volume(self, name: str, driver: str, options: dict[str, str], labels: dict[str, str]) -> bool:
        self.folder_of(name).mkdir(parents=True, exist_ok=True)
        return super().ensure_volume(name, driver, options, labels)

    def volume(self, name: str) -> Volume | None:
        if name not in self.made_volumes:
            return None
        return Volume(name, self.driver, {}, self.made_volumes[name]["labels"], str(self.folder_of(name)))

    def users_of_volume(self, name: str) -> list[Container]:
        found = [self.container(user) for user in self.users]
        return [one for one in found if one] if name == LIVE else []

    def remove_resource(self, kind: str, name: str) -> None:
        assert self.folder_of(name).exists()
        shutil.rmtree(self.root_folder / name)
        del self.made_volumes[name]

    def stop(self, containers: t.Iterable[Container]) -> None:
        chosen = list(containers)
        self.noted += [f"stop {one.name}" for one in chosen]
        super().stop(chosen)

    def start_container(self, name: str) -> None:
        self.noted.append(f"start {name}")
        super().start_container(name)
