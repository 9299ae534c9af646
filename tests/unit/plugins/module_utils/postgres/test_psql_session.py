from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import (
    client_container,
    psql_session,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.psql_session import (
    ConnectionLost,
    PsqlSession,
    QueryError,
)

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


def test_a_session_continues_after_answers_and_errors(session: PsqlSession) -> None:
    assert session.run("one\ntwo") == ["one", "two"]
    with pytest.raises(QueryError, match="PostgreSQL: it went boom") as caught:
        session.run("boom")
    assert caught.value.state == "22012"
    assert session.run("three") == ["three"]


def test_a_server_that_ends_is_reported_with_its_words(session: PsqlSession) -> None:
    with pytest.raises(ConnectionLost, match="server closed the connection unexpectedly"):
        session.run("leave")
    with pytest.raises(ConnectionLost):
        session.run("one")


def test_a_statement_that_does_not_end_is_ended(session: PsqlSession) -> None:
    with pytest.raises(SwitchyardError, match="did not answer in time"):
        session.run("hang", limit=0.2)


def test_a_session_that_does_not_begin_is_reported_with_what_to_do() -> None:
    words = ["sh", "-c", "echo 'FATAL:  password authentication failed for user \"x\"' >&2; exit 2"]
    with pytest.raises(ConnectionLost, match="Check user and password"):
        PsqlSession(words, "PostgreSQL")


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ('FATAL:  no pg_hba.conf entry for host "x"', "Run setup.yml"),
        ("connection to server failed: Connection refused", "Check that the server runs"),
        ("pg_dump: error: could not write: No space left on device", "Free some disk space"),
        ("pg_dump: error: aborting because of server version mismatch", "newer image"),
        ("something else", ""),
    ],
)
def test_errors_come_with_advice(said: str, what: str) -> None:
    assert what in psql_session.hint_for(said)
    assert what in str(client_container.command_failure("pg_dump", 1, said))
