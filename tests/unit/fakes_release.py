"""A release that is prepared and not started."""

from __future__ import annotations

import typing as t

from fakes import Machine, given

from ansible_collections.switchyard.stacks.plugins.module_utils.release import prepare
from ansible_collections.switchyard.stacks.plugins.module_utils.release.lock_takeover import take_lock
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.examine import examine_stack
from ansible_collections.switchyard.stacks.plugins.module_utils.release.prepare import PreparedRelease
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput


class Begun(t.NamedTuple):
    """A prepared release, the token of its lock, and the release that was live, as the log of its steps has it."""

    ready: PreparedRelease
    token: int
    noted: list[tuple[int, int | None]]


def prepare_release(
    machine: Machine, what: StackInput | None = None, mode: str = "deploy", gone: int | None = None
) -> Begun:
    """Prepare a release under the lock, as the segment does."""
    spec, noted = what or given(), t.cast("list[tuple[int, int | None]]", [])
    token = take_lock(machine.ctx, "ann@laptop", gone)
    deploy_input, plan = examine_stack(machine.ctx, spec, mode)

    def note(number: int, previous: int | None) -> None:
        assert machine.ctx.records.get(number), "the steps of a release without a record are lost"
        noted.append((number, previous))

    if mode == "promote":
        return Begun(prepare.prepare_promote(machine.ctx, plan, note), token, noted)
    if not deploy_input:
        return Begun(prepare.prepare_rollback(machine.ctx, plan, token, note), token, noted)
    images = prepare.get_images(machine.ctx, spec, deploy_input, token)
    ready = prepare.prepare(machine.ctx, spec, deploy_input, images, "ann@laptop", token, note)
    return Begun(ready, token, noted)
