"""Every file in which a program on the server keeps state, as a later version of this collection may write it."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import pkgutil
import typing as t
from pathlib import Path

import pytest
from fakes import HOST, checked

from ansible_collections.switchyard.stacks.plugins import module_utils
from ansible_collections.switchyard.stacks.plugins.module_utils import progress, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.backup import manifest, restore_journal
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_manifest import VolumeManifest
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.volume_restore import VolumeJournal
from ansible_collections.switchyard.stacks.plugins.module_utils.config.server_settings import ServerSetting, ServerState
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.networks import AddressBook
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.lockout import Lockout, LockoutFile
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock import LockFile, LockState, ReleaseLock
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration.state import MigrationState
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record, Records

SOURCES = Path(module_utils.__path__[0])

# Every nested mapping of a stack is there.
STACK = checked(
    routes=[{"service": "web", "port": 8000, "hosts": [HOST], "rate_limit": {"requests": 5}}],
    static=[{"volume": "static", "hosts": [HOST], "path": "/static/"}],
    migrate={
        "service": "web",
        "command": ["migrate"],
        "kind": "expand",
        "schema_check": {"query": "SELECT 1", "answer": "1"},
    },
    after_migrate=[{"service": "web", "command": ["collect"]}],
    smoke=[{"path": "/"}],
    postgres={"password": "p"},
    redis={"password": "p", "databases": [1]},
)

EXAMPLES: dict[str, t.Any] = {
    "release.json": Record(3, "blue", "live", "f", STACK, "ann", 1.0),
    "lock.json": LockFile(7, LockState(7, "ann", 1.0, "migrate", 61.0)),
    "migration.json": MigrationState(3, "expand", "shop_prod"),
    "restore-journal.json": restore_journal.RestoreJournal("b-1", "shop", "new", None, 5, origin={"oid": 9}),
    "networks.json": AddressBook("10.201.0.0/16", {"po-shop-default-prod": "10.201.0.0/26"}),
    "server.json": ServerState(
        (ServerSetting("proxy", "proxy_image", "nginx:1", "po", "prod", 1.0, "ann"),), {"proxy": ("po/prod",)}
    ),
    "volume-restore.json": VolumeJournal("b-1", "live", "new", "kept", "/live", "/new", "/kept"),
    "volume/manifest.json": VolumeManifest(
        *("b-1", "po", "prod", "shop", "uploads", "read", 1.0, 2.0, "stopped"), entries={}, files={}
    ),
    "lockout.json": Lockout("f1", "shop_prod", ["shop_prod"], 1.0),
    "manifest.json": manifest.Manifest(
        **dict.fromkeys(("name", "project", "environment", "stack", "database", "owner", "compression"), "x"),
        **dict.fromkeys(("parallel_jobs", "number", "large_objects", "database_bytes"), 1),
        **{key: {} for key in ("locale", "properties", "tables", "sequences", "changes")},
        state="read",
        format="custom",
        started=1.0,
        finished=2.0,
        extensions=[],
        roles=[],
        server={"number": 170006},
        files={"dump": {"sha256": "0" * 64, "bytes": 4}},
    ),
}

# JSON that is not the state of a program: who reads it, and why a field more or less does no harm.
OTHER_JSON = {
    "backup/offsite_restic.py": "the credentials that setup.yml writes: a mapping of environment variables",
    "backup/restore.py": "restored-from.json: a mapping that each restore writes once, as its journal has it",
    "backup/restore_journal.py": "restored-from.json, as above",
    "backup/run.py": "last-run.json: a mapping that each run writes once, and that a module returns as it is",
    "backup/volume_store.py": "stopped.json: a list of names that the next run reads as a whole",
    "backup/timer_main.py": "parameters.json and last-check.json: mappings that are written once",
    "decommission/scan.py": "proxy.json: a mapping that setup.yml writes",
    "engine/compose_build.py": "a Compose project",
    "engine/registry_login.py": "a configuration of the Docker client",
    "engine/host_ports.py": "only the ports in the records of all stacks",
    "proxy/base_config.py": "proxy.json",
    "proxy/driver.py": "preview-keys.json: a mapping that setup.yml writes",
    "proxy/preflight.py": "proxy.json",
    "proxy/registry.py": "proxy.json",
    "proxy/traefik/driver.py": "validated.json: a digest that is compared as a whole",
    "release/built_images.py": "only the images in the records of all stacks",
    "release/file_store.py": ".seeds.json: a mapping of writable folders, to which a release adds",
    "release/migration/projects.py": "Compose projects",
    "release/fixed_addresses.py": "fixed-addresses.json: a number by network; and Compose projects",
    "release/preflight/port_holders.py": "proxy.json",
    "release/prepare.py": "Compose projects",
    "release/step_log.py": "the failpoint of a test: a mapping that the release reads and removes",
    "release/workers.py": "Compose projects",
}


def later(value: t.Any) -> t.Any:
    """Return a dataclass as a later version writes it: each object has a field more."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        known = {item.name: later(getattr(value, item.name)) for item in dataclasses.fields(value)}
        known.pop("extra", None)
        return {**known, "added_later": {"by": ["version 2"]}}
    if isinstance(value, dict):
        return {key: list(item) if isinstance(item, tuple) else item for key, item in value.items()}
    return [later(item) for item in value] if isinstance(value, tuple) else value


def all_state_files() -> dict[str, type]:
    for module in pkgutil.walk_packages(module_utils.__path__, f"{module_utils.__name__}."):
        importlib.import_module(module.name)
    return state_file.STATE_FILES


def test_each_state_file_has_an_example() -> None:
    assert {name: type(example) for name, example in EXAMPLES.items()} == all_state_files()


