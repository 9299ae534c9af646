from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeEngine, container
from fakes_postgres import FakeServer, FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    client_container,
    psql_session,
    sql,
    temporary_role,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import server as postgres_server
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import target as postgres_target
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.client_container import ClientContainer
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.psql_session import (
    ConnectionLost,
    PsqlSession,
    QueryError,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.target import Target

Docker = Callable[[str], Callable[[], list[str]]]

# psql as far as a session needs it: a line of SQL is repeated as its answer, "boom" is an error of two lines.
PSQL = r"""
state=00000
while IFS= read -r line; do
    case $line in
    '\echo :LAST_ERROR_MESSAGE') test $state = 00000 || printf 'it went\nboom\n' ;;
    '\echo '*' :SQLSTATE') set -- $line; echo "$2 $state" ;;
    '\echo '*) set -- $line; echo "$2"; state=00000 ;;
    boom) state=22012 ;;
    hang) sleep 20 ;;
    leave) echo 'server closed the connection unexpectedly' >&2; exit 2 ;;
    ';') ;;
    *) echo "$line" ;;
    esac
done
"""


@pytest.fixture
def session(tmp_path: Path) -> t.Iterator[PsqlSession]:
    script = tmp_path / "psql"
    script.write_text(PSQL)
    with PsqlSession(["sh", str(script)], "PostgreSQL") as found:
        yield found


def test_a_session_gives_answers_and_errors_and_goes_on(session: PsqlSession) -> None:
    assert session.run("one\ntwo") == ["one", "two"]
    with pytest.raises(QueryError, match="PostgreSQL: it went boom") as caught:
        session.run("boom")
    assert caught.value.state == "22012"
    assert session.run("three") == ["three"]


def test_a_server_that_goes_away_is_told_with_its_words(session: PsqlSession) -> None:
    with pytest.raises(ConnectionLost, match="server closed the connection unexpectedly"):
        session.run("leave")
    with pytest.raises(ConnectionLost):
        session.run("one")


def test_a_statement_that_does_not_end_is_ended(session: PsqlSession) -> None:
    with pytest.raises(SwitchyardError, match="did not answer in time"):
        session.run("hang", limit=0.2)


def test_a_session_that_does_not_begin_is_told_with_what_to_do() -> None:
    words = ["sh", "-c", "echo 'FATAL:  password authentication failed for user \"x\"' >&2; exit 2"]
    with pytest.raises(ConnectionLost, match="Check user and password"):
        PsqlSession(words, "PostgreSQL")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ('FATAL:  no pg_hba.conf entry for host "x"', "Run setup.yml"),
        ("connection to server failed: Connection refused", "Check that the server runs"),
        ("pg_dump: error: could not write: No space left on device", "Make room"),
        ("pg_dump: error: aborting because of server version mismatch", "newer image"),
        ("something else", ""),
    ],
)
def test_complaints_come_with_advice(said: str, what: str) -> None:
    assert what in psql_session.hint_for(said)
    assert what in str(client_container.command_failure("pg_dump", 1, said))


def test_names_and_texts_are_written_as_sql() -> None:
    assert sql.ident('a"b') == '"a""b"'
    assert sql.literal("it's") == "'it''s'"
    assert sql.literal(None) == "NULL"


def test_a_password_file_bears_every_password() -> None:
    assert postgres_target.passfile_line("*", 5432, "a:b", "c\\d") == "*:5432:*:a\\:b:c\\\\d\n"


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        (Target(container="x"), []),
        (Target(host="db", image="postgres:17", password="p:w"), []),
        (Target(), ["container, host"]),
        (Target(container="x", host="db", image="postgres:17"), ["container, host"]),
        (Target(host="db"), ["image"]),
        (Target(host="db", port=0, tls="maybe", password="a\nb"), ["image", "port", "tls", "password"]),
        (Target(host="db", image="i:1", tls="verify-full"), ["tls_ca"]),
        (Target(host="db", image="i:1", tls_ca="/nowhere.pem"), ["tls_ca"]),
    ],
)
def test_all_that_is_wrong_with_a_server_is_told(target: Target, wrong: list[str]) -> None:
    assert [problem.where for problem in target.problems()] == wrong


def test_a_target_does_not_show_its_password() -> None:
    assert "marker" not in repr(Target(host="db", password="marker"))


class Engine(FakeEngine):
    """An engine whose containers have mounts."""

    def __init__(self, *mounts: dict[str, str]) -> None:
        super().__init__(container("po-postgres", image="sha256:pg"), images=["postgres:17"])
        self.shared = list(mounts)

    def mounts(self, name: str) -> list[dict[str, str]]:
        return self.shared


def reached(engine: FakeEngine, target: Target, docker: Docker) -> tuple[dict[str, str], list[str]]:
    """Return libpq's variables and what was asked of Docker."""
    notes = docker("cat > /dev/null")
    labels = postgres_server.labels_of("po", "prod", "shop")
    with postgres_server.connect(t.cast("t.Any", engine), target, "one", labels) as server:
        env = server.environment("shop", "guest")
    return env, notes()


