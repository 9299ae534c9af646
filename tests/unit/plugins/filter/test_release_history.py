from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.filter.release_history import FilterModule, release_history


def release(number: int, **changes: t.Any) -> dict[str, t.Any]:
    return {
        "number": number,
        "state": "live",
        "color": "green",
        "started": 1_796_000_000.0,
        "finished": 1_796_000_026.0,
        "previous": number - 1 or None,
        "lock_holder": "root@vm (process 7)",
        "images": {"reg:5000/shop/web:2.0.0": "reg:5000/shop/web@sha256:1"},
        "backup": None,
        "reason": None,
        "allow": {},
        "proven": False,
        **changes,
    }


def test_each_release_is_a_line() -> None:
    history = [
        release(2),
        release(1, state="failed", finished=None, reason="The health gate failed.\nLast lines of web:"),
    ]
    assert release_history(history) == [
        "RELEASE  STATE   COLOR  BEGAN (UTC)          TOOK  BY       IMAGES     BACKUP  REASON",
        "2        live    green  2026-11-30 00:53:20  26 s  root@vm  web:2.0.0  -",
        "1        failed  green  2026-11-30 00:53:20  -     root@vm  web:2.0.0  -       The health gate failed.",
    ]
    assert FilterModule().filters()["release_history"] is release_history


def test_one_release_has_all_of_it() -> None:
    history = [release(2, backup="20261130T000000Z-0001", allow={"web": ["docker_socket"]}, reason="a\nb"), release(1)]
    assert release_history(history, 2) == [
        "release 2: live, green",
        "began 2026-11-30 00:53:20 UTC, took 26 s, by root@vm (process 7)",
        "release that was live before: 1",
        "backup from before its migration: 20261130T000000Z-0001",
        "image reg:5000/shop/web:2.0.0: reg:5000/shop/web@sha256:1",
        "allowed for web: docker_socket",
        "reason: a\nb",
    ]


def test_a_proven_release_says_so() -> None:
    assert release_history([release(2, proven=True)], 2)[0] == "release 2: live, proven, green"


def test_an_unknown_release_names_the_known_ones() -> None:
    assert release_history([release(2), release(1)], 9) == ["There is no record of release 9. The releases are: 2, 1."]
    assert release_history([]) == ["There are no releases."]
