# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release would do, for check mode."""

from __future__ import annotations

from ..engine import compose_render
from . import secret_files
from .context import StackContext
from .diff import readable, saved_text, text_diff
from .effective_files import effective_files
from .preflight.examine import examine_stack
from .release_result import ReleasePreview
from .stack_input import StackInput


def preview_release(ctx: StackContext, given: StackInput, mode: str) -> ReleasePreview:
    """Return what a release would change; ``mode`` is ``deploy``, ``rollback`` or ``promote``."""
    deploy_input, plan = examine_stack(ctx, given, mode)
    before = saved_text(ctx, ctx.release_on(plan.live))
    if deploy_input:
        secrets = secret_files.paths_of(ctx, given)
        release = compose_render.Release(
            ctx.project, ctx.environment, secrets=secrets, images=deploy_input.images, color=plan.color
        )
        files = effective_files(ctx, deploy_input.mounts, given.stack, deploy_input.images)
        rendered = compose_render.render(files, given.stack, release)
        after = readable(ctx, rendered.colors[plan.color], rendered.workers, given)
    else:
        after = before if plan.action == "cancel_canary" else saved_text(ctx, plan.target)
    return ReleasePreview(plan, text_diff(ctx, before, after))
