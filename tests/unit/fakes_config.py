"""What the tests of an inventory's checks share: its problems, and a second stack."""

from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.config import validate


def problems(*stacks: t.Any, project: str = "po", environment: str = "prod") -> list[str]:
    return [str(problem) for problem in validate.check(list(stacks), project, environment)[1]]


def only(*stacks: t.Any, **names: str) -> str:
    """Return the one problem there is."""
    found = problems(*stacks, **names)
    assert len(found) == 1, found
    return found[0]


def second(**changes: t.Any) -> dict[str, t.Any]:
    """Return another stack that shares nothing with the first."""
    route = {"service": "site", "port": 80, "hosts": ["blog.example.org"]}
    return {"name": "blog", "source": {"path": "blog"}, "routes": [route], **changes}
