from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.filter.stack_backups import FilterModule, stack_backups


def test_the_options_of_one_stack_win() -> None:
    jobs = stack_backups(["shop", "blog"], [], {"keep": 7, "verify": "restore"}, {"blog": {"keep": 30, "host": "db"}})
    assert jobs == [
        {"stack": "shop", "keep": 7, "verify": "restore"},
        {"stack": "blog", "keep": 30, "verify": "restore", "host": "db"},
    ]
    assert [one["stack"] for one in stack_backups(["shop", "blog"], ["blog"], {}, {})] == ["blog"]
    assert FilterModule().filters()["stack_backups"] is stack_backups


def test_everything_wrong_is_reported_at_once() -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        stack_backups(["shop"], ["shpo"], {"keap": 7}, {"blog": {}, "shop": {"password": "marker", "backup": "latest"}})
    reported = str(raised.value)
    for part in (
        "stack: the stack shpo has no database. Use one of: shop",
        "backup_stack_options: the stack blog has no database",
        "backup_options: keap is not an option of a backup. Use one of: compression, container,",
        "backup_stack_options.shop: password is not an option of a backup. Set it in backup_passwords.",
        "backup_stack_options.shop: backup is not an option",
    ):
        assert part in reported
    assert "marker" not in reported


def test_an_accessory_is_one_entry_until_its_databases_are_known() -> None:
    common = {"keep": 7, "host": "db.example.org"}
    jobs = stack_backups(["shop"], [], common, {"blog": {"keep": 3}}, ["blog", "shop"])
    assert jobs == [
        {"stack": "shop", **common},
        {"stack": "blog", "accessory": "*", "keep": 3},
        {"stack": "shop", "accessory": "*", "keep": 7},
    ]
    assert stack_backups([], ["wiki"], common, {}, [], ["wiki"]) == []
    found = [{"stack": "blog", "accessory": "db", "database": "app"}]
    assert stack_backups([], ["blog"], common, {}, ["blog"], [], found) == [{**found[0], "keep": 7}]
