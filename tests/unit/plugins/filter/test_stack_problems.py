from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.stack_problems import FilterModule

stack_problems = FilterModule().filters()["stack_problems"]


def test_names_that_do_not_exist() -> None:
    assert stack_problems(["shop"], ["blog", "shop"]) == []
    assert stack_problems(["shpo"], ["blog", "shop"]) == [
        {
            "where": "-e stack",
            "message": "there is no stack shpo",
            "hint": "Did you mean 'shop'? Stacks are blog, shop",
            "code": "stack.unknown",
            "severity": "error",
        }
    ]
