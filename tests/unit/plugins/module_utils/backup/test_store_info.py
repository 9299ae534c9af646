from __future__ import annotations

from pathlib import Path

from fakes_postgres import add_backup, backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import store_info
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.store import BackupStore

ODD = 'Über/.."x.partial'


def test_each_database_of_an_accessory_has_a_store_of_its_own(tmp_path: Path) -> None:
    stack = backup_store(tmp_path)
    add_backup(stack)
    own = BackupStore(tmp_path, "po", "prod", "shop", ("db", ODD))
    add_backup(own, "20260102T000000Z-0001", source="db@x", dedicated=True)
    assert own.folder.parent == stack.folder / ".accessories"
    assert [backup.name for backup in store_info.info(stack, "shop", None).backups] == ["20260101T000000Z-0001"]
    found = store_info.of_accessories(stack, "shop", None)
    assert [(one.accessory, one.database, len(one.backups)) for one in found] == [("db", ODD, 1)]
    # A folder below is not a leftover of an interrupted run, also of a database with such a name.
    stack.remove_partials()
    assert own.names() == ["20260102T000000Z-0001"]


def test_a_new_store_is_closed_to_others_up_to_the_root(tmp_path: Path) -> None:
    own = BackupStore(tmp_path, "po", "prod", "shop", ("db", "app"))
    with own.locked():
        folders = [own.folder, *list(own.folder.parents)[:4]]
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700] * 5
    assert folders[-1] == tmp_path / "backups"
