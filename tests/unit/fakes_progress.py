"""An action that runs no module, and whose server is a folder of this machine."""

from __future__ import annotations

import json
import time
import typing as t
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

from ansible_collections.switchyard.stacks.plugins.module_utils import progress
from ansible_collections.switchyard.stacks.plugins.plugin_utils.progress import ProgressAction


def action(
    kind: type[ProgressAction], root: Path, module: Callable[[], t.Any] = lambda: None, **task: t.Any
) -> ProgressAction:
    """Return an action of ``shop`` in ``prod``; ``module`` is called instead of the module."""
    made = Task()
    made.action = "switchyard.stacks.postgres_backup"
    made.args = {"root": str(root), "project": "po", "environment": "prod", "stack": "shop"}
    for key, value in task.items():
        setattr(made, key, value)
    loader, play = DataLoader(), PlayContext()
    play.connection = "local"

    class Here(kind):  # type: ignore[misc,valid-type]
        def _execute_module(self, *dummy: t.Any, **more: t.Any) -> dict[str, t.Any]:
            return {"changed": True, "answer": module(), "wrap_async": more["wrap_async"]}

    return t.cast(
        "ProgressAction",
        Here(
            task=made,
            connection=connection_loader.get("local", play),
            play_context=play,
            loader=loader,
            templar=Templar(loader=loader),
            shared_loader_obj=None,
        ),
    )


def write_progress(folder: Path, step: str = "verify", **more: t.Any) -> None:
    """Write the progress of long work in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    values = {"done": 50, "of": 100, **more}
    (folder / progress.NAME).write_text(json.dumps(asdict(progress.Progress(step, now - 10, now, **values))) + "\n")
