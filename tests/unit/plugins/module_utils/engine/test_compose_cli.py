from __future__ import annotations

import json
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ComposeError, SwitchyardError

Docker = Callable[[str], Callable[[], list[str]]]


def test_files_are_written_by_their_names(tmp_path: Path) -> None:
    compose_cli.write_sources({"docker-compose.yml": "a", "conf/motd": "b"}, tmp_path)
    assert (tmp_path / "docker-compose.yml").read_text() == "a"
    assert (tmp_path / "conf" / "motd").read_text() == "b"


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/outside"])
def test_a_file_outside_the_folder_is_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(SwitchyardError, match="leads out of the stack's folder"):
        compose_cli.write_sources({name: "x"}, tmp_path / "folder")
    assert list(tmp_path.rglob("outside")) == []


def test_variables_of_a_stack_without_shared_servers() -> None:
    assert compose_cli.variables(checked(variables={"IMAGE": "app:1"}), "po", "prod") == {
        "SWITCHYARD_PROJECT": "po",
        "SWITCHYARD_ENVIRONMENT": "prod",
        "SWITCHYARD_STACK": "shop",
        "IMAGE": "app:1",
    }


def test_variables_name_the_shared_servers_and_never_a_password() -> None:
    stack = checked(postgres={"password": "hunter2"}, redis={"password": "hunter2", "databases": [3, 4]})
    given = compose_cli.variables(stack, "po", "prod")
    assert given["SWITCHYARD_POSTGRES_HOST"] == "po-postgres"
    assert given["SWITCHYARD_POSTGRES_DATABASE"] == given["SWITCHYARD_POSTGRES_USER"] == "shop_prod"
    assert (given["SWITCHYARD_REDIS_HOST"], given["SWITCHYARD_REDIS_USER"]) == ("po-redis", "shop-prod")
    assert (given["SWITCHYARD_REDIS_DATABASE"], given["SWITCHYARD_REDIS_DATABASE1"]) == ("3", "4")
    assert "hunter2" not in str(given)


def test_variables_of_the_inventory_win() -> None:
    assert compose_cli.variables(checked(variables={"SWITCHYARD_STACK": "x"}), "po", "prod")["SWITCHYARD_STACK"] == "x"


def test_a_migration_replaces_variables() -> None:
    stack = checked(postgres={"password": "p"})
    found = compose_cli.variables(stack, "po", "prod", SWITCHYARD_POSTGRES_USER="shop_prod_migrator")
    assert found["SWITCHYARD_POSTGRES_USER"] == "shop_prod_migrator"
    assert found["SWITCHYARD_POSTGRES_DATABASE"] == "shop_prod"