@pytest.mark.parametrize("name", EXAMPLES)
def test_unknown_fields_survive_a_rewrite(name: str, tmp_path: Path) -> None:
    example, path = EXAMPLES[name], tmp_path / Path(name).name
    path.write_text(json.dumps(later(example)))
    value = state_file.load(path, type(example))
    assert value is not None
    # A program changes a known field by dataclasses.replace.
    field = dataclasses.fields(value)[0].name
    state_file.save(path, dataclasses.replace(value, **{field: getattr(value, field)}))
    assert json.loads(path.read_text()) == later(example)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", EXAMPLES)
def test_known_files_are_read_back_as_they_were(name: str, tmp_path: Path) -> None:
    path = tmp_path / Path(name).name
    state_file.save(path, EXAMPLES[name])
    assert state_file.load(path, type(EXAMPLES[name])) == EXAMPLES[name]
    assert "extra" not in json.loads(path.read_text())


def test_state_is_only_read_and_written_through_the_registry() -> None:
    """Other JSON is listed with a reason. A state file that is read or written by hand fails here."""
    calls = set()
    for path in SOURCES.rglob("*.py"):
        name = str(path.relative_to(SOURCES))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("read_json", "write_json"):
                calls.add(name)
    assert calls == {*OTHER_JSON, "state_file.py"}


def test_unknown_fields_survive_each_program(tmp_path: Path) -> None:
    """Each program's own way to read and write: not only the helper."""
    added = {"added_later": {"by": ["version 2"]}}

    records = Records(tmp_path)
    folder = records.path(records.begin())
    (folder / "release.json").write_text(json.dumps({**later(EXAMPLES["release.json"]), "number": 1}))
    records.save(records.require(1).updated(state="superseded"))
    assert json.loads((folder / "release.json").read_text()).items() >= {"state": "superseded", **added}.items()

    (tmp_path / "lock.json").write_text(json.dumps(later(EXAMPLES["lock.json"])))
    lock = ReleaseLock(tmp_path, "shop", lambda: 30.0)
    lock.renew(7, "start")
    stored = json.loads((tmp_path / "lock.json").read_text())
    assert stored["lock"].items() >= {"step": "start", "until": 90.0, **added}.items()
    lock.release(7)
    assert json.loads((tmp_path / "lock.json").read_text()) == {"token": 7, "lock": None, **added}
    taken = lock.take("bob", "preflight", lambda: None)
    assert (taken.token, taken.extra) == (8, {})

    journal = restore_journal.journal_path(tmp_path)
    journal.write_text(json.dumps({**later(EXAMPLES["restore-journal.json"]), "origin": {"oid": 9, **added}}))
    loaded = restore_journal.load_journal(tmp_path)
    assert loaded is not None
    restore_journal.save_journal(tmp_path, dataclasses.replace(loaded, new_oid=9))
    assert json.loads(journal.read_text()).items() >= {"new_oid": 9, **added}.items()
    restore_journal.complete(tmp_path, loaded)
    assert json.loads(restore_journal.origin_path(tmp_path).read_text()) == {"oid": 9, **added}

    file = LockoutFile(tmp_path)
    file.path.write_text(json.dumps(later(EXAMPLES["lockout.json"])))
    assert file.read() == dataclasses.replace(EXAMPLES["lockout.json"], extra=added)

    backup = tmp_path / "x"
    backup.mkdir()
    manifest.write(backup, dataclasses.replace(EXAMPLES["manifest.json"], extra=added))
    manifest.write(backup, manifest.read(backup).verified_as("restored", 5.0))
    assert json.loads((backup / "manifest.json").read_text()).items() >= {"state": "restored", **added}.items()
    assert manifest.read(backup).extra == added


def test_progress_of_a_later_version_is_read() -> None:
    reported = {"step": "dump", "started": 1.0, "at": 5.0, "done": 1, "of": 2, "unit": "rows", "added_later": 1}
    assert progress.read(f"{json.dumps(reported)}\n5") == progress.Progress("dump", 1.0, 5.0, 1, 2)


def test_a_class_without_room_for_more_is_refused() -> None:
    with pytest.raises(TypeError, match="Closed has no field extra"):

        @state_file.register("closed.json")
        @dataclasses.dataclass
        class Closed:
            known: int

    assert "closed.json" not in state_file.STATE_FILES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "release.json cannot be read: expected an object with the fields of Record, got list. Restore"),
        ('{"number": 1}', "release.json cannot be read: .*missing 6 required positional arguments: 'color'"),
    ],
)
def test_a_file_that_lacks_fields_is_an_error(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "release.json").write_text(content)
    with pytest.raises(SwitchyardError, match=message):
        state_file.load(tmp_path / "release.json", Record)


@pytest.mark.parametrize("content", [None, "", '{"number": 1'])
def test_half_a_file_is_not_loaded(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "release.json").write_text(content)
    assert state_file.load(tmp_path / "release.json", Record) is None


def test_json_has_the_properties_that_a_class_names_and_not_the_fields_that_it_leaves_out() -> None:
    @dataclasses.dataclass(frozen=True)
    class Plan:
        action: str
        note: str = dataclasses.field(default="", metadata=state_file.not_in_json())
        seconds: float | None = dataclasses.field(default=None, metadata=state_file.when_set())

        JSON_PROPERTIES: t.ClassVar = ("changed",)

        @property
        def changed(self) -> bool:
            return self.action != "none"

    assert state_file.as_json([Plan("release", "for us")]) == [{"action": "release", "changed": True}]
    assert state_file.as_json(Plan("none", "", 0.5)) == {"action": "none", "seconds": 0.5, "changed": False}
