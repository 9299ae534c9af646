from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.filter.release_summary import FilterModule, release_summary

LIVE = {"number": 2, "version": "1.0.0", "since": 1_796_000_000.0, "holder": "root@vm (process 7)"}
PLAN: dict[str, t.Any] = {"stack": "shop", "live": "blue", "live_release": LIVE}
PREPARED = {"release": 3, "version": "2.0.0", "image_seconds": 2.0, "dropped_requests": 0}
SWITCHED = {"color_after": "green", "gate_seconds": 1.204, "switch_seconds": 0.021, "release_seconds": 0.0}
FINISHED = {"release_seconds": 26.14, "dropped_requests": 0}
BACK = "ansible-playbook rollback.yml -i inventories/prod"


def test_a_release_has_its_versions_its_steps_and_the_command_back() -> None:
    started = {
        "jobs": [{"seconds": 3.1}, {"seconds": 1.0}],
        "migration": {"pending": True, "backup": "20261129T120000Z-0001"},
    }
    steps = {"prepared": PREPARED, "started": started, "switched": SWITCHED, "finished": FINISHED}
    assert release_summary(PLAN, "prod", steps, BACK) == [
        "shop (prod)  1.0.0 -> 2.0.0   release 3, green, 26.1 s",
        "  images 2.0 s · jobs 4.1 s · migrated, backup 20261129T120000Z-0001 · gates 1.2 s · switch 0.02 s",
        f"  back to 1.0.0: {BACK}",
    ]
    assert FilterModule().filters()["release_summary"] is release_summary


def test_steps_that_did_not_run_are_left_out() -> None:
    first = {**PLAN, "live": None, "live_release": None}
    prepared = {**PREPARED, "image_seconds": 0.0}
    steps = {"prepared": prepared, "switched": {**SWITCHED, "release_seconds": 4.0, "dropped_requests": 2}}
    assert release_summary(first, "prod", steps, BACK) == [
        "shop (prod)  2.0.0   release 3, green, 4.0 s",
        "  gates 1.2 s · switch 0.02 s",
        "  2 connections did not end in time and were closed",
    ]


def test_a_stack_with_nothing_to_do_says_since_when_it_is_live() -> None:
    assert release_summary(PLAN, "prod") == [
        "shop (prod)  1.0.0 is live since 2026-11-30 00:53 UTC (release 2, by root@vm): nothing to do"
    ]
    assert release_summary({**PLAN, "live_release": None}, "prod") == ["shop (prod)  blue is live: nothing to do"]
    assert release_summary({**PLAN, "live": None, "live_release": None}, "prod") == ["shop (prod)  nothing to do"]
