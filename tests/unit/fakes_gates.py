"""What the tests of the gates share: a target, and applications that answer with a list of statuses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from fakes import application

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import Route, StackRoutes
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates.probe import ColorTarget


def target(port: int, *services: str, count: int = 1) -> ColorTarget:
    routes = tuple(Route(service, port, f"{service}.example.org", "/") for service in services or ("web",))
    return ColorTarget(StackRoutes("po", "prod", "shop", routes), "blue", "po-shop-prod.front", count)


@contextlib.contextmanager
def answering(*statuses: int, body: str = "ok") -> Iterator[int]:
    """Serve these statuses one after the other, then the last one; yield the port."""
    remaining = list(statuses)
    with application(
        lambda path, headers: (remaining.pop(0) if len(remaining) > 1 else remaining[0], {}, body)
    ) as port:
        yield port


def through_the_proxy(*statuses: int) -> Callable[[str, str], tuple[int, str]]:
    remaining = list(statuses)
    return lambda color, path: (remaining.pop(0) if len(remaining) > 1 else remaining[0], "from the proxy")
