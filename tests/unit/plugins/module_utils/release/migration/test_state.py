from __future__ import annotations

from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import MigrationSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.release.migration import state
from ansible_collections.switchyard.stacks.plugins.module_utils.release.one_off_jobs import JobSummary


def test_the_state_of_a_migration_is_read_as_it_was_saved(machine: Machine) -> None:
    assert state.load_state(machine.ctx) is None
    saved = state.MigrationState(2, "breaking", "shop_prod", "begun", "shop_prod_migrator", "20260101T000000Z-0001")
    state.save_state(machine.ctx, saved)
    assert state.load_state(machine.ctx) == saved
    assert state.state_path(machine.ctx).stat().st_mode & 0o777 == 0o600


def test_a_migration_changes_the_database_of_its_stack_or_the_one_it_names(machine: Machine) -> None:
    spec = MigrationSpec("web", ("migrate",))
    assert state.database_of(machine.ctx, spec) == "shop_prod"
    assert state.database_of(machine.ctx, MigrationSpec("web", ("migrate",), database="other")) == "other"


def test_a_run_uses_the_project_with_its_own_login_where_it_has_one(machine: Machine) -> None:
    record = machine.released("blue", state="prepared")
    spec = MigrationSpec("web", ("migrate",), kind="contract")
    own, shared = (
        state.MigrationRun(machine.ctx, record, 1, state.MigrationState(1, "contract", "shop_prod", login=login), spec)
        for login in ("shop_prod_migrator", None)
    )
    assert (own.part, shared.part, own.stops) == ("migrate", "jobs", True)
    assert own.backup_request(verify="read").database == "shop_prod"


def test_a_module_returns_the_commands_of_a_migration_with_all_others() -> None:
    result = state.MigrationResult(jobs=[JobSummary("migrate", 0, 1.5)], pending=True, attempts=2)
    assert state_file.as_json(result) == {
        "pending": True,
        "backup": None,
        "attempts": 2,
        "rehearsal_seconds": None,
        "ended_sessions": [],
    }
