"""Runs on the server: switches a stack between its colors and prints when each command started.

    python3 switch_loop.py ROOT PROJECT ENVIRONMENT STACK COUNT SECONDS_BETWEEN

One JSON object on standard output: ``began`` and ``confirmed`` hold seconds since the epoch, a pair for each switch.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext, StackContext
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import confirm


def switch(ctx: StackContext, color: str) -> None:
    """Move all traffic of a stack to a color."""
    ctx.proxy.apply(lambda state: ctx.proxy.plan_switch(state, ctx.key, color))


def main() -> None:
    root, project, environment, stack, count, between = sys.argv[1:]
    ctx = HostContext(Path(root), project, environment).stack(stack)
    live = ctx.live()
    assert live, f"{stack} is not live"
    record = ctx.records.require(ctx.release_on(live) or 0)
    routing = ctx.target(record).routing
    began, confirmed = [], []
    for _ in range(int(count)):
        live = names.other(live)
        began.append(time.time())
        switch(ctx, live)
        confirm.confirm_switch(ctx.proxy, routing, live)
        confirmed.append(time.time())
        time.sleep(float(between))
    print(json.dumps({"began": began, "confirmed": confirmed}))


if __name__ == "__main__":
    main()
