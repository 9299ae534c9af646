"""What Docker Compose does on the server of ``Machine``: it starts the containers of a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from fakes import Machine, container

from ansible_collections.switchyard.stacks.plugins.module_utils import names


def compose_up(machine: Machine, started: list[str], **changes: object) -> Callable[..., None]:
    """Return what replaces ``docker compose up``: it notes the project; ``changes`` are of each container."""

    def up(project: str, file: Path, timeout: float = 0) -> None:
        started.append(project)
        for service in json.loads(file.read_text())["services"].values():
            labels = {name[len(names.LABEL) :]: value for name, value in service["labels"].items()}
            machine.engine.start(container(service["container_name"], labels=labels, **changes))

    return up
