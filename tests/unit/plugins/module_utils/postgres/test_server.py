from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeEngine, container

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server as postgres_server
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.target import Target

Docker = Callable[[str], Callable[[], list[str]]]


def engine_with(**mounts: str) -> FakeEngine:
    """Return an engine whose PostgreSQL has these folders of the host mounted, by their path in the container."""
    folders = {f"/var/run/{path}": folder for path, folder in mounts.items()}
    return FakeEngine(container("po-postgres", image="sha256:pg", mounts=folders), images=["postgres:17"])


def reached(engine: FakeEngine, target: Target, docker: Docker) -> tuple[dict[str, str], list[str]]:
    """Return libpq's variables and what was asked of Docker."""
    notes = docker("cat > /dev/null")
    labels = postgres_server.labels_of("po", "prod", "shop")
    with postgres_server.connect(t.cast("t.Any", engine), target, "one", labels) as server:
        env = server.environment("shop", "temporary")
    return env, notes()


def test_a_container_with_a_socket_is_reached_through_it(docker: Docker) -> None:
    engine = engine_with(postgresql="/srv/run")
    env, notes = reached(engine, Target(container="po-postgres"), docker)
    assert (env["PGHOST"], env["PGUSER"], env["PGDATABASE"]) == ("/var/run/postgresql", "temporary", "shop")
    assert "--network none" in notes[0]
    assert "source=/srv/run,target=/var/run/postgresql" in notes[0]
    assert "io.switchyard.role=backup" in notes[0]
    assert "--cap-drop ALL" in notes[0]
    assert notes[-1] == "rm --force --volumes -- one"


def test_a_container_without_one_through_its_network(docker: Docker) -> None:
    env, notes = reached(engine_with(), Target(container="po-postgres"), docker)
    assert env["PGHOST"] == "127.0.0.1"
    assert "--network container:po-postgres" in notes[0]


def test_a_host_with_tls_and_its_password_nowhere(docker: Docker, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("certificates")
    target = Target(host="db", password="marker", tls="verify-full", tls_ca=str(ca), image="postgres:17")
    env, notes = reached(engine_with(), target, docker)
    assert (env["PGHOST"], env["PGSSLMODE"], env["PGSSLROOTCERT"]) == ("db", "verify-full", "/run/switchyard-ca.pem")
    assert "--network host" in notes[0]
    assert "marker" not in " ".join(notes) + str(env)
    assert any("umask 077" in note for note in notes)


def test_a_container_that_is_missing_or_stopped_is_reported() -> None:
    engine = FakeEngine(container("po-postgres", state="exited"))
    for name, what in (("other", "no container other"), ("po-postgres", "is not running")):
        with (
            pytest.raises(SwitchyardError, match=what),
            postgres_server.connect(t.cast("t.Any", engine), Target(container=name), "one", {}),
        ):
            pass


def test_no_setting_of_a_tenant_reaches_a_session(docker: Docker) -> None:
    options = reached(engine_with(), Target(container="po-postgres"), docker)[0]["PGOPTIONS"]
    assert "-c search_path= " in options
    assert "-c statement_timeout=0" in options


def test_what_a_killed_run_left_is_removed(docker: Docker) -> None:
    notes = docker("")
    left = container("po_shop_prod_backup-1", labels={"role": "backup"})
    engine = t.cast("t.Any", FakeEngine(left, container()))
    assert postgres_server.remove_leftover_containers(engine, "po", "prod", "shop") == ["po_shop_prod_backup-1"]
    assert notes() == ["rm --force --volumes -- po_shop_prod_backup-1"]
    assert postgres_server.remove_leftover_containers(engine, "po", "prod", "other") == []
