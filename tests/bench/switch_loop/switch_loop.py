"""Runs on the server: moves a stack to and fro between its colors and prints when each command began.

    python3 switch_loop.py ROOT PROJECT ENVIRONMENT STACK COUNT SECONDS_BETWEEN

One JSON object on standard output: ``began`` and ``proved`` hold seconds since the epoch, a pair for each switch.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import confirm


def main() -> None:
    root, project, environment, stack, count, between = sys.argv[1:]
    place = HostContext(Path(root), project, environment).place(stack)
    live = place.live()
    assert live, f"{stack} is not live"
    record = place.records.need(place.release_on(live) or 0)
    routing = place.target(record).routing
    began, proved = [], []
    for _ in range(int(count)):
        live = names.other(live)
        began.append(time.time())
        place.proxy.apply(lambda state, color=live: place.proxy.plan_switch(state, place.key, color))
        confirm.confirm_switch(place.proxy, routing, live)
        proved.append(time.time())
        time.sleep(float(between))
    print(json.dumps({"began": began, "proved": proved}))


if __name__ == "__main__":
    main()
