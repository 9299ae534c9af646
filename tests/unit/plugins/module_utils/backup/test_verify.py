from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeEngine, container
from fakes_postgres import manifest, shelf, stored, wanted

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import checksums, scratch_server, verify
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import manifest as backup_manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.target import Target

ENGINE = t.cast("t.Any", FakeEngine(images=["pg"]))
SAME: dict[str, t.Any] = {
    "tables": {"public.a": {"rows": 3, "content": "77"}},
    "sequences": {"public.a_id_seq": 5},
    "extensions": [],
    "large_objects": 0,
    "answer": None,
}


def test_what_was_restored_as_it_was_has_no_differences() -> None:
    assert verify.differences(manifest(), SAME) == []


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ({"tables": {}}, "the table public.a is missing"),
        ({"tables": {**SAME["tables"], "b": {}}}, "the table b was not there"),
        ({"tables": {"public.a": {"rows": 2, "content": "77"}}}, "public.a has 2 rows, and had 3"),
        ({"tables": {"public.a": {"rows": 3, "content": "78"}}}, "3 rows, but not the ones that it had"),
        ({"sequences": {"public.a_id_seq": 7}}, "goes on with 7, not with 4 to 6"),
        ({"sequences": {"public.a_id_seq": 3}}, "goes on with 3, not with 4 to 6"),
        ({"sequences": {}}, "the sequence public.a_id_seq is missing"),
        ({"extensions": [{"name": "x", "version": "1"}]}, "the extensions are {'x': '1'}, and were {}"),
        ({"large_objects": 1}, "there are 1 large objects, and were 0"),
        ({"answer": "0002"}, "answers '0002', and answered None"),
    ],
)
def test_each_difference_is_told(found: dict[str, t.Any], what: str) -> None:
    assert what in " ".join(verify.differences(manifest(), {**SAME, **found}))


def test_a_sequence_that_was_set_back_meanwhile_says_nothing() -> None:
    assert verify.differences(manifest(sequences={"public.a_id_seq": [9, 2]}), SAME) == []


def test_files_are_what_they_were(tmp_path: Path) -> None:
    where = shelf(tmp_path)
    made = stored(where)
    checksums.check_files(where.folder / made.name, made)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"dum", "dump has 3 bytes, and had 4"),
        (b"dumq", "dump has another SHA-256 than when it was made"),
        (None, "dump is missing"),
    ],
)
def test_files_that_are_not_are_told(tmp_path: Path, content: bytes | None, what: str) -> None:
    where = shelf(tmp_path)
    made = stored(where)
    path = where.folder / made.name / "dump"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(verify.VerificationFailed, match=what):
        checksums.check_files(where.folder / made.name, made)


def test_a_backup_that_was_read_is_read_from_then_on(
    tmp_path: Path, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("")
    where = shelf(tmp_path)
    made = stored(where, server={**manifest().server, "image": "pg"})
    proved = verify.verify(ENGINE, where, made, wanted(), "read")
    assert proved.state == "read"
    assert backup_manifest.read(where.folder / made.name) == proved
    assert "--network none" in notes()[0]
    assert "pg_restore --verbose --file=/dev/null /backup/dump" in notes()[1]


def test_what_was_changed_is_given_to_no_program(
    tmp_path: Path, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("")
    where = shelf(tmp_path)
    made = stored(where, state="restored", server={**manifest().server, "image": "pg"})
    (where.folder / made.name / "dump").write_bytes(b"dumq")
    with pytest.raises(verify.VerificationFailed):
        verify.verify(ENGINE, where, made, wanted(), "read")
    assert notes() == []
    # What it once was it is no more.
    assert where.need(made.name).state == "dumped"


def test_a_throwaway_server_is_closed_in_and_gone_also_when_it_fails(
    tmp_path: Path, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker('case "$*" in *initdb*) echo "no initdb" >&2; exit 1;; esac')
    where = shelf(tmp_path)
    made = stored(where, server={**manifest().server, "image": "pg", "preload": "pg_stat_statements"})
    asked = wanted(scratch="disk")
    with pytest.raises(SwitchyardError, match="no initdb"):
        verify.verify(ENGINE, where, made, asked, "restore")
    run, start, remove = notes()
    assert "--network none" in run
    assert "target=/backup,readonly" in run
    assert "target=/scratch" in run
    assert "-c shared_preload_libraries='pg_stat_statements'" in start
    assert "--user postgres" in start
    assert remove == "rm --force --volumes -- po_shop_prod_verify-1"
    assert where.partials() == []
    assert where.need(made.name).state == "dumped"


@pytest.mark.parametrize(
    ("needed", "available", "asked", "memory"),
    [(1, 2, "auto", True), (1, 1, "auto", False), (9, 1, "memory", True), (1, 9, "disk", False)],
)
def test_where_the_copy_goes(needed: int, available: int, asked: str, memory: bool) -> None:
    assert scratch_server.in_memory(needed, available, asked) is memory


def test_a_copy_that_fits_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_server, "_available_memory", lambda: 0)
    monkeypatch.setattr(scratch_server, "free_bytes", lambda folder: 0)
    for scratch, what in (("memory", "Write scratch: disk"), ("auto", "write verify: read")):
        with pytest.raises(SwitchyardError, match=what), contextlib.ExitStack() as stack:
            scratch_server._scratch_location(stack, shelf(tmp_path), manifest(), scratch)


def test_the_image_of_the_backup_or_else_the_server_s() -> None:
    server = container("po-postgres", image="sha256:new")
    engine = t.cast("t.Any", FakeEngine(server, images=["pg", "given"]))
    made = manifest(server={**manifest().server, "image": "pg"})
    gone = manifest(server={**manifest().server, "image": "sha256:gone"})
    target = Target(container="po-postgres")
    assert scratch_server.image_for(engine, made, target) == "sha256:pg"
    assert scratch_server.image_for(engine, gone, target) == "sha256:new"
    assert scratch_server.image_for(engine, gone, Target(host="db", image="given")) == "sha256:given"
    with pytest.raises(SwitchyardError, match="is gone"):
        scratch_server.image_for(engine, gone, Target(host="db", image="other"))
