from __future__ import annotations

from pathlib import Path

import pytest
from fakes import Machine, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils.decommission import tenants
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

KNOWN = {"prod": {"shop_prod"}, "qual": {"shop_qual", "odd"}}
FOUND = ["shop_prod", "shop_qual", "shop_prod__before_20260301", "blog_prod", "odd", "wiki"]


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def test_the_databases_of_an_environment() -> None:
    # Copies that a restore has kept, and databases of retired stacks, are its own too.
    assert tenants.own_databases(FOUND, KNOWN, "prod") == ["shop_prod", "shop_prod__before_20260301", "blog_prod"]
    assert tenants.own_databases(FOUND, KNOWN, "qual") == ["shop_qual", "odd"]
    assert tenants.own_databases(["a_pre_prod"], {}, "pre-prod") == ["a_pre_prod"]


def test_databases_that_no_environment_has() -> None:
    assert tenants.foreign_databases(FOUND, KNOWN, ["qual"], "prod") == ["wiki"]
    assert tenants.foreign_databases(["blog_dev"], KNOWN, [], "prod") == ["blog_dev"]
    assert tenants.foreign_databases(["blog_dev"], KNOWN, ["dev"], "prod") == []


def test_the_files_of_environments(tmp_path: Path) -> None:
    line = 'host "shop_prod" "shop_prod_ro" 172.18.0.0/16 scram-sha-256\n'
    write(tmp_path, "postgres/conf/tenants/prod.conf", f"# The logins\n{line}")
    write(tmp_path, "postgres/conf/tenants/dev.conf", "# The logins\n")
    write(tmp_path, "redis/conf/allotted/prod.json", '{"shop-prod": [3, 4], "blog-prod": [3]}')
    assert tenants.databases_of(tmp_path) == {"prod": {"shop_prod"}, "dev": set()}
    assert tenants.is_used(tmp_path / "postgres/conf/tenants/prod.conf")
    assert not tenants.is_used(tmp_path / "postgres/conf/tenants/dev.conf")
    assert tenants.redis_numbers(tmp_path, "prod") == (3, 4)
    assert tenants.redis_numbers(tmp_path, "dev") == ()


def test_a_server_that_does_not_answer_has_unknown_databases(machine: Machine) -> None:
    container = shared_container("postgres")
    machine.engine.inside = lambda command: (0, "postgres\nshop_prod\ntemplate0")
    assert tenants.databases(machine.engine, container) == ["shop_prod"]  # type: ignore[arg-type]
    machine.engine.inside = lambda command: (2, "no")
    assert tenants.databases(machine.engine, container) is None  # type: ignore[arg-type]


def test_databases_are_dropped_with_their_logins(machine: Machine) -> None:
    write(machine.root, "postgres/conf/tenants/prod.conf", "x")
    ran: list[str] = []
    machine.engine.inside = lambda command: (ran.append(command[-1]), (0, ""))[1]  # type: ignore[func-returns-value]
    found = ["shop_prod", "shop_prod__before_1"]
    tenants.drop_databases(machine.engine, shared_container("postgres"), found, machine.root, "prod")  # type: ignore[arg-type]
    assert ran[:2] == [f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in found]
    kinds = ("shop_prod", "shop_prod_migrator", "shop_prod_backup", "shop_prod_ro", "shop_prod_owner")
    assert sorted(ran[2:-1]) == sorted(f'DROP ROLE IF EXISTS "{name}"' for name in kinds)
    assert ran[-1] == "SELECT pg_reload_conf()"
    assert not (machine.root / "postgres/conf/tenants/prod.conf").exists()


def test_a_refused_statement_is_an_error(machine: Machine) -> None:
    machine.engine.inside = lambda command: (3, "ERROR:  it is needed")
    with pytest.raises(SwitchyardError, match=r"PostgreSQL refuses .*: ERROR:  it is needed"):
        tenants.drop_databases(machine.engine, shared_container("postgres"), ["a"], machine.root, "prod")  # type: ignore[arg-type]


def test_redis_loses_the_users_and_the_data_of_the_environment(machine: Machine) -> None:
    for name in ("users/_admin.acl", "users/prod.acl", "users/qual.acl", "allotted/prod.json", "allotted/qual.json"):
        write(machine.root / "redis/conf", name, f"{name}\n")
    ran: list[list[str]] = []
    machine.engine.inside = lambda command: (ran.append(command), (0, "OK"))[1]  # type: ignore[func-returns-value]
    tenants.empty_redis(machine.engine, shared_container("redis"), [3, 4], machine.root, "prod")  # type: ignore[arg-type]
    assert [command[-1] for command in ran[:2]] == ["3", "4"]
    assert all("FLUSHDB" in command[2] for command in ran[:2])
    assert "ACL LOAD" in ran[2][2]
    assert (machine.root / "redis/conf/users.acl").read_text() == "users/_admin.acl\nusers/qual.acl\n"
    left = sorted(path.name for path in (machine.root / "redis/conf").rglob("*.*"))
    assert left == ["_admin.acl", "qual.acl", "qual.json", "users.acl"]
