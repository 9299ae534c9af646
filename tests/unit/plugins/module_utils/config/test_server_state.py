from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.config import server_state
from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import SettingsRequest


def request(environment: str, memory: str, accepts: bool = False) -> SettingsRequest:
    return SettingsRequest("po", environment, "anna@ci", 1.0, {"proxy": {"proxy_memory": memory}}, accepts)


def test_a_refused_change_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    server_state.apply(tmp_path, request("prod", "256m"))
    content = (tmp_path / "server.json").read_bytes()
    assert server_state.apply(tmp_path, request("qual", "1g")).problems
    assert server_state.apply(tmp_path, request("qual", "1g", accepts=True), check_mode=True).changed
    assert (tmp_path / "server.json").read_bytes() == content
    server_state.apply(tmp_path, request("qual", "1g", accepts=True))
    state = server_state.read(tmp_path)
    assert (state.settings[0].value, state.users) == ("1g", {"proxy": ("po/prod", "po/qual")})


def test_what_a_later_version_wrote_is_kept(tmp_path: Path) -> None:
    server_state.apply(tmp_path, request("prod", "256m"))
    path = tmp_path / "server.json"
    content = json.loads(path.read_text())
    content["new"] = 1
    content["settings"][0]["ticket"] = "A-1"
    path.write_text(json.dumps(content))
    server_state.apply(tmp_path, request("prod", "512m"))
    after = json.loads(path.read_text())
    assert (after["new"], after["settings"][0]["ticket"], after["settings"][0]["value"]) == (1, "A-1", "512m")


def test_the_last_environment_that_leaves_removes_the_file(tmp_path: Path) -> None:
    server_state.leave(tmp_path, "po", "prod")
    assert list(tmp_path.iterdir()) == []
    for environment in ("prod", "qual"):
        server_state.apply(tmp_path, request(environment, "256m"))
    server_state.leave(tmp_path, "po", "qual")
    assert server_state.read(tmp_path).users == {"proxy": ("po/prod",)}
    server_state.leave(tmp_path, "po", "prod")
    assert not (tmp_path / "server.json").exists()


def test_a_server_before_its_first_setup_is_only_compared(tmp_path: Path) -> None:
    assert server_state.apply(tmp_path / "missing", request("prod", "256m")).changed
    assert list(tmp_path.iterdir()) == []
