from __future__ import annotations

import tarfile
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible.errors import AnsibleAction, AnsibleActionFail, AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from fakes import checked
from fakes_progress import write_progress

from ansible_collections.switchyard.stacks.plugins.action import release
from ansible_collections.switchyard.stacks.plugins.module_utils import paths, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_files import PLACEHOLDER
from ansible_collections.switchyard.stacks.plugins.plugin_utils.source_tree import read_tree


class OnServer(release.ActionModule):
    """The action with a server that notes what it was asked, and keeps what it was sent."""

    asked: dict[str, t.Any]
    sent: Path
    answer: t.ClassVar[dict[str, t.Any] | AnsibleConnectionFailure] = {
        "changed": True,
        "plan": {"stack": "shop", "live": "blue"},
    }

    def _execute_module(self, *words: t.Any, **options: t.Any) -> dict[str, t.Any]:
        self.asked = options["module_args"]
        if isinstance(self.answer, Exception):
            raise self.answer
        return dict(self.answer)

    def _make_tmp_path(self, remote_user: str | None = None) -> str:
        return "/server/tmp"

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        self.sent.write_bytes(Path(local_path).read_bytes())
        return remote_path

    def _fixup_perms2(self, *words: t.Any, **options: t.Any) -> None:
        pass


def run(tmp_path: Path, blobs: list[str], *, check: bool = False, **args: t.Any) -> tuple[OnServer, dict[str, t.Any]]:
    stack = checked(source={"path": str(tmp_path / "shop")}, files=["logo.png"])
    stack = replace(stack, build_on=args.pop("build_on", "server"))
    given = {"definition": state_file.as_json(stack), "inventory_path": "stacks[shop]", "missing_files": blobs}
    task = Task()
    task.check_mode = check
    task.args = {"project": "po", "environment": "prod", "stack": given, "secrets": {"vault": "v"}, **args}
    play = PlayContext()
    action = OnServer(
        task=task,
        connection=connection_loader.get("local", play),
        play_context=play,
        loader=DataLoader(),
        templar=Templar(loader=DataLoader()),
        shared_loader_obj=None,
    )
    action.sent = tmp_path / "sent.tar.gz"
    return action, action.run(task_vars={})


@pytest.fixture
def blob(tmp_path: Path) -> str:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text("secrets: {key: {file: key}, vault: {file: key}}")
    (folder / ".env").write_text("A=1")
    (folder / "key").write_text("k")
    (folder / "logo.png").write_bytes(b"\x89PNG\xff")
    return read_tree(folder, [], ["logo.png"]).entries["logo.png"]


def test_only_what_the_server_does_not_have_is_sent(tmp_path: Path, blob: str) -> None:
    action, result = run(tmp_path, [blob])
    assert result["changed"]
    assert action.asked["archive"] == "/server/tmp/files.tar.gz"
    assert action.asked["stack"]["sources"][".env"] == "A=1"
    assert action.asked["stack"]["tree"] == {"logo.png": blob}
    assert action.asked["secrets"] == {"key": "k", "vault": "v"}
    with tarfile.open(action.sent) as archive:
        assert archive.getnames() == [blob]
    action.sent.unlink()
    action, _result = run(tmp_path, [])
    assert "archive" not in action.asked
    assert not action.sent.exists()


def test_a_digest_that_contains_a_secret_is_sent(tmp_path: Path, blob: str) -> None:
    # What Ansible makes of the results of preflight where the secret is a part of the digest.
    action, _result = run(tmp_path, [blob.replace(blob[5:8], "********")])
    with tarfile.open(action.sent) as archive:
        assert archive.getnames() == [blob]


def test_check_mode_and_a_rollback_send_nothing(tmp_path: Path, blob: str) -> None:
    action, _result = run(tmp_path, [blob], check=True)
    assert action.asked["stack"]["sources"][".env"] == "A=1"
    assert not action.sent.exists()
    action, _result = run(tmp_path, [blob], mode="rollback")
    # What the module does not know: it would refuse it.
    assert not {"sources", "missing_files"} & set(action.asked["stack"])
    assert not action.sent.exists()


def test_a_file_that_went_away_fails_the_task(tmp_path: Path, blob: str) -> None:
    (tmp_path / "shop/logo.png").unlink()
    with pytest.raises(AnsibleAction, match=r"logo\.png does not exist"):
        run(tmp_path, [blob])
    assert not (tmp_path / "sent.tar.gz").exists()


