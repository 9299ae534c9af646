from __future__ import annotations

import typing as t

from fakes_postgres import manifest

from ansible_collections.switchyard.stacks.plugins.filter.backup_list import FilterModule, backup_list
from ansible_collections.switchyard.stacks.plugins.module_utils import state_file

NOW = 1001.0 + 3 * 3600
COMMAND = "ansible-playbook restore.yml -i prod"
INFO: dict[str, t.Any] = {
    "stack": "shop",
    "folder": "/b",
    "last_run": None,
    "interrupted_restore": None,
    "lockout": None,
}


def summary(*name: str, **changes: t.Any) -> dict[str, t.Any]:
    """Return a backup as a module returns it."""
    result: dict[str, t.Any] = state_file.as_json(manifest(*name, **changes).summary())
    return result


def reported(**changes: t.Any) -> dict[str, t.Any]:
    return {**INFO, "backups": [], **changes}


def test_each_backup_is_a_line_and_what_to_type_is_the_last() -> None:
    broken = {"name": "20260103T000000Z-0003", "state": "broken", "problems": ["manifest.json: it is missing."]}
    backups = [
        broken,
        summary("20260102T000000Z-0002", state="restored", release=12),
        summary(state="read"),
    ]
    last = {"ok": True, "started_by": "timer", "finished": NOW - 60, "error": None}
    assert backup_list([reported(backups=backups, last_run=last)], "prod", COMMAND, several=False, now=NOW) == [
        "shop (prod): 3 backups in /b",
        "  NAME                   AGE  SIZE  ROWS  RELEASE  STATE",
        "  20260103T000000Z-0003                            broken: manifest.json: it is missing.",
        "  20260102T000000Z-0002  3 h  4 B   3     12       verified by a restore",
        "  20260101T000000Z-0001  3 h  4 B   3     -        read completely, not verified by a restore",
        "  Last run, by timer 60 s ago: succeeded",
        # The newest that can be used
        f"  To restore one, type: {COMMAND} -e backup=20260102T000000Z-0002",
    ]
    assert FilterModule().filters()["backup_list"] is backup_list


def test_what_was_interrupted_is_reported() -> None:
    last = {"ok": False, "started_by": "timer", "finished": NOW, "error": "No space left on device."}
    lines = backup_list(
        [reported(last_run=last, interrupted_restore="x", lockout={"id": "1"})], "prod", COMMAND, several=True, now=NOW
    )
    assert "FAILED: No space left on device." in lines[1]
    assert "was interrupted" in lines[2]
    assert "A lockout is active" in lines[3]
    assert lines[-1] == "  To make one, type: ansible-playbook backup.yml -i prod -e stack=shop"


def test_a_copy_that_is_not_here_can_be_fetched() -> None:
    lines = backup_list([reported(offsite=["20260101T000000Z-0001"])], "prod", COMMAND, several=True)
    assert lines[-1].endswith("-e stack=shop -e backup=20260101T000000Z-0001 -e offsite=true")


def test_databases_of_accessories_and_volumes_have_their_own_commands() -> None:
    plain = {**INFO, "backups": []}
    own = {**plain, "backups": [summary(state="restored")], "accessory": "db", "database": "it's"}
    volume = {**plain, "backups": [{**summary(state="read"), "volume": "uploads"}], "volume": "uploads"}
    lines = backup_list([{**plain, "accessories": [own], "volumes": [volume]}], "prod", COMMAND, several=True, now=NOW)
    assert lines[0] == "shop, it's in db (prod): 1 backup in /b"
    command = f"  To restore one, type: {COMMAND} -e stack=shop"
    assert lines[3] == f"{command} -e accessory=db -e 'database=it'\"'\"'s' -e backup=20260101T000000Z-0001"
    assert lines[4] == "shop, volume uploads (prod): 1 backup in /b"
    assert lines[6].endswith("read back and compared")
    assert lines[7] == f"{command} -e volume=uploads -e backup=20260101T000000Z-0001"
