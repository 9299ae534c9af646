from __future__ import annotations

import typing as t

import pytest
from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Image
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import limit_notices

IMAGES = {f"reg/{name}:1": Image(id=name, digest=None, user=user) for name, user in (("web", 0), ("api", 33))}


def messages(**services: dict[str, t.Any]) -> list[str]:
    found = limit_notices.limit_notices(normalised(**services), IMAGES, "stacks[shop]")
    assert {notice.where for notice in found} == {"stacks[shop].compose"}
    return [notice.message for notice in found]


def test_each_kind_of_risk_is_one_line() -> None:
    assert messages(web={}, api={}, other={}) == [
        "no-new-privileges, pids_limit 1024 and cap_drop ALL with cap_add CHOWN, DAC_OVERRIDE, FOWNER, KILL, "
        "NET_BIND_SERVICE, SETGID, SETUID are added where the files do not set them",
        "web runs as root. Write user, or USER in the image",
        "web, api, other can write to the files of their image. Write read_only: true",
        "web, api, other have no memory limit. Write mem_limit",
    ]


def test_a_risk_of_many_services_names_the_first_ones() -> None:
    services: dict[str, dict[str, t.Any]] = {f"s{number}": {} for number in range(9)}
    assert messages(**services)[-1] == "s0, s1, s2, s3, s4, s5 and 3 more have no memory limit. Write mem_limit"


@pytest.mark.parametrize("limit", [{"mem_limit": "1g"}, {"deploy": {"resources": {"limits": {"memory": "1"}}}}])
def test_a_service_without_a_risk_is_not_named(limit: dict[str, t.Any]) -> None:
    assert len(messages(web={"user": "10001:10001", "read_only": True, **limit})) == 1


@pytest.mark.parametrize(
    ("service", "root"),
    [
        ({"image": "reg/web:1"}, True),
        ({"image": "reg/web:1", "user": "app"}, False),
        ({"image": "reg/api:1"}, False),
        ({"image": "reg/api:1", "user": "0:0"}, True),
        ({"image": "reg/api:1", "user": "root"}, True),
        ({"image": "reg/missing:1"}, False),
        ({}, False),
    ],
)
def test_the_user_of_a_container(service: dict[str, t.Any], root: bool) -> None:
    assert limit_notices.is_root(service, IMAGES) is root
