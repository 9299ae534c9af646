from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.filter.unchanged_release import FilterModule, unchanged_release

LIVE = {"number": 2, "version": "1.0.0", "since": 1_796_000_000.0, "holder": "root@vm (process 7)"}
PLAN: dict[str, t.Any] = {"stack": "shop", "live": "blue", "live_release": LIVE}


def test_a_stack_with_nothing_to_do_says_since_when_it_is_live() -> None:
    assert unchanged_release(PLAN, "prod") == (
        "shop (prod)  1.0.0 is live since 2026-11-30 00:53 UTC (release 2, by root@vm): nothing to do"
    )
    assert unchanged_release({**PLAN, "live_release": None}, "prod") == "shop (prod)  blue is live: nothing to do"
    assert unchanged_release({**PLAN, "live": None, "live_release": None}, "prod") == "shop (prod)  nothing to do"
    assert FilterModule().filters()["unchanged_release"] is unchanged_release
