from __future__ import annotations

import typing as t

import pytest
from fakes import written
from fakes_config import only, problems

MIGRATE = {"service": "web", "command": ["migrate"]}
POSTGRES = {"password": "p"}


def test_a_shared_servers_password_is_not_given_twice() -> None:
    stack = written(postgres={"password": "a"}, secrets={"postgres_password": "b"})
    assert "secrets.postgres_password: is made from postgres.password" in only(stack)


def test_a_kind_is_required_without_a_check() -> None:
    found = only(written(postgres=POSTGRES, migrate=MIGRATE))
    assert found.startswith("switchyard_stacks[shop].migrate.kind: is missing")
    assert "expand" in found
    assert "contract" in found
    assert "breaking" in found
    assert problems(written(postgres=POSTGRES, migrate={**MIGRATE, "check": ["c"]})) == []
    assert problems(written(migrate=MIGRATE)) == []


def test_every_mistake_of_the_guards_is_reported_at_once() -> None:
    more = {
        "kind": "breaking",
        "verify_backup": "none",
        "lock_timeout": "long",
        "retries": -1,
        "schema_check": {"query": "SELECT 1"},
    }
    found = problems(written(postgres=POSTGRES, migrate={**MIGRATE, **more}))
    for part in ("lock_timeout: a str is not a number", "retries: -1 is too small", "schema_check.answer: is missing"):
        assert any(part in line for line in found), found
    found = problems(
        written(
            postgres=POSTGRES,
            strategy="canary",
            migrate={**MIGRATE, **more, "lock_timeout": 1, "retries": 1, "schema_check": None},
        )
    )
    assert "a migration of kind breaking cannot be undone" in found[0]
    assert "a canary needs it" in found[1]


def test_guards_that_need_a_database_of_the_shared_server_are_refused_without_one() -> None:
    more = {"kind": "expand", "database": "other", "schema_check": {"query": "q", "answer": "a"}}
    found = problems(written(migrate={**MIGRATE, **more}))
    assert len(found) == 3
    assert all("the stack has no postgres" in line for line in found)


def test_a_secret_is_a_variable_once_and_not_in_place() -> None:
    secret = {"secrets": {"URL": "u"}, "secrets_as_env": ["URL"]}
    assert problems(written(**secret)) == []
    assert "secrets_as_env: URL is in variables as well" in only(written(**secret, variables={"URL": "a"}))
    assert "secrets_as_env: in_place starts the files as they are" in only(written(**secret, strategy="in_place"))


@pytest.mark.parametrize(
    ("source", "stack", "expected"),
    [
        ({}, {}, "source: has no path. Write path: <a folder>, or git and version"),
        ({"path": "a", "version": "1"}, {}, "source.version: is of a Git repository. Add git, or remove version"),
        ({"path": "a", "require_tag": True}, {}, "source.require_tag: is of a Git repository"),
        ({"git": "git@host:app.git"}, {}, "source.version: is missing. Write version: <branch, tag or commit>"),
        (
            {"git": "https://me:hunter2@host/app.git", "version": "1"},
            {},
            "source.git: the URL has a password in it. Use an SSH key",
        ),
        (
            {"git": "git@host:app.git", "version": "1"},
            {"strategy": "in_place"},
            "source.git: in_place runs in a folder of the server",
        ),
    ],
)
def test_a_source_is_a_folder_or_a_version_of_a_repository(
    source: dict[str, t.Any], stack: dict[str, t.Any], expected: str
) -> None:
    found = only(written(source=source, **stack))
    assert expected in found
    assert "hunter2" not in found


def test_a_source_of_each_kind_is_accepted() -> None:
    for source in ({"path": "a"}, {"git": "ssh://git@host/app.git", "version": "v1", "require_tag": True, "path": "b"}):
        assert problems(written(source=source)) == []


def test_a_database_in_an_accessory_needs_no_password_and_no_key_of_the_shared_server() -> None:
    migrate = {**MIGRATE, "kind": "breaking", "database": "app"}
    own = {"accessory": "db", "databases": ["app"]}
    secrets = {"postgres_password": "the accessory's own"}
    assert problems(written(accessories=["db"], postgres=own, migrate=migrate, secrets=secrets)) == []
    found = problems(written(accessories=["cache"], postgres={**own, "timeouts": {"lock": "3s"}}))
    assert [line.partition(":")[0].partition(".")[2] for line in found] == ["postgres.accessory", "postgres.timeouts"]
    assert "Write one of cache" in found[0]
    assert "databases: is for a server of the stack's own" in only(written(postgres={**POSTGRES, "databases": ["a"]}))
    assert "postgres.password: is missing" in only(written(postgres={"databases": []}))


def test_what_a_watch_cannot_do_is_refused() -> None:
    found = problems(written(watch={"max_error_rate": 5, "on_no_data": "pause"}))
    assert [text.partition("].")[2] for text in found] == [
        "watch.max_error_rate: is 5, and a share is from 0 to 1. Write 0.05 for 5 %.",
        "watch.on_no_data: only a canary pauses, and the strategy is blue_green."
        " Write pass or fail, or strategy: canary.",
    ]
    assert "watch: in_place has no second color to go back to" in only(written(strategy="in_place", watch={}))
    assert problems(written(strategy="canary", watch={"on_no_data": "pause", "max_error_rate": 1})) == []
