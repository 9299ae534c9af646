from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.release.source_tree import SourceTree

TREE = SourceTree({"conf": "d", "conf/a.ini": "f1", "conf/run.sh": "x2", "conf/link": "la.ini", "motd": "f1"})


def test_paths_and_what_is_below_them() -> None:
    assert [name for name in ("", "conf", "conf/a.ini", "con", "other") if TREE.exists(name)] == [
        "",
        "conf",
        "conf/a.ini",
    ]
    assert [name for name in ("conf", "conf/run.sh", "conf/link", "") if TREE.is_file(name)] == ["conf/run.sh"]
    assert TREE.below("conf") == {"a.ini": "f1", "run.sh": "x2", "link": "la.ini"}
    assert TREE.below("motd") == {"": "f1"}
    assert TREE.below("") == TREE.entries


def test_content_mode_and_names_are_in_the_digest() -> None:
    def digest(**entries: str) -> str:
        return SourceTree({f"conf/{name}": entry for name, entry in entries.items()}).digest("conf")

    changed = [digest(a="f1"), digest(a="f2"), digest(a="x1"), digest(b="f1"), digest(a="l1"), digest(a="f1", b="d")]
    assert len(set(changed)) == len(changed)
    assert digest(a="f1") == digest(a="f1")


def test_only_files_have_content_to_send() -> None:
    assert TREE.blobs("conf") == {"f1", "x2"}
    assert TREE.blobs("motd") == {"f1"}
