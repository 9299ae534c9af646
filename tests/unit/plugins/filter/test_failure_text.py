from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.failure_text import FilterModule, failure_text


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


def test_it_is_a_filter() -> None:
    assert FilterModule().filters()["failure_text"] is failure_text
