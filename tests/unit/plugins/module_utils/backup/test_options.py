from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import (
    options,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.request import GIGABYTE
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.retention import RetentionPolicy
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError


def params(**given: t.Any) -> dict[str, t.Any]:
    """Return a module's options with their defaults."""
    spec = {**options.SERVER_OPTIONS, **options.BACKUP_OPTIONS, **options.RUN_OPTIONS}
    ctx = {"root": "/srv", "project": "po", "environment": "prod", "stack": "my-shop"}
    return {**{name: one.get("default") for name, one in spec.items()}, **ctx, **given}


def test_without_a_server_ours_is_meant() -> None:
    asked = options.backup_request(params())
    assert (asked.target.container, asked.target.host, asked.database) == ("po-postgres", None, "my_shop_prod")
    assert asked.problems() == []
    assert str(options.store_of(params()).folder) == "/srv/backups/po-prod/my-shop"


def test_a_host_that_is_named_is_not_ours() -> None:
    asked = options.backup_request(params(host="db", image="postgres:17", database="other"))
    assert (asked.target.container, asked.target.host, asked.database) == (None, "db", "other")


def test_options_become_what_is_asked() -> None:
    asked = options.backup_request(params(keep=3, keep_days=9, verify_content=False, parallel_from=2, keep_names=["a"]))
    assert (asked.retention, asked.verify_content, asked.parallel_from, asked.keep_names) == (
        RetentionPolicy(3, 9),
        False,
        2 * GIGABYTE,
        ("a",),
    )


def test_what_runs_around_a_backup() -> None:
    asked = options.backup_run(
        params(pre_hooks=[["sync"]], post_hooks=[["touch", 5]], copy_offsite=True, hook_timeout=9), started_by="timer"
    )
    assert (asked.pre_hooks, asked.post_hooks, asked.hook_timeout, asked.started_by) == (
        (("sync",),),
        (("touch", "5"),),
        9,
        "timer",
    )
    assert asked.offsite
    assert (str(asked.offsite.folder), asked.offsite.owner) == ("/srv/backups/po-prod/.offsite", "po-prod")
    assert options.backup_run(params()).offsite is None
    with pytest.raises(SwitchyardError, match="pre_hooks, post_hooks: a command is empty"):
        options.backup_run(params(pre_hooks=[[]]))
