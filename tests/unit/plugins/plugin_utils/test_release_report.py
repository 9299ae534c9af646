from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.plugin_utils.release_report import (
    failure_message,
    failure_text,
    summary,
    unchanged_line,
)

LIVE = {"number": 2, "version": "1.0.0", "since": 1_796_000_000.0, "holder": "root@vm (process 7)"}
RESULT: dict[str, t.Any] = {
    "plan": {"stack": "shop", "live": "blue", "live_release": LIVE},
    "recovery_action": None,
    "release": 3,
    "version": "2.0.0",
    "color": "green",
    "paused": False,
    "percent": 0,
    "jobs": [{"seconds": 3.1}, {"seconds": 1.0}],
    "migration": {"pending": True, "backup": "20261129T120000Z-0001"},
    "image_seconds": 2.0,
    "gate_seconds": 1.204,
    "switch_seconds": 0.021,
    "release_seconds": 26.14,
    "dropped_requests": 0,
}
FAILED: dict[str, t.Any] = {
    "msg": "The smoke gate failed.",
    "release": 3,
    "live": "blue",
    "live_before": "blue",
    "traffic_reverted": False,
    "database": None,
}
BACK = "ansible-playbook rollback.yml -i inventories/prod"


def test_a_release_has_its_versions_its_steps_and_the_command_back() -> None:
    assert summary(RESULT, "shop", "prod", BACK) == [
        "shop (prod)  1.0.0 -> 2.0.0   release 3, green, 26.1 s",
        "  images 2.0 s · jobs 4.1 s · migrated, backup 20261129T120000Z-0001 · gates 1.2 s · switch 0.02 s",
        f"  back to 1.0.0: {BACK}",
    ]


def test_what_the_watch_gate_found_is_said() -> None:
    message = "green: 0.0% of 430 requests failed, p99 12 ms; and so on."
    watched = {"outcome": "good", "seconds": 60.2, "message": message}
    assert summary({**RESULT, "watched": watched}, "shop", "prod")[2] == f"  proven in 60 s: {message}"
    few = {"outcome": "no_data", "seconds": 60.2, "message": "3 requests in 60 s say nothing."}
    assert summary({**RESULT, "watched": few}, "shop", "prod")[2] == "  3 requests in 60 s say nothing."
    (line,) = summary({**RESULT, "paused": True, "percent": 5, "watched": few}, "shop", "prod")
    assert "5 % of the clients and is paused. 3 requests in 60 s say nothing. Continue with promote.yml" in line


def test_steps_that_did_not_run_are_left_out() -> None:
    first = {**RESULT, "plan": {"live_release": None}, "image_seconds": 0.0, "jobs": [], "migration": None}
    assert summary({**first, "dropped_requests": 2}, "shop", "prod", BACK) == [
        "shop (prod)  2.0.0   release 3, green, 26.1 s",
        "  gates 1.2 s · switch 0.02 s",
        "  2 connections did not end in time and were closed",
    ]


def test_a_paused_canary_says_how_to_continue() -> None:
    (line,) = summary({**RESULT, "paused": True, "percent": 25}, "shop", "prod")
    assert line == (
        "shop (prod): release 3 has 25 % of the clients and is paused. Continue with promote.yml, or cancel it with"
        " rollback.yml."
    )


def test_what_was_recovered_and_cancelled_is_said() -> None:
    plan = {"stack": "shop", "live": "blue", "live_release": None}
    assert summary({"recovery_action": "it was undone", "plan": plan}, "shop", "prod") == [
        "shop (prod): it was undone.",
        "shop (prod)  blue is live: nothing to do",
    ]
    cancelled = {"canary_cancelled": True, "live": "blue"}
    assert summary(cancelled, "shop", "prod") == ["shop (prod): the canary is cancelled; blue is live."]


def first_line(**changes: t.Any) -> str:
    return failure_message({**FAILED, **changes}, "shop", "prod").splitlines()[0]


def test_a_failure_says_what_users_have_and_why() -> None:
    assert failure_message(FAILED, "shop", "prod").splitlines() == [
        "shop (prod), release 3: blue is live; the traffic never moved.",
        "The lock is released: fix the cause and deploy again.",
        "The cause: The smoke gate failed.",
    ]
    assert first_line(traffic_reverted=True).endswith("blue is live; the traffic was moved back.")
    # The watch gate moves it before anything is reverted.
    assert first_line(traffic_back=True).endswith("blue is live; the traffic was moved back.")
    assert first_line(live=None, live_before=None).endswith("no color is live; the traffic never moved.")
    assert first_line(live="green", database="it was restored").endswith(
        "green is live. The database: it was restored."
    )


def test_a_failure_before_the_release_began_is_its_cause() -> None:
    assert (
        failure_message({"msg": "shop is being released by bob."}, "shop", "prod") == "shop is being released by bob."
    )


def test_a_release_that_was_not_reverted_has_both_errors() -> None:
    failed = {"msg": "No space.", "release": 3, "revert_error": "the proxy is away", "live_before": "blue"}
    assert failure_message(failed, "shop", "prod").splitlines() == [
        "shop (prod), release 3: Reverting failed as well: the proxy is away",
        "The cause: No space.",
    ]


def test_a_message_has_logs_and_the_proxys_view_below_it() -> None:
    result = {
        "msg": "The health gate failed.",
        "logs": {"web": ["one", "two"], "api": []},
        "proxy": {"po.shop.prod_web_blue/web1": {"status": "DOWN", "in_flight": 0}},
    }
    assert failure_text(result).splitlines() == [
        "The health gate failed.",
        "Last lines of web:",
        "  one",
        "  two",
        "api wrote nothing.",
        "The proxy sees po.shop.prod_web_blue/web1: status DOWN, in_flight 0",
    ]


def test_a_result_of_another_collection_has_its_message_only() -> None:
    assert failure_text({"msg": "no such container", "logs": "x", "proxy": ["y"]}) == "no such container"
    assert failure_text({}) == "The task failed."


def test_a_stack_with_nothing_to_do_says_since_when_it_is_live() -> None:
    plan = {"stack": "shop", "live": "blue", "live_release": LIVE}
    assert unchanged_line(plan, "prod") == (
        "shop (prod)  1.0.0 is live since 2026-11-30 00:53 UTC (release 2, by root@vm): nothing to do"
    )
