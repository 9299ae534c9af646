from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.volume_backups import FilterModule, volume_backups


def test_each_volume_is_one_backup_and_no_secret_of_its_stack_is_in_it() -> None:
    volumes = [{"volume": "uploads"}, {"volume": "queue", "service": "mq", "before": ["a"], "after": ["b"]}]
    stacks = [{"name": "shop", "backup_volumes": volumes, "secrets": {"token": "marker"}}, {"name": "blog"}]
    assert volume_backups(stacks) == [{"stack": "shop", **volume} for volume in volumes]
    assert FilterModule().filters()["volume_backups"] is volume_backups
