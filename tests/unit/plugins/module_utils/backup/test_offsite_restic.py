from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from fakes_postgres import add_backup, backup_store

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import offsite_restic
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.offsite_restic import OffsiteRepository
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.retention import RetentionPolicy
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

# A restic that keeps folders: init, cat, backup, snapshots, restore and forget, and notes its words and variables.
RESTIC = r"""#!/usr/bin/env python3
import json, os, pathlib, shutil, sys
words, home = sys.argv[1:], pathlib.Path(open(os.environ["RESTIC_REPOSITORY_FILE"]).read().strip())
with open(os.environ["NOTES"], "a") as notes:
    notes.write(json.dumps([words, {k: v for k, v in os.environ.items() if k.startswith(("RESTIC_", "AWS_"))}]) + "\n")
flag = lambda name: [words[i + 1] for i, word in enumerate(words) if word == name]
if words[0] == "init":
    home.mkdir()
elif not home.exists():
    sys.exit("Fatal: unable to open config file\nIs there a repository at the following location?")
elif (home / "broken").exists():
    sys.exit("Fatal: wrong password or no key found")
elif words[0] == "backup":
    name = words[-1]
    shutil.copytree(name, home / name)
    (home / (name + ".tags")).write_text(json.dumps(flag("--tag")))
elif words[0] == "snapshots":
    made = lambda path: str(path.stat().st_mtime_ns)
    found = [{"id": f"id-{p.stem}", "time": made(p), "tags": json.loads(p.read_text())} for p in home.glob("*.tags")]
    print(json.dumps([one for one in found if flag("--tag")[0] in one["tags"]]) if found else "null")
elif words[0] == "restore":
    shutil.copytree(home / words[2][3:], pathlib.Path(flag("--target")[0]) / words[2][3:])
elif words[0] == "forget":
    for one in words[3:]:
        (home / (one[3:] + ".tags")).unlink()
"""


@pytest.fixture
def offsite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OffsiteRepository:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "restic").write_text(RESTIC)
    (programs / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    folder = offsite_restic.repository_folder(tmp_path, "po", "prod")
    folder.mkdir(parents=True)
    (folder / offsite_restic.REPOSITORY).write_text(f"{tmp_path / 'far'}\n")
    (folder / offsite_restic.PASSWORD).write_text("marker-password\n")
    atomic_file.write_json(folder / offsite_restic.CREDENTIALS, {"AWS_SECRET_ACCESS_KEY": "marker-key"})
    return OffsiteRepository(folder, "po-prod")


def notes(tmp_path: Path) -> list[t.Any]:
    return [json.loads(line) for line in (tmp_path / "notes").read_text().splitlines()]


def test_a_repository_is_made_once(offsite: OffsiteRepository) -> None:
    assert offsite.ensure_initialised()
    assert not offsite.ensure_initialised()


def test_no_secret_is_an_argument(offsite: OffsiteRepository, tmp_path: Path) -> None:
    offsite.ensure_initialised()
    words, variables = notes(tmp_path)[-1]
    assert words == ["init"]
    assert variables["AWS_SECRET_ACCESS_KEY"] == "marker-key"
    assert "marker-password" not in json.dumps(notes(tmp_path))


def test_what_is_wrong_with_a_repository_is_reported_and_it_is_not_created_again(
    offsite: OffsiteRepository, tmp_path: Path
) -> None:
    offsite.ensure_initialised()
    (tmp_path / "far" / "broken").touch()
    with pytest.raises(SwitchyardError, match="restic cat ended with exit code 1: Fatal: wrong password"):
        offsite.ensure_initialised()


def test_a_repository_without_an_address(tmp_path: Path) -> None:
    with pytest.raises(SwitchyardError, match=r"No off-site repository is configured.*Run setup.yml"):
        OffsiteRepository(tmp_path / "nothing", "po-prod").ensure_initialised()


def test_there_is_not_a_restic(offsite: OffsiteRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(SwitchyardError, match="restic is not installed"):
        offsite.ensure_initialised()


def test_a_copy_is_fetched_as_it_was(offsite: OffsiteRepository, tmp_path: Path) -> None:
    offsite.ensure_initialised()
    store = backup_store(tmp_path)
    made = add_backup(store, state="restored")
    assert offsite.upload(store, made, RetentionPolicy()) == []
    store.remove([made.name])
    assert offsite.resolve("latest", "shop") == made.name
    assert offsite.fetch(store, "latest", "shop") == made
    assert store.get(made.name) == made
    assert store.partials() == []
    # What is here is not fetched.
    (tmp_path / "far" / "broken").touch()
    assert offsite.fetch(store, made.name, "shop") == made


def test_a_copy_that_was_changed_does_not_become_a_backup(offsite: OffsiteRepository, tmp_path: Path) -> None:
    offsite.ensure_initialised()
    store = backup_store(tmp_path)
    made = add_backup(store)
    offsite.upload(store, made, RetentionPolicy())
    store.remove([made.name])
    (tmp_path / "far" / made.name / "dump").write_bytes(b"dumq")
    with pytest.raises(SwitchyardError, match="another SHA-256"):
        offsite.fetch(store, made.name, "shop")
    assert (store.names(), store.partials()) == ([], [])


def test_one_that_is_not_there(offsite: OffsiteRepository, tmp_path: Path) -> None:
    offsite.ensure_initialised()
    with pytest.raises(SwitchyardError, match=r"no off-site copy of a backup latest of shop\. Existing copies: none"):
        offsite.fetch(backup_store(tmp_path), "latest", "shop")


def test_copies_are_removed_as_backups_are_and_the_last_verified_one_stays(
    offsite: OffsiteRepository, tmp_path: Path
) -> None:
    offsite.ensure_initialised()
    store = backup_store(tmp_path)
    names = [f"2026010{day}T000000Z-000{day}" for day in (1, 2, 3)]
    assert offsite.upload(store, add_backup(store, names[0], state="restored"), RetentionPolicy(count=1)) == []
    assert offsite.upload(store, add_backup(store, names[1]), RetentionPolicy(count=1)) == []
    # Neither the newest nor the last that was verified.
    assert offsite.upload(store, add_backup(store, names[2]), RetentionPolicy(count=1)) == [names[1]]
    assert list(offsite.snapshots("shop")) == [names[2], names[0]]
    # A second time it is not copied again.
    offsite.upload(store, store.get(names[2]), RetentionPolicy(count=1))
    assert sum(words[0] == "backup" for words, _variables in notes(tmp_path)) == 3


def test_a_server_that_was_installed_again_loses_no_copy_of_before(offsite: OffsiteRepository, tmp_path: Path) -> None:
    offsite.ensure_initialised()
    store = backup_store(tmp_path)
    offsite.upload(store, add_backup(store, "20260101T000000Z-0041", state="restored"), RetentionPolicy(count=2))
    # It counts from 1 again.
    assert offsite.upload(
        store, add_backup(store, "20260105T000000Z-0001", state="restored"), RetentionPolicy(count=1)
    ) == ["20260101T000000Z-0041"]
    assert offsite.resolve("latest", "shop") == "20260105T000000Z-0001"


def test_a_check_reads_another_part_each_week(offsite: OffsiteRepository, tmp_path: Path) -> None:
    offsite.ensure_initialised()
    week = 7 * 86400.0
    assert [offsite_restic.subset_number(number * week + 5, 3) for number in range(4)] == [1, 2, 3, 1]
    offsite.check(2, 3)
    assert notes(tmp_path)[-1][0] == ["check", "--quiet", "--read-data-subset=2/3"]
