from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from fakes_postgres import manifest

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file, module_args
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import offsite_restic, options, timer_main
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import run as backup_run
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.create import BackupResult
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError


def parameters(root: Path, *stacks: str) -> dict[str, t.Any]:
    spec = {**module_args.STACK_OPTIONS, **options.SERVER_OPTIONS, **options.BACKUP_OPTIONS, **options.RUN_OPTIONS}
    plain = {key: one.get("default") for key, one in spec.items()}
    ctx = {"root": str(root), "project": "po", "environment": "prod"}
    return {**ctx, "check_subset_count": 4, "backups": [{**plain, **ctx, "stack": name} for name in stacks]}


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., tuple[int, list[str]]]:
    """Start the program as a timer would; a stack called ``bad`` fails."""

    def run(engine: t.Any, where: t.Any, wanted: t.Any, what: backup_run.BackupRun) -> BackupResult:
        assert what.started_by == "timer"
        if wanted.stack == "bad":
            raise SwitchyardError("No space left on device. Make room.")
        made = replace(manifest(state="restored").summary(), bytes=21, rows=3)
        return BackupResult(True, f"backup-of-{wanted.database}", {}, [], None, made, copied_offsite=False)

    monkeypatch.setattr(backup_run, "run_backup", run)
    monkeypatch.setattr(timer_main, "Engine", lambda: None)

    def start(*stacks: str, words: t.Sequence[str] = ()) -> tuple[int, list[str]]:
        said: list[str] = []
        atomic_file.write_json(tmp_path / timer_main.PARAMETERS, parameters(tmp_path, *stacks))
        return timer_main.main(
            [str(tmp_path / "backup.pyz"), *words],
            lambda params: [],
            lambda params, engine: [dict(params)],
            said.append,
        ), said

    return start


def test_every_stack_is_backed_up_although_one_fails(started: t.Callable[..., t.Any]) -> None:
    code, said = started("bad", "shop")
    assert code == 1
    assert said[0] == "bad: FAILED: No space left on device. Make room."
    assert said[1].startswith("shop: backup-of-shop_prod: restored, 21 bytes, 3 rows")
    assert started("shop")[0] == 0


def test_a_check_says_what_it_came_to(
    started: t.Callable[..., t.Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(
        offsite_restic.OffsiteRepository, "check", lambda self, part, parts: asked.append((part, parts))
    )
    folder = offsite_restic.repository_folder(tmp_path, "po", "prod")
    folder.mkdir(parents=True)
    code, said = started(words=["check"])
    assert (code, asked[0][1], "The off-site copies are intact" in said[0]) == (0, 4, True)
    assert atomic_file.read_json(folder / timer_main.LAST_CHECK)["ok"]

    def broken(self: offsite_restic.OffsiteRepository, part: int, parts: int) -> None:
        raise SwitchyardError("restic check ended with exit code 1: ciphertext verification failed")

    monkeypatch.setattr(offsite_restic.OffsiteRepository, "check", broken)
    code, said = started(words=["check"])
    assert (code, "ciphertext" in said[0]) == (1, True)
    assert not atomic_file.read_json(folder / timer_main.LAST_CHECK)["ok"]


def test_other_words_are_refused(started: t.Callable[..., t.Any], tmp_path: Path) -> None:
    assert started("shop", words=["restore"])[0] == 2
    (tmp_path / timer_main.PARAMETERS).unlink()
    said: list[str] = []
    assert (
        timer_main.main(
            [str(tmp_path / "backup.pyz")], lambda params: [], lambda params, engine: [dict(params)], said.append
        )
        == 2
    )
    assert "usage" in said[0]
