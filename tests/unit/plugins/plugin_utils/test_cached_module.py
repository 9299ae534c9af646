from __future__ import annotations

import tarfile
import typing as t
from pathlib import Path

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

from ansible_collections.switchyard.stacks.plugins.action.cached_module import ActionModule
from ansible_collections.switchyard.stacks.plugins.module_utils import code_cache
from ansible_collections.switchyard.stacks.plugins.plugin_utils import cached_module

ROOT = Path(cached_module.__file__).resolve().parent.parent.parent


class Server(ActionBase):
    """Ansible's way to a server that gives the prepared answers, and notes the calls."""

    answers: list[dict[str, t.Any]]
    calls: list[tuple[str | None, dict[str, t.Any] | None]]

    def _execute_module(
        self, module_name: str | None = None, module_args: dict[str, t.Any] | None = None, *_words: t.Any, **_: t.Any
    ) -> dict[str, t.Any]:
        self.calls.append((module_name, module_args))
        return self.answers.pop(0)

    def _make_tmp_path(self, remote_user: str | None = None) -> str:
        return "/server/tmp"

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        with tarfile.open(local_path) as tar:
            self.sent = {member.name for member in tar}
        return remote_path

    def _fixup_perms2(self, *words: t.Any, **options: t.Any) -> None:
        pass


class OnServer(ActionModule, Server):
    """The action with that server in place of Ansible's."""


def action(*answers: dict[str, t.Any], **task_values: t.Any) -> OnServer:
    task = Task()
    task.action = "switchyard.stacks.stack_info"
    task.args = {"project": "po"}
    for name, value in task_values.items():
        setattr(task, name, value)
    play = PlayContext()
    made = OnServer(
        task=task,
        connection=connection_loader.get("local", play),
        play_context=play,
        loader=DataLoader(),
        templar=Templar(loader=DataLoader()),
        shared_loader_obj=None,
    )
    made.answers, made.calls = list(answers), []
    return made


def test_a_server_that_has_the_code_gets_the_arguments_only() -> None:
    run = action({"live": "blue"})
    assert run._execute_module(task_vars={}) == {"live": "blue"}
    [(name, args)] = run.calls
    assert name == "switchyard.stacks.cached_module"
    assert args == {"digest": code_cache.digest_of(ROOT), "name": "stack_info", "arguments": {"project": "po"}}


def test_missing_code_is_sent_once() -> None:
    run = action({"code_missing": True, "can_store": True}, {"live": "blue"})
    assert run._execute_module(task_vars={}) == {"live": "blue"}
    assert run.calls[1][1] == {**(run.calls[0][1] or {}), "archive": "/server/tmp/code.tar.gz"}
    assert {"plugins/modules/stack_info.py", "plugins/module_utils/names.py"} <= run.sent


def test_the_module_is_sent_as_usual_where_the_code_cannot_be_stored() -> None:
    for answers in (
        [{"code_missing": True, "can_store": False}],
        [{"code_missing": True, "can_store": True}, {"failed": True, "code_missing": True, "can_store": False}],
    ):
        run = action(*answers, {"live": "blue"})
        assert run._execute_module(task_vars={}) == {"live": "blue"}
        assert run.calls[-1] == (None, None)


def test_an_asynchronous_task_is_sent_as_usual() -> None:
    run = action({"started": 1}, async_val=60)
    assert run._execute_module(task_vars={}) == {"started": 1}
    assert run.calls == [(None, None)]


def test_a_module_of_another_collection_is_not_touched() -> None:
    run = action({"stat": {}})
    assert run._execute_module(module_name="ansible.builtin.stat", module_args={"path": "/"}) == {"stat": {}}
    assert run.calls == [("ansible.builtin.stat", {"path": "/"})]


def test_each_module_has_an_action_that_uses_the_stored_code() -> None:
    routes = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["plugin_routing"]["modules"]
    routed = {name for name, route in routes.items() if route == {"action_plugin": "switchyard.stacks.cached_module"}}
    own = {path.stem for path in (ROOT / "plugins/action").glob("*.py")}
    assert routed | own == {path.stem for path in (ROOT / "plugins/modules").glob("*.py")}
    assert not routed & own
