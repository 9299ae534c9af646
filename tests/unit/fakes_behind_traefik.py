"""Two containers of HAProxy behind a Traefik that follows their health."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace
from pathlib import Path

from fakes import FakeEngine, container
from fakes_haproxy import FakeMaster

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import layout
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik import (
    replace as behind_traefik_replace,
)

OLD, NEXT = "po-proxy", "po-proxy-next"


def stat(came: int) -> str:
    head = "# pxname,svname,scur,req_tot,\n"
    return f"{head}public,FRONTEND,9,{came},\npo.shop.prod_web_blue,BACKEND,1,,\n"


class FrontTraefik(FakeEngine):
    """Two containers with a HAProxy each, and a Traefik that follows their health."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        super().__init__()
        self.folders = {OLD: folder / "run", NEXT: folder / "run.2"}
        self.stack = stack
        self.masters: dict[str, FakeMaster] = {}
        self.follows_health = True
        self.fails = False
        self.timeouts: list[int | None] = []
        # The addresses that each container began with.
        self.began: dict[str, str] = {}
        for name, run in self.folders.items():
            run.mkdir(parents=True)
            mounts = {layout.RUN_ROOT: str(run)}
            self.start(container(name, state="created", health="starting", mounts=mounts, addresses={"n": "127.0.0.1"}))
        self.start_container(OLD)

    def start_container(self, name: str) -> None:
        super().start_container(name)
        addresses = self.folders[name] / "servers.state"
        self.began[name] = addresses.read_text() if addresses.exists() else ""
        if self.fails:
            self.by_name[name] = replace(self.by_name[name], state="exited")
            return
        master = FakeMaster(self.folders[name] / "master.sock")
        # One more request for each query, as long as Traefik sends some.
        master.before_answer = lambda line: self.come(name, master)
        master.stat["12"] = stat(0)
        self.masters[name] = self.stack.enter_context(master.listening())

    def come(self, name: str, master: FakeMaster) -> None:
        one = self.container(name)
        if one and (one.health == "healthy" or not self.follows_health):
            master.stat["12"] = stat(int(master.stat["12"].splitlines()[1].split(",")[3]) + 1)

    def container(self, name: str) -> Container | None:
        one = super().container(name)
        if not one:
            return None
        leaving = (Path(one.mounts[layout.RUN_ROOT]) / behind_traefik_replace.LEAVING).exists()
        return replace(one, health=one.health and ("unhealthy" if leaving else "healthy"))

    def remove(self, containers: t.Iterable[Container], timeout: int | None = None) -> list[str]:
        self.timeouts.append(timeout)
        return super().remove(containers, timeout)