def test_a_container_with_a_socket_is_reached_through_it(docker: Docker) -> None:
    engine = Engine({"source": "/srv/run", "target": "/var/run/postgresql"})
    env, notes = reached(engine, Target(container="po-postgres"), docker)
    assert (env["PGHOST"], env["PGUSER"], env["PGDATABASE"]) == ("/var/run/postgresql", "guest", "shop")
    assert "--network none" in notes[0]
    assert "source=/srv/run,target=/var/run/postgresql" in notes[0]
    assert "io.switchyard.role=backup" in notes[0]
    assert "--cap-drop ALL" in notes[0]
    assert notes[-1] == "rm --force --volumes -- one"


def test_a_container_without_one_through_its_network(docker: Docker) -> None:
    env, notes = reached(Engine(), Target(container="po-postgres"), docker)
    assert env["PGHOST"] == "127.0.0.1"
    assert "--network container:po-postgres" in notes[0]


def test_a_host_with_tls_and_its_password_nowhere(docker: Docker, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("certificates")
    target = Target(host="db", password="marker", tls="verify-full", tls_ca=str(ca), image="postgres:17")
    env, notes = reached(Engine(), target, docker)
    assert (env["PGHOST"], env["PGSSLMODE"], env["PGSSLROOTCERT"]) == ("db", "verify-full", "/run/switchyard-ca.pem")
    assert "--network host" in notes[0]
    assert "marker" not in " ".join(notes) + str(env)
    assert any("umask 077" in note for note in notes)


def test_a_container_that_is_not_there_or_stands_still_is_told() -> None:
    engine = FakeEngine(container("po-postgres", state="exited"))
    for name, what in (("other", "no container other"), ("po-postgres", "does not run")):
        with (
            pytest.raises(SwitchyardError, match=what),
            postgres_server.connect(t.cast("t.Any", engine), Target(container=name), "one", {}),
        ):
            pass


def test_no_setting_of_a_tenant_reaches_a_session(docker: Docker) -> None:
    options = reached(Engine(), Target(container="po-postgres"), docker)[0]["PGOPTIONS"]
    assert "-c search_path= " in options
    assert "-c statement_timeout=0" in options


def test_a_program_that_fails_is_told_with_its_words(docker: Docker) -> None:
    docker("echo 'no such file' >&2; exit 3")
    with pytest.raises(SwitchyardError, match="pg_restore ended with exit code 3: no such file"):
        ClientContainer("one", "image", {}, [], []).call(["pg_restore"])


def test_what_a_killed_run_left_is_removed(docker: Docker) -> None:
    notes = docker("")
    left = container("po_shop_prod_backup-1", labels={"role": "backup"})
    engine = t.cast("t.Any", FakeEngine(left, container()))
    assert postgres_server.remove_leftover_containers(engine, "po", "prod", "shop") == ["po_shop_prod_backup-1"]
    assert notes() == ["rm --force --volumes -- po_shop_prod_backup-1"]
    assert postgres_server.remove_leftover_containers(engine, "po", "prod", "other") == []


def test_what_a_killed_run_left_may_go_by_itself(docker: Docker) -> None:
    docker("echo 'Error response from daemon: removal of container a is already in progress' >&2; exit 1")
    client_container.remove("a")
    docker("echo 'Error response from daemon: permission denied' >&2; exit 1")
    with pytest.raises(SwitchyardError, match="permission denied"):
        client_container.remove("a")


def test_a_guest_is_a_member_of_the_owner_and_gone_afterwards() -> None:
    standing: list[dict[str, str]] = []
    admin = FakeSession({"FROM pg_roles": lambda: list(standing)})
    server = FakeServer()
    with temporary_role.temporary_role(t.cast("t.Any", server), t.cast("t.Any", admin), "shop", "0007") as name:
        assert name == "shop__guest_0007"
        assert name in server.passwords
        standing.append({"name": name})
        made = next(one for one in admin.statements if one.startswith("CREATE ROLE"))
        assert "NOSUPERUSER" in made
        assert 'IN ROLE "shop"' in made
        assert server.passwords[name] not in made
    assert server.passwords == {}
    assert admin.statements[-1] == 'DROP ROLE "shop__guest_0007"'


def test_what_a_guest_was_made_to_own_goes_to_the_owner() -> None:
    inside = FakeSession()
    admin = FakeSession(
        {"FROM pg_roles WHERE starts_with": [{"name": "shop__guest_1"}], "pg_shdepend": [{"datname": "shop_prod"}]}
    )
    refusals = iter(["2BP01"])
    run = admin.run

    def refuse_once(statement: str, limit: float | None = None) -> list[str]:
        if statement.startswith("DROP ROLE"):
            for state in refusals:
                raise QueryError("objects depend on it", state)
        return run(statement)

    admin.run = refuse_once  # type: ignore[method-assign]
    server = FakeServer(shop_prod=inside)
    assert temporary_role.drop_temporary_roles(t.cast("t.Any", server), t.cast("t.Any", admin), "shop") == [
        "shop__guest_1"
    ]
    assert inside.statements == [
        'REASSIGN OWNED BY "shop__guest_1" TO "shop"',
        'DROP OWNED BY "shop__guest_1"',
    ]


def test_a_long_owner_keeps_the_number() -> None:
    name = temporary_role.role_name("o" * 63, "0007")
    assert (len(name), name[-12:]) == (63, "__guest_0007")
