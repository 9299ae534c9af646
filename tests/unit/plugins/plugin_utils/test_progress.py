from __future__ import annotations

import threading
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.plugins.loader import become_loader
from fakes_progress import action, write_progress

from ansible_collections.switchyard.stacks.plugins.module_utils import progress as progress_file
from ansible_collections.switchyard.stacks.plugins.plugin_utils import progress
from ansible_collections.switchyard.stacks.plugins.plugin_utils.progress import ProgressAction

SOON = {"switchyard_progress": 0.05, "inventory_hostname": "server1", "ansible_play_hosts_all": ["server1"]}


class Screen:
    """What a user sees."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.first = threading.Event()

    def display(self, line: str, stderr: bool = False) -> None:
        assert stderr, "what reads the play's output is disturbed"
        self.lines.append(line)
        self.first.set()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    found = Screen()
    monkeypatch.setattr(progress, "display", found)
    return found


@pytest.fixture
def store_folder(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "po-prod" / "shop"


def until_shown(screen: Screen) -> Callable[[], t.Any]:
    return lambda: screen.first.wait(30)


def test_a_long_step_is_shown_and_the_result_is_the_module_s(
    tmp_path: Path, store_folder: Path, screen: Screen
) -> None:
    write_progress(store_folder)
    result = action(ProgressAction, tmp_path, until_shown(screen)).run(task_vars=SOON)
    assert screen.lines[0] == "shop (prod): verifying the backup: 50 of 100 rows, 5 rows/s"
    assert (result["changed"], result["answer"]) == (True, True)


def test_work_of_the_controller_is_shown(screen: Screen) -> None:
    with progress.lines_shown(lambda seconds: f"building {seconds:.0f} s", 0.01):
        assert screen.first.wait(30)
    number = len(screen.lines)
    assert screen.lines[0] == "building 0 s"
    with progress.lines_shown(lambda seconds: "never", 30):
        pass
    assert len(screen.lines) == number


def test_bytes_of_the_controller_are_shown_with_their_rate(screen: Screen) -> None:
    amount = (40 * 2**20, 100 * 2**20)
    with progress.bytes_shown("shop", "prod", "save", lambda: amount, 0.01):
        assert screen.first.wait(30)
    assert screen.lines[0].startswith("shop (prod): saving images: 40 MiB of 100 MiB, ")
    assert screen.lines[0].endswith("/s")
    number = len(screen.lines)
    with progress.bytes_shown("shop", "prod", "save", lambda: amount, 0):
        assert threading.active_count() < 1000
    assert len(screen.lines) == number


def test_a_file_that_the_server_receives_is_shown(tmp_path: Path, screen: Screen) -> None:
    file = tmp_path / "it's an archive.tar.gz"
    file.write_bytes(b"x" * 3 * 2**20)
    sending = action(ProgressAction, tmp_path)
    with sending.progress_shown(SOON, progress.received(str(file), 9 * 2**20, "send_images")):
        assert screen.first.wait(30)
    assert screen.lines[0].startswith("shop (prod): sending images: 3 MiB of 9 MiB, ")
    assert progress.received(str(tmp_path / "missing"), 9, "send_images")(sending) is None


def test_where_there_are_several_servers_the_line_says_which(
    tmp_path: Path, store_folder: Path, screen: Screen
) -> None:
    write_progress(store_folder)
    several = {**SOON, "ansible_play_hosts_all": ["server1", "server2"]}
    action(ProgressAction, tmp_path, until_shown(screen)).run(task_vars=several)
    assert screen.lines[0].startswith("[server1] shop (prod): ")


def test_a_short_step_costs_no_second_connection(
    tmp_path: Path, store_folder: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(self: ProgressAction) -> t.NoReturn:
        raise AssertionError("a second connection")

    write_progress(store_folder)
    monkeypatch.setattr(ProgressAction, "with_own_connection", none)
    action(ProgressAction, tmp_path).run(task_vars={**SOON, "switchyard_progress": "5"})
    assert screen.lines == []


@pytest.mark.parametrize(
    ("task", "variables"),
    [
        ({"check_mode": True}, {}),
        ({"async_val": 60}, {}),
        ({}, {"switchyard_progress": 0}),
        ({}, {"switchyard_progress": "never"}),
    ],
)
def test_where_nothing_is_to_be_shown_no_query_runs(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch, task: dict[str, t.Any], variables: dict[str, t.Any]
) -> None:
    made: list[t.Any] = []
    monkeypatch.setattr(progress, "ProgressPrinter", lambda *words: made.append(words))
    result = action(ProgressAction, tmp_path, lambda: "done", **task).run(task_vars={**SOON, **variables})
    assert (result["answer"], bool(result["wrap_async"])) == ("done", "async_val" in task)
    assert made == []


def test_a_failure_of_the_second_connection_does_not_fail_the_task(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def broken(self: ProgressAction) -> t.NoReturn:
        tried.set()
        raise OSError("no more sessions")

    monkeypatch.setattr(ProgressAction, "with_own_connection", broken)
    result = action(ProgressAction, tmp_path, lambda: tried.wait(30)).run(task_vars=SOON)
    assert result["answer"] is True
    assert screen.lines == []


def test_nothing_is_shown_of_a_task_that_has_ended(
    tmp_path: Path, store_folder: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, ended, looked = threading.Event(), threading.Event(), threading.Event()
    look = ProgressAction.read_progress

    def slow(self: ProgressAction) -> t.Any:
        looking.set()
        ended.wait(30)
        try:
            return look(self)
        finally:
            looked.set()

    write_progress(store_folder)
    monkeypatch.setattr(ProgressAction, "read_progress", slow)
    # A look that hangs is not waited for.
    action(ProgressAction, tmp_path, lambda: looking.wait(30)).run(task_vars=SOON)
    ended.set()
    assert looked.wait(30)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(timeout=1)
    assert screen.lines == []


def test_a_module_that_fails_ends_the_lines(tmp_path: Path, store_folder: Path, screen: Screen) -> None:
    def fail() -> t.NoReturn:
        raise KeyboardInterrupt

    write_progress(store_folder)
    with pytest.raises(KeyboardInterrupt):
        action(ProgressAction, tmp_path, fail).run(task_vars=SOON)


def test_the_second_connection_is_as_the_first_and_another_one(tmp_path: Path) -> None:
    first = action(ProgressAction, tmp_path)
    become = become_loader.get("sudo")
    become.set_options(direct={"become_user": "somebody", "become_pass": "hunter2"})
    first._connection.set_become_plugin(become)
    first._connection.set_options(direct={"pipelining": True})
    second = first.with_own_connection()
    assert second._connection is not first._connection
    assert type(second._connection) is type(first._connection)
    assert second._connection.get_options() == first._connection.get_options()
    # What it waits for is another word at each command.
    second._connection.become.build_become_command("true", second._connection._shell)
    assert first._connection.become.success == ""
    assert second._connection.become.get_option("become_pass") == "hunter2"


def test_without_another_user_there_is_none(tmp_path: Path) -> None:
    assert action(ProgressAction, tmp_path).with_own_connection()._connection.become is None


def test_the_report_of_a_run_that_waits_comes_before_that_of_the_one_it_waits_for(tmp_path: Path) -> None:
    folder = tmp_path / "po-prod" / "shop"
    write_progress(folder, "migrate", done=None, of=None)
    (folder / progress_file.NAME).rename(folder / "desk-7.progress.json")
    write_progress(folder, "pull", done=None, of=None)
    made = action(ProgressAction, tmp_path)
    made.releases = True
    seen = made.read_progress()
    assert seen
    assert seen.step == "pull"
    made._task.args["lock_process"] = {"user": "bob", "machine": "desk", "id": 7}
    seen = made.read_progress()
    assert seen
    assert seen.step == "migrate"
