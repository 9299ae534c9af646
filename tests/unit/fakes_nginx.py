"""nginx without nginx: its admin socket over the folders of the role, and a state that both know."""

from __future__ import annotations

import contextlib
import json
import re
import socketserver
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fakes import HOST, checked, serving

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import (
    config,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import flags as nginx_flags
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.release.routes import routes_of_stack


@dataclass
class FakeNginx:
    """nginx behind its admin socket: it runs the routes that it last loaded, and finds the flags that lie there."""

    folder: Path
    loaded: str = ""
    log: list[str] = field(default_factory=list)
    # What it says of staged files, and of a reload that it then does not do.
    refusal: str = ""
    emergency: str = ""
    blind: bool = False
    before_reload: Callable[[], None] = lambda: None

    def routes(self) -> str:
        return (self.folder / "conf.d" / config.ROUTES).read_text()

    def load(self) -> None:
        self.loaded = self.routes()

    def command(self, words: list[str]) -> tuple[int, str]:
        """Do what a command in the container does: its exit code is 0, also when a reload fails."""
        self.log.append(" ".join(words[3:]))
        if "-t" in words:
            return (1, self.refusal) if self.refusal else (0, "test is successful")
        self.before_reload()
        if not self.emergency:
            self.load()
        return 0, "signal process started"

    def answer(self, path: str) -> str:
        if path == "/flags/":
            flags = [] if self.blind else sorted(one.name for one in (self.folder / "flags").iterdir())
            return json.dumps([{"name": name, "type": "file", "size": 0} for name in flags])
        return "".join(found + "\n" for found in re.findall(r'"\${sy_state}(.*)\\n";', self.loaded))

    @contextlib.contextmanager
    def listening(self) -> Iterator[FakeNginx]:
        running = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                path = self.rfile.readline().decode().split(" ")[1]
                self.wfile.write(f"HTTP/1.1 200 OK\r\nServer: nginx\r\n\r\n{running.answer(path)}".encode())

        with serving(socketserver.ThreadingUnixStreamServer(str(self.folder / "run" / "admin.sock"), Handler)):
            yield self


KEY = "po.shop.prod"


SHOP = routes_of_stack(checked(), "po", "prod", {"web": 1})


ROUTES = {
    (KEY, "blue", f"{HOST}/"): "web",
    (KEY, "green", f"{HOST}/"): "web",
    ("po.blog.prod", "green", "blog.org/"): "site",
}


STATE = ProxyState({KEY: "blue", "po.blog.prod": "green"}, ROUTES)


def load_state(running: FakeNginx, state: ProxyState) -> None:
    """Let nginx run with a state."""
    folder = running.folder / "conf.d"
    others = {path.name: path.read_text() for path in folder.iterdir()}
    for name, text in config.full_config(others, state.routes, "key-of-this-server")[0].items():
        (folder / name).write_text(text)
    running.load()
    for name in nginx_flags.flags_of(state):
        (running.folder / "flags" / name).touch()
