"""What the tests of migrations share: a release with a migration, and the server it is for."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from fakes import Machine, checked
from fakes_postgres import FakeServer, FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import (
    pending,
    run,
    state,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record

MIGRATE = {"service": "web", "command": ["migrate"], "kind": "expand"}
NAME = "20260101T000000Z-0001"


@dataclass
class Scene:
    """A release with a migration, the server it is for, and what happened in which order."""

    machine: Machine
    happened: list[str] = field(default_factory=list)
    # What the progress shows of each command.
    reported: list[tuple[str, int | None]] = field(default_factory=list)
    admin: FakeSession = field(default_factory=FakeSession)
    tenant: FakeSession = field(default_factory=FakeSession)
    server: FakeServer = field(default_factory=FakeServer)
    # How the command ends, each time it runs: an exit code, and its log.
    ends: list[tuple[int | None, str]] = field(default_factory=list)
    record: Record = field(init=False)
    token: int = 0

    @property
    def ctx(self) -> t.Any:
        return self.machine.ctx

    def release(self, key: bool = True, accessory: str | None = None, **migrate: t.Any) -> state.MigrationRun:
        """Leave a release that runs and one that is prepared; return the migration of that one."""
        own = {"postgres": {"accessory": accessory}, "accessories": [accessory]}
        chosen = own if accessory else {"postgres": {"password": "p"}}
        stack = checked(**chosen, migrate={**MIGRATE, **migrate}, drain=0)
        self.machine.released("blue", stack)
        self.record = self.machine.released("green", stack, state="prepared")
        self.machine.make_live("blue")
        self.token = self.machine.lock()
        folder = self.ctx.records.path(2)
        if accessory:
            self.server.dedicated = True
            atomic_file.write_json(folder / "jobs.yml", {"services": {"web": {"volumes": [{}]}}, "networks": {}})
        elif key:
            path = state.migrator_password_path(self.ctx)
            path.parent.mkdir(parents=True)
            path.write_text("migrator's word\n")
            for part in ("migrate", "rehearse"):
                atomic_file.write_json(folder / f"{part}.yml", {"services": {"web": {}}, "networks": {}})
        return t.cast(
            state.MigrationRun, pending.pending_migration(self.ctx, self.record, self.token, state.MigrationResult())
        )

    def carry_out(self, guarded: state.MigrationRun) -> state.MigrationResult:
        done = state.MigrationResult()
        run.run_guarded(guarded, done, lambda: self.happened.append("hold"))
        return done
