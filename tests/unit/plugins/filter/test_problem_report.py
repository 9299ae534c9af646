from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.problem_report import FilterModule

INVENTORY = {
    "where": "switchyard_stacks[shop].rotes",
    "message": "unknown key",
    "hint": "Did you mean 'routes'?",
    "code": "inventory.key_unknown",
}
DISK = {"where": "server", "message": "/ has 0.1 GiB free", "hint": "Make room", "code": "server.disk_space"}


def test_a_problem_that_servers_share_is_listed_once_and_one_of_a_server_names_it() -> None:
    text = FilterModule().filters()["problem_report"]({"app1": [INVENTORY, DISK], "app2": [INVENTORY, DISK]})
    assert text.splitlines() == [
        "Nothing was changed. These problems prevent it (3):",
        "  1. switchyard_stacks[shop].rotes: unknown key. Did you mean 'routes'?",
        "  2. app1, server: / has 0.1 GiB free. Make room.",
        "  3. app2, server: / has 0.1 GiB free. Make room.",
    ]
