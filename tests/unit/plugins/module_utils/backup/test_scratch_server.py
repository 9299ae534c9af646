from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeEngine, container
from fakes_postgres import add_backup, backup_request, backup_store, manifest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import scratch_server, verify
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.target import Target

ENGINE = t.cast("t.Any", FakeEngine(images=["pg"]))


def test_a_throwaway_server_is_closed_in_and_gone_also_when_it_fails(
    tmp_path: Path, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker('case "$*" in *initdb*) echo "no initdb" >&2; exit 1;; esac')
    store = backup_store(tmp_path)
    made = add_backup(store, server={**manifest().server, "image": "pg", "preload": "pg_stat_statements"})
    asked = backup_request(scratch="disk")
    with pytest.raises(SwitchyardError, match="no initdb"):
        verify.verify(ENGINE, store, made, asked, "restore")
    run, start, remove = notes()
    assert "--network none" in run
    assert "target=/backup,readonly" in run
    assert "target=/scratch" in run
    assert "-c shared_preload_libraries='pg_stat_statements'" in start
    assert "--user postgres" in start
    assert remove == "rm --force --volumes -- po_shop_prod_verify-1"
    assert store.partials() == []
    assert store.get(made.name).state == "dumped"


@pytest.mark.parametrize(
    ("needed", "available", "asked", "memory"),
    [(1, 2, "auto", True), (1, 1, "auto", False), (9, 1, "memory", True), (1, 9, "disk", False)],
)
def test_where_the_copy_is_written(needed: int, available: int, asked: str, memory: bool) -> None:
    assert scratch_server.in_memory(needed, available, asked) is memory


def test_a_copy_that_fits_nowhere_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_server, "_available_memory", lambda: 0)
    monkeypatch.setattr(scratch_server, "free_bytes", lambda folder: 0)
    for scratch, what in (("memory", "Use scratch: disk"), ("auto", "use verify: read")):
        with pytest.raises(SwitchyardError, match=what), contextlib.ExitStack() as stack:
            scratch_server._scratch_location(stack, backup_store(tmp_path), manifest(), scratch)


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
