from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.filter.backup_jobs import FilterModule, backup_jobs


def test_the_options_of_one_stack_win() -> None:
    jobs = backup_jobs(["shop", "blog"], [], {"keep": 7, "verify": "restore"}, {"blog": {"keep": 30, "host": "db"}})
    assert jobs == [
        {"stack": "shop", "keep": 7, "verify": "restore"},
        {"stack": "blog", "keep": 30, "verify": "restore", "host": "db"},
    ]
    assert [one["stack"] for one in backup_jobs(["shop", "blog"], ["blog"], {}, {})] == ["blog"]
    assert FilterModule().filters()["backup_jobs"] is backup_jobs


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        backup_jobs(["shop"], ["shpo"], {"keap": 7}, {"blog": {}, "shop": {"password": "marker", "backup": "latest"}})
    told = str(raised.value)
    for part in (
        "stack: there is no database of shpo. Write one of: shop",
        "backup_stack_options: there is no database of blog",
        "backup_options: keap is no option of a backup. Write one of: compare, compression,",
        "backup_stack_options.shop: password is no option of a backup. Write it in backup_passwords.",
        "backup_stack_options.shop: backup is no option",
    ):
        assert part in told
    assert "marker" not in told