def test_the_progress_is_that_of_the_stack(tmp_path: Path, blob: str) -> None:
    action, _result = run(tmp_path, [blob], root=str(tmp_path))
    write_progress(paths.stack_folder(tmp_path, "po", "prod", "shop"), "build", detail="[web 1/2] FROM base")
    seen = action.read_progress()
    assert seen
    assert (action.stack, seen.step, seen.detail) == ("shop", "build", "[web 1/2] FROM base")


def builds_of(folder: Path, dockerfile: str) -> dict[str, t.Any]:
    """Return what preflight returns of a stack whose only image is built from the folder ``api``."""
    (folder / "api").mkdir()
    (folder / "api" / "Dockerfile").write_text(dockerfile)
    definition = {"context": f"{PLACEHOLDER}/api", "dockerfile": "Dockerfile"}
    image = {"image": "po-shop-web:1", "service": "web", "definition": definition, "contexts": ["api"]}
    return {"folder": str(folder), "images": [image], "platform": ""}


def test_the_source_of_an_image_is_sent_where_it_is_built(tmp_path: Path, blob: str) -> None:
    builds = builds_of(tmp_path / "shop", "FROM scratch\n")
    action, _result = run(tmp_path, [], builds=builds)
    assert action.asked["build_archive"] == "/server/tmp/builds.tar.gz"
    assert "builds" not in action.asked
    with tarfile.open(action.sent) as archive:
        assert archive.getnames() == ["api/Dockerfile"]
    assert "build_archive" not in run(tmp_path, [], builds=builds, check=True)[0].asked
    assert "build_archive" not in run(tmp_path, [])[0].asked


def test_a_build_that_fails_on_the_controller_says_what_users_have(
    tmp_path: Path, blob: str, real_engine: None
) -> None:
    builds = builds_of(tmp_path / "shop", "FROM scratch\nCOPY missing /\n")
    with pytest.raises(AnsibleActionFail, match=r"(?s)po-shop-web:1 cannot be built: .* Users still have the version"):
        run(tmp_path, [], builds=builds, build_on="controller")


RELEASED = {
    "changed": True,
    "plan": {"live_release": {"version": "1.0.0"}},
    "release": 2,
    "version": "2.0.0",
    "color": "green",
    "paused": False,
    "jobs": [],
    "image_seconds": 0,
    "gate_seconds": 1.2,
    "switch_seconds": 0.02,
    "release_seconds": 2.5,
    "dropped_requests": 0,
}


def test_the_summary_is_printed_and_returned(
    tmp_path: Path, blob: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(OnServer, "answer", RELEASED)
    action, result = run(tmp_path, [], back="ansible-playbook rollback.yml")
    assert result["summary"] == [
        "shop (prod)  1.0.0 -> 2.0.0   release 2, green, 2.5 s",
        "  gates 1.2 s · switch 0.02 s",
        "  back to 1.0.0: ansible-playbook rollback.yml",
    ]
    assert "back" not in action.asked
    assert capsys.readouterr().out.splitlines() == result["summary"]
    assert "summary" not in run(tmp_path, [], check=True)[1]


def test_a_failure_is_one_message_with_the_cause_and_the_state(
    tmp_path: Path, blob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = {"failed": True, "msg": "The smoke gate failed.", "gate": "smoke", "release": 2}
    failed |= {"live": "blue", "live_before": "blue", "traffic_reverted": False, "database": None}
    monkeypatch.setattr(OnServer, "answer", failed)
    with pytest.raises(AnsibleAction) as raised:
        run(tmp_path, [])
    assert raised.value.result["gate"] == "smoke"
    assert raised.value.result["msg"].splitlines() == [
        "shop (prod), release 2: blue is live; the traffic never moved.",
        "The lock is released: fix the cause and deploy again.",
        "The cause: The smoke gate failed.",
    ]


def test_a_connection_that_is_lost_says_that_the_server_continues(
    tmp_path: Path, blob: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OnServer, "answer", AnsibleConnectionFailure("Broken pipe."))
    with pytest.raises(AnsibleConnectionFailure, match=r"Broken pipe\. A release that has begun is finished"):
        run(tmp_path, [])
