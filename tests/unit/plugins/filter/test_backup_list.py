from __future__ import annotations

import typing as t

import pytest
from fakes_postgres import manifest

from ansible_collections.switchyard.stacks.plugins.filter.backup_list import FilterModule, age, backup_list, size

NOW = 1001.0 + 3 * 3600
COMMAND = "ansible-playbook restore.yml -i prod"


def told(**changes: t.Any) -> dict[str, t.Any]:
    return {"stack": "shop", "backups": [], "folder": "/b", "last": None, "restoring": None, "fence": None, **changes}


def test_each_backup_is_a_line_and_what_to_type_is_the_last() -> None:
    broken = {"name": "20260103T000000Z-0003", "state": "broken", "problems": ["manifest.json: it is missing."]}
    backups = [
        broken,
        manifest("20260102T000000Z-0002", state="restored", release=12).summary(),
        manifest(state="read").summary(),
    ]
    last = {"ok": True, "by": "timer", "finished": NOW - 60, "error": None}
    assert backup_list([told(backups=backups, last=last)], "prod", COMMAND, several=False, now=NOW) == [
        "shop (prod): 3 backups in /b",
        "  NAME                   AGE  SIZE  ROWS  RELEASE  STATE",
        "  20260103T000000Z-0003                            broken: manifest.json: it is missing.",
        "  20260102T000000Z-0002  3 h  4 B   3     12       restored elsewhere and compared",
        "  20260101T000000Z-0001  3 h  4 B   3     -        read to its end",
        "  The last run, by timer 60 s ago: well",
        # The newest that can be used
        f"  To go back to one, type: {COMMAND} -e backup=20260102T000000Z-0002",
    ]
    assert FilterModule().filters()["backup_list"] is backup_list


def test_what_was_not_brought_to_an_end_is_told() -> None:
    last = {"ok": False, "by": "timer", "finished": NOW, "error": "No space left on device."}
    lines = backup_list([told(last=last, restoring="x", fence={"id": "1"})], "prod", COMMAND, several=True, now=NOW)
    assert "FAILED: No space left on device." in lines[1]
    assert "was killed" in lines[2]
    assert "A fence stands" in lines[3]
    assert lines[-1] == "  To make one, type: ansible-playbook backup.yml -i prod -e stack=shop"


def test_a_copy_that_is_not_here_can_be_fetched() -> None:
    lines = backup_list([told(copies=["20260101T000000Z-0001"])], "prod", COMMAND, several=True)
    assert lines[-1].endswith("-e stack=shop -e backup=20260101T000000Z-0001 -e copy=true")


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0 s"), (119, "119 s"), (7199, "119 min"), (7200, "2 h"), (10**6, "11 days")]
)
def test_age(seconds: float, said: str) -> None:
    assert age(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 B"), (21561, "21.1 KiB"), (5 << 30, "5.0 GiB"), (3 << 40, "3.0 TiB")]
)
def test_size(number: float, said: str) -> None:
    assert size(number) == said
