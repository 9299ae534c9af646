from __future__ import annotations

import typing as t

from fakes_postgres import manifest

from ansible_collections.switchyard.stacks.plugins.filter.backup_summary import FilterModule, backup_summary
from ansible_collections.switchyard.stacks.plugins.module_utils import state_file

NAME = "20260101T000000Z-0001"


def summary(*name: str, **changes: t.Any) -> dict[str, t.Any]:
    """Return a backup as a module returns it."""
    result: dict[str, t.Any] = state_file.as_json(manifest(*name, **changes).summary())
    return result


def made(**changes: t.Any) -> dict[str, t.Any]:
    plain = {"name": NAME, "copied_offsite": False, "removed": [], "seconds": {"dump": 0.52, "verify": 2.2}}
    return {"item": {"stack": "shop"}, **plain, "backup": summary(state="restored"), **changes}


def test_a_line_for_each() -> None:
    plan = {"format": "custom", "compression": "zstd:3", "verify": "restore"}
    lines = backup_summary(
        [
            made(),
            made(copied_offsite=True, removed=["old"], seconds={"dump": 1.0}, backup=summary()),
            made(backup=None, plan=plan),
            {"item": {"stack": "blog"}, "failed": True, "msg": "Make room."},
        ],
        "prod",
        "item",
    )
    assert lines == [
        f"shop (prod): {NAME}, 4 B, 3 rows, verified by a restore; dumped in 0.5 s, verified in 2.2 s",
        f"shop (prod): {NAME}, 4 B, 3 rows, not verified, copied off-site; dumped in 1.0 s; removed old",
        f"shop (prod): {NAME} would be made: custom, zstd:3, verify: restore",
        "blog (prod): FAILED. The message is above",
    ]
    assert FilterModule().filters()["backup_summary"] is backup_summary
