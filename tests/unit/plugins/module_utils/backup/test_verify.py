from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeEngine
from fakes_postgres import add_backup, backup_request, backup_store, manifest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import manifest as backup_manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import verify

ENGINE = t.cast("t.Any", FakeEngine(images=["pg"]))


SAME: dict[str, t.Any] = {
    "tables": {"public.a": {"rows": 3, "content": "77"}},
    "sequences": {"public.a_id_seq": 5},
    "extensions": [],
    "large_objects": 0,
    "schema_version": None,
}


def test_what_was_restored_as_it_was_has_no_differences() -> None:
    assert verify.differences(manifest(), SAME) == []


@pytest.mark.parametrize(
    ("facts", "what"),
    [
        ({"tables": {}}, "the table public.a is missing"),
        ({"tables": {**SAME["tables"], "b": {}}}, "the table b is not in the manifest"),
        ({"tables": {"public.a": {"rows": 2, "content": "77"}}}, "public.a has 2 rows, and had 3"),
        ({"tables": {"public.a": {"rows": 3, "content": "78"}}}, "3 rows, but with other content"),
        ({"sequences": {"public.a_id_seq": 7}}, "continues with 7, not with 4 to 6"),
        ({"sequences": {"public.a_id_seq": 3}}, "continues with 3, not with 4 to 6"),
        ({"sequences": {}}, "the sequence public.a_id_seq is missing"),
        ({"extensions": [{"name": "x", "version": "1"}]}, "the extensions are {'x': '1'}, and were {}"),
        ({"large_objects": 1}, "there are 1 large objects, and were 0"),
        ({"schema_version": "0002"}, "answers '0002', and answered None"),
    ],
)
def test_each_difference_is_reported(facts: dict[str, t.Any], what: str) -> None:
    assert what in " ".join(verify.differences(manifest(), {**SAME, **facts}))


def test_a_sequence_that_was_set_back_in_between_is_not_a_difference() -> None:
    assert verify.differences(manifest(sequences={"public.a_id_seq": [9, 2]}), SAME) == []


def test_a_backup_that_was_read_is_read_from_then_on(
    tmp_path: Path, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("")
    store = backup_store(tmp_path)
    made = add_backup(store, server={**manifest().server, "image": "pg"})
    verified = verify.verify(ENGINE, store, made, backup_request(), "read")
    assert verified.state == "read"
    assert backup_manifest.read(store.folder / made.name) == verified
    assert "--network none" in notes()[0]
    assert "pg_restore --verbose --file=/dev/null /backup/dump" in notes()[1]


def test_what_was_changed_is_given_to_no_program(
    tmp_path: Path, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("")
    store = backup_store(tmp_path)
    made = add_backup(store, state="restored", server={**manifest().server, "image": "pg"})
    (store.folder / made.name / "dump").write_bytes(b"dumq")
    with pytest.raises(verify.VerificationFailed):
        verify.verify(ENGINE, store, made, backup_request(), "read")
    assert notes() == []
    # What it once was it is no more.
    assert store.get(made.name).state == "dumped"
