from __future__ import annotations

import getpass
import os
import socket
import typing as t

from fakes_action import action_of

from ansible_collections.switchyard.stacks.plugins.action import unlock

OWN = {"user": getpass.getuser(), "machine": socket.gethostname()}
PROCESSES: dict[str, t.Any] = {
    "shop": {**OWN, "id": os.getpid()},
    "blog": {**OWN, "machine": "ci", "id": 7},
    "wiki": None,
}


class OnServer(unlock.ActionModule):
    """The action with a server that has three locks, and notes what it was asked."""

    asked: list[dict[str, t.Any]]
    answer: dict[str, t.Any]

    def _execute_module(self, *words: t.Any, **options: t.Any) -> dict[str, t.Any]:
        self.asked.append(options["module_args"])
        return dict(self.answer)


def run(answer: dict[str, t.Any]) -> tuple[list[dict[str, t.Any]], dict[str, t.Any]]:
    options = {"project": "po", "environment": "prod", "stacks": ["shop"], "force": True}
    action = action_of(OnServer, "switchyard.stacks.unlock", options, {})
    action.asked, action.answer = [], answer
    result = action.run(task_vars={})
    return action.asked, result


def test_the_module_learns_which_processes_run_on_this_machine() -> None:
    locks = [{"stack": name, "lock": {"token": 7, "process": process}} for name, process in PROCESSES.items()]
    (look, take), result = run({"changed": True, "locks": locks})
    # The first visit changes nothing.
    assert look == {"project": "po", "environment": "prod"}
    assert (take["stacks"], take["force"]) == (["shop"], True)
    assert take["controllers"] == {
        "shop": {"token": 7, "state": "runs"},
        "blog": {"token": 7, "state": "unknown"},
        "wiki": {"token": 7, "state": "unknown"},
    }
    assert result["changed"]


def test_a_server_that_fails_is_asked_once() -> None:
    asked, result = run({"failed": True, "msg": "no rights"})
    assert (len(asked), result["failed"], result["msg"]) == (1, True, "no rights")
