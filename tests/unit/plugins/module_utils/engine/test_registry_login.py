from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import registry_login

LOGINS = registry_login.logins_of(
    [
        {"server": "https://reg.example.org:5000/", "username": "ci", "password": "hunter2"},
        {"server": "docker.io", "username": "team", "password": "hunter3"},
    ]
)


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("redis:8", "docker.io"),
        ("team/app:1", "docker.io"),
        ("docker.io/team/app:1", "docker.io"),
        ("reg.example.org:5000/app:1", "reg.example.org:5000"),
        ("localhost/app:1", "localhost"),
        ("host:5000/app@sha256:00", "host:5000"),
    ],
)
def test_an_image_belongs_to_the_registry_that_its_name_begins_with(image: str, registry: str) -> None:
    assert registry_login.registry_of(image) == registry


def test_only_the_own_registry_gets_a_login() -> None:
    login = {"username": "ci", "password": "hunter2"}
    assert registry_login.login_for("reg.example.org:5000/app:1", LOGINS) == login
    assert registry_login.login_for("reg.example.org/app:1", LOGINS) is None
    hub = registry_login.login_for("redis:8", LOGINS)
    assert hub is not None
    assert hub["username"] == "team"
    assert "hunter" not in repr(LOGINS)


def test_the_clients_configuration_is_private_and_keeps_what_the_user_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, private = tmp_path / "own", tmp_path / "private"
    (own / "contexts").mkdir(parents=True)
    private.mkdir()
    (own / "config.json").write_text(
        json.dumps({"credsStore": "desktop", "auths": {"other.org": {"auth": "b3RoZXI="}}, "currentContext": "far"})
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(own))
    registry_login.write_client_config(private, LOGINS)
    config = json.loads((private / "config.json").read_text())
    assert (private / "config.json").stat().st_mode & 0o777 == 0o600
    assert (private / "contexts").resolve() == own / "contexts"
    assert (config["credsStore"], config["currentContext"]) == ("desktop", "far")
    assert sorted(config["auths"]) == [registry_login.HUB_KEY, "other.org", "reg.example.org:5000"]
    assert base64.b64decode(config["auths"]["reg.example.org:5000"]["auth"]) == b"ci:hunter2"
    # An empty helper means the file, also where the user has a store (docker/cli, GetCredentialsStore).
    assert config["credHelpers"] == {"reg.example.org:5000": "", registry_login.HUB_KEY: ""}
