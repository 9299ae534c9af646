"""An action plugin as Ansible makes it for a task on this machine."""

from __future__ import annotations

import typing as t

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

Action = t.TypeVar("Action", bound=ActionBase)


def action_of(kind: type[Action], name: str, args: dict[str, t.Any], variables: dict[str, t.Any]) -> Action:
    """Return the action of a task with the full name of its module, its options and the variables of its host."""
    task, loader, play = Task(), DataLoader(), PlayContext()
    task.action, task.args = name, args
    return kind(
        task=task,
        connection=connection_loader.get("local", play),
        play_context=play,
        loader=loader,
        templar=Templar(loader=loader, variables=variables),
        shared_loader_obj=None,
    )
