from __future__ import annotations

import json

from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_dependencies, compose_roles
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_dependencies import (
    Dependency,
    HealthWait,
)

HEALTHY = {"condition": "service_healthy", "required": True}
OPTIONAL = {"condition": "service_healthy", "required": False}


def test_a_dependency_on_a_service_of_an_inactive_profile_is_none() -> None:
    content = normalised(
        web={"depends_on": {"db": {**HEALTHY, "restart": True}, "mail": {"required": False}, "cache": None}},
        db={},
        cache={},
    )
    assert compose_dependencies.dependencies_of(content) == [
        Dependency("web", "db", "service_healthy", restart=True),
        Dependency("web", "cache", "service_started"),
    ]


def test_a_service_waits_for_a_healthy_one_of_an_earlier_part() -> None:
    content = normalised(
        web={"depends_on": {"db": HEALTHY, "queue": OPTIONAL, "files": {"condition": "service_started"}}},
        cache={"depends_on": {"web": HEALTHY}},
        celery={"depends_on": {"db": OPTIONAL, "queue": OPTIONAL}},
        beat={"depends_on": {"web": HEALTHY}},
        queue={"depends_on": {"db": HEALTHY}},
        db={},
        files={},
    )
    stack = checked(workers=["celery", "beat"], accessories=["db", "queue", "files"])
    waits = compose_dependencies.accessory_waits(content, compose_roles.roles_of(content, stack))
    # Compose itself waits for the accessories of accessories.
    assert waits == (HealthWait("db", ("web", "celery")), HealthWait("queue", ("web", "celery"), required=False))
    color = compose_dependencies.color_waits(content, compose_roles.roles_of(content, stack))
    assert color == (HealthWait("web", ("beat",)),)
    text = json.dumps(state_file.as_json(waits[0]))
    assert state_file.from_json(HealthWait, json.loads(text)) == waits[0]


def test_a_release_starts_what_a_service_waits_for_before_it() -> None:
    roles = {
        "db": "accessory",
        "init": "one-shot",
        "tool": "job",
        "web": "routed",
        "cache": "inner",
        "celery": "worker",
    }
    late = {
        (service, other)
        for service in roles
        for other in roles
        if compose_dependencies.is_late(Dependency(service, other), roles)
    }
    colors, once = ("web", "cache"), ("init", "tool")
    assert late == {
        *(("db", other) for other in (*once, *colors, "celery")),
        *((service, other) for service in once for other in (*colors, "celery")),
        *((service, "celery") for service in colors),
    }
