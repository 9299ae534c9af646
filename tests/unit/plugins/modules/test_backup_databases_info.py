from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.switchyard.stacks.plugins.modules import backup_databases_info

OPTIONS = {"project": "po", "environment": "prod"}


def test_the_databases_of_the_shared_server_need_no_engine(run_module: Callable[..., dict[str, t.Any]]) -> None:
    found = run_module(backup_databases_info.main, {**OPTIONS, "stacks": ["shop", "blog"]}, check=True)
    assert (found["changed"], found["databases"]) == (False, [{"stack": "shop"}, {"stack": "blog"}])


def test_without_a_database_it_fails(run_module: Callable[..., dict[str, t.Any]]) -> None:
    failed = run_module(backup_databases_info.main, OPTIONS)
    assert failed["failed"]
    assert failed["problems"][0]["code"] == "backup.no_database"
