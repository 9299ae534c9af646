"""The log of a proxy, whose lines a test writes."""

from __future__ import annotations

import json
import time
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.log_reader import LogReader


class FakeProxyProcess(LogReader):
    """The process of a proxy, and its log: each line is read once; ``feed`` writes some before each read."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.broken: Exception | None = None
        self.feed: t.Callable[[], list[str]] = list

    def open_log(self, since: float, needle: bytes) -> LogReader:
        return self

    def read(self) -> t.Iterator[str]:
        if self.broken:
            raise self.broken
        found, self.written = self.written + self.feed(), []
        yield from found

    def close(self) -> None:
        """Keep the lines."""


def request_line(**changes: t.Any) -> str:
    """Return a line as HAProxy writes it, of a request that ends now."""
    given: dict[str, t.Any] = {
        "time": int(time.time() * 1000),
        "stack": "po.shop.prod",
        "route": "web",
        "color": "blue",
        "status": 200,
        "ms": 12,
        "upstream_ms": 10,
        "bytes": 100,
        "method": "GET",
        "host": "shop.example.org",
        "path": "/",
        "client": "192.0.2.1",
        "preview": "-",
        "termination": "--",
        "id": "1",
    }
    return json.dumps({**given, **changes})