def test_compose_gets_the_files_in_their_order_and_only_the_given_variables(
    tmp_path: Path, docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-server")
    notes = docker('printf \'{"image": "%s", "leaked": "%s"}\' "$IMAGE" "$AWS_SECRET_ACCESS_KEY$HOME"')
    result: dict[str, t.Any] = compose_cli.normalise(tmp_path, ["a.yml", "b.yml"], {"IMAGE": "app:1"})
    assert result == {"image": "app:1", "leaked": ""}
    assert notes() == [
        f"compose --project-name stack --project-directory {tmp_path} "
        f"--file {tmp_path}/a.yml --file {tmp_path}/b.yml config --format json"
    ]


@pytest.mark.usefixtures("real_compose")
def test_the_home_and_the_working_folder_are_paths_and_no_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/srv/home")
    volumes = '["~/keys:/keys", "$PWD/conf:/conf"]'
    (tmp_path / "a.yml").write_text(
        f'services: {{web: {{image: "a:1", environment: [HOME, PATH, "W=${{PWD}}"], volumes: {volumes}}}}}'
    )
    web = compose_cli.normalise(tmp_path, ["a.yml"], {})["services"]["web"]
    assert web["environment"] == {"HOME": None, "PATH": None, "W": str(tmp_path)}
    assert [mount["source"] for mount in web["volumes"]] == ["/srv/home/keys", f"{tmp_path}/conf"]
    given = compose_cli.read_files(tmp_path, ["a.yml"], {"HOME": "/srv"}, inherit=["PATH"]).content["services"]["web"]
    assert given["environment"]["HOME"] == "/srv"
    assert given["environment"]["PATH"]


@pytest.mark.usefixtures("real_compose")
def test_limits_of_zero_are_kept(tmp_path: Path) -> None:
    limits = "{core: 0, nproc: {soft: 0, hard: 9}, nofile: 5, memlock: {soft: -1, hard: -1}}"
    text = f"services: {{web: {{image: 'a:1', ulimits: {limits}, build: {{context: ., ulimits: {limits}}}}}}}"
    (tmp_path / "a.yml").write_text(text)
    content = compose_cli.normalise(tmp_path, ["a.yml"], {})
    web = content["services"]["web"]
    expected = {
        "core": {"soft": 0, "hard": 0},
        "nproc": {"soft": 0, "hard": 9},
        "nofile": 5,
        "memlock": {"soft": -1, "hard": -1},
    }
    assert (web["ulimits"], web["build"]["ulimits"]) == (expected, expected)
    # Compose accepts its own answer.
    (tmp_path / "b.yml").write_text(json.dumps(content))
    assert compose_cli.normalise(tmp_path, ["b.yml"], {})["services"]["web"]["ulimits"] == expected


@pytest.mark.usefixtures("real_compose")
def test_a_size_without_a_limit_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("services: {web: {image: 'a:1', mem_limit: 64m, memswap_limit: -1}}")
    content = compose_cli.normalise(tmp_path, ["a.yml"], {})
    (tmp_path / "b.yml").write_text(json.dumps(content))
    web = compose_cli.normalise(tmp_path, ["b.yml"], {})["services"]["web"]
    assert (web["mem_limit"], web["memswap_limit"]) == ("67108864", -1)


@pytest.mark.usefixtures("real_compose")
def test_an_empty_config_is_kept(tmp_path: Path) -> None:
    text = "services: {web: {image: 'a:1', configs: [more]}}\nconfigs: {more: {content: '${MORE:-}'}}"
    (tmp_path / "a.yml").write_text(text)
    content = compose_cli.normalise(tmp_path, ["a.yml"], {})
    assert content["configs"]["more"]["content"] == ""
    (tmp_path / "b.yml").write_text(json.dumps(content))
    assert compose_cli.normalise(tmp_path, ["b.yml"], {})["configs"]["more"]["content"] == ""


def test_rejected_files_are_reported_with_the_message_of_compose(tmp_path: Path, docker: Docker) -> None:
    docker(f"echo 'validating {tmp_path}/a.yml: services.web.imge is not allowed' >&2; exit 15")
    with pytest.raises(SwitchyardError) as refused:
        compose_cli.normalise(tmp_path, ["a.yml"], {})
    assert str(refused.value) == "Compose rejects a.yml: validating a.yml: services.web.imge is not allowed"


@pytest.mark.parametrize(
    "words", ["docker: 'compose' is not a docker command.", "unknown flag: --project-name\nSee 'docker --help'."]
)
def test_a_missing_plugin_is_reported(tmp_path: Path, docker: Docker, words: str) -> None:
    docker(f'echo "{words}" >&2; exit 125')
    with pytest.raises(SwitchyardError, match=r"Compose plugin does not answer on this server. Run setup\.yml"):
        compose_cli.normalise(tmp_path, ["a.yml"], {})


def test_a_server_without_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SwitchyardError, match="docker compose config cannot be started: No such file"):
        compose_cli.normalise(tmp_path, ["a.yml"], {})


def test_compose_that_hangs_is_killed(tmp_path: Path, docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_cli, "TIMEOUT", 0.2)
    docker("exec sleep 5")
    with pytest.raises(SwitchyardError, match=r"docker compose config was not done after 0\.2 s"):
        compose_cli.normalise(tmp_path, ["a.yml"], {})


def test_no_file_at_all_is_left_to_compose(tmp_path: Path, docker: Docker) -> None:
    docker("echo 'no configuration file provided: not found' >&2; exit 14")
    with pytest.raises(SwitchyardError, match="no configuration file provided"):
        compose_cli.normalise(tmp_path, [], {})


def test_the_version_of_the_plugin(docker: Docker) -> None:
    notes = docker("echo 2.26.1-4")
    assert compose_cli.version() == "2.26.1-4"
    assert notes() == ["compose version --short"]
    docker("echo \"docker: 'compose' is not a docker command.\" >&2; exit 1")
    with pytest.raises(SwitchyardError, match="docker compose ended with exit code 1"):
        compose_cli.version()


def test_a_project_is_started_from_its_file(tmp_path: Path, docker: Docker) -> None:
    notes = docker()
    compose_cli.up("po_shop_prod_blue", tmp_path / "blue.yml")
    assert notes() == [
        f"compose -p po_shop_prod_blue -f {tmp_path}/blue.yml up --detach --remove-orphans --pull never --no-build"
    ]
    docker("echo 'Error response from daemon: port is already allocated' >&2; exit 1")
    with pytest.raises(
        SwitchyardError, match=r"docker compose up ended with exit code 1: .* port is already allocated"
    ):
        compose_cli.up("po_shop_prod_blue", tmp_path / "blue.yml")


@pytest.mark.usefixtures("real_compose")
def test_compose_fetches_a_file_only_where_it_may(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("include: ['oci://127.0.0.1:1/team/base:1']")
    with pytest.raises(ComposeError, match="remote resource is disabled"):
        compose_cli.read_files(tmp_path, ["a.yml"], {"COMPOSE_EXPERIMENTAL_OCI_REMOTE": "true"})
    with pytest.raises(ComposeError, match="connection refused"):
        compose_cli.read_files(tmp_path, ["a.yml"], {}, fetches=True)
