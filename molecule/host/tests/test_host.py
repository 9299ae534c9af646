"""What the role `host` promises, checked on the servers."""

from __future__ import annotations

import json

from testinfra.host import Host


def without_systemd(host: Host) -> bool:
    return not host.file("/run/systemd/system").exists


def installed_by_the_role(host: Host) -> bool:
    return bool(host.check_output("hostname") != "server1")


def test_engine_runs_a_container(host: Host) -> None:
    """An image from a registry runs with a network and a published port, as a stack needs it."""
    host.check_output("docker network create try")
    try:
        host.check_output(
            "docker run --detach --name try --network try --publish 127.0.0.1:16379:6379 "
            "--memory 64m registry.test:5000/switchyard/redis:8.0"
        )
        try:
            answer = host.check_output(
                "docker run --rm --network try registry.test:5000/switchyard/redis:8.0 redis-cli -h try ping"
            )
            assert answer == "PONG"
            assert host.socket("tcp://127.0.0.1:16379").is_listening
        finally:
            host.check_output("docker rm --force --volumes try")
    finally:
        host.check_output("docker network rm try")


def test_compose_is_a_plugin(host: Host) -> None:
    version = host.check_output("docker compose version --short")
    assert int(version.lstrip("v").split(".")[0]) >= 2


def test_modules_find_their_libraries(host: Host) -> None:
    """Python's Docker library connects to the engine."""
    script = 'import docker, psycopg2; print(docker.from_env().version()["Version"])'
    engine = host.check_output("/usr/bin/python3 -c %s", script)
    assert engine == host.check_output("docker version --format '{{ .Server.Version }}'")


def test_folder_of_the_collection(host: Host) -> None:
    folder = host.file("/var/lib/switchyard")
    assert folder.is_directory
    assert (folder.user, folder.mode) == ("root", 0o755)


def test_settings_of_the_engine(host: Host) -> None:
    """An engine that the role installed rotates its logs; an existing one keeps its settings."""
    engine = json.loads(host.check_output("docker info --format '{{ json . }}'"))
    settings = json.loads(host.file("/etc/docker/daemon.json").content_string)
    if installed_by_the_role(host):
        assert engine["LiveRestoreEnabled"]
        assert engine["LoggingDriver"] == "json-file"
        assert settings["log-opts"] == {"max-file": "3", "max-size": "10m"}
    else:
        assert not engine["LiveRestoreEnabled"]
        assert engine["LoggingDriver"] == "local"
    assert "registry.test:5000" in settings["insecure-registries"]


def test_engine_starts_with_the_server(host: Host) -> None:
    """Without systemd the engine is not started again; its log is where the role reports it."""
    if without_systemd(host):
        assert host.file("/var/log/dockerd.log").contains("API listen on")
    else:
        assert host.service("docker").is_enabled
