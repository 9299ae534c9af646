from __future__ import annotations

from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_roles import roles_of
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.changed_host_names import (
    changed_host_names,
)

LAN = {"networks": {"default": {"aliases": ["www"]}, "lan": {"aliases": ["shop"]}}}


def test_names_that_mean_something_else_are_named() -> None:
    content = normalised(
        web={"hostname": "site", **LAN}, db={"links": ["web:site"]}, celery={"hostname": "tasks", **LAN}
    )
    content["networks"]["lan"] = {"external": True, "name": "company"}
    stack = checked(workers=["celery"], accessories=["db"])
    assert list(changed_host_names(content, stack, roles_of(content, stack))) == [
        ("services.web.hostname", "site", "an alias that resolves to the own color, not the container's own name"),
        (
            "services.web.networks.lan.aliases",
            "shop",
            "resolves in the stack only, because both colors are on that network",
        ),
        ("services.db.links", "web:site", "an accessory outlives colors, so that it has no link to one"),
        ("services.celery.hostname", "tasks", "an alias in the stack; the container is called by its full name"),
    ]


def test_names_that_only_the_stack_resolves_stay() -> None:
    content = normalised(web={"links": ["db:database"]}, db={"hostname": "db", "links": ["celery"]}, celery={})
    stack = checked(workers=["celery"], accessories=["db"])
    assert list(changed_host_names(content, stack, roles_of(content, stack))) == []
