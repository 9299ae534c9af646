from __future__ import annotations

import typing as t

import pytest
from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import hba_lockout

FILE = "local all all trust\nhost all all all scram-sha-256\n"


class Server(FakeSession):
    """A server that has a pg_hba.conf."""

    about = "PostgreSQL (the container db)"

    def __init__(self, content: str = FILE) -> None:
        super().__init__()
        self.content = content

    def rows(self, query: str, limit: float | None = None) -> list[dict[str, t.Any]]:
        self.statements.append(query)
        if "pg_read_file" in query:
            return [{"content": self.content}]
        if "pg_conf_load_time" in query:
            return [{"at": sum("pg_reload_conf" in one for one in self.statements)}]
        return [{}] if "pg_hba_file_rules" in query and "reject" in self.content else []

    def run(self, statement: str, limit: float | None = None) -> list[str]:
        super().run(statement)
        if "lo_export" in statement:
            self.content = statement.split("convert_to('")[1].split("', 'UTF8'")[0].replace("''", "'")
        return []


def test_a_database_is_closed_from_outside_and_open_again_as_before() -> None:
    server = Server()
    admin = t.cast("t.Any", server)
    hba_lockout.close(admin, 'it\'s "odd"')
    assert server.content.splitlines()[1:3] == [
        'host "it\'s ""odd""" all samehost trust',
        'host "it\'s ""odd""" all all reject',
    ]
    assert server.content.endswith(FILE)
    reload = next(number for number, one in enumerate(server.statements) if "pg_reload_conf" in one)
    ended = next(number for number, one in enumerate(server.statements) if "pg_terminate_backend" in one)
    assert reload < ended
    assert hba_lockout.is_closed(admin, "app")
    # A second lockout adds no second block.
    hba_lockout.close(admin, "app")
    assert server.content.count(hba_lockout.BEGIN) == 1
    hba_lockout.open_again(admin, "app")
    assert server.content == FILE
    assert not hba_lockout.is_closed(admin, "app")


def test_an_open_server_is_not_written() -> None:
    server = Server()
    hba_lockout.open_again(t.cast("t.Any", server), "app")
    assert not any("lo_export" in one for one in server.statements)


def test_a_file_that_the_server_cannot_write_is_named() -> None:
    server = Server()
    server.errors = {"lo_export": "58P01"}
    with pytest.raises(SwitchyardError, match=r"pg_hba.conf of .* cannot be written [\s\S]* app stays open"):
        hba_lockout.close(t.cast("t.Any", server), "app")
    with pytest.raises(SwitchyardError, match="line break"):
        hba_lockout.block("a\nhost all all all trust")
