from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import container_limits
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.container_limits import CAPABILITIES, limited

# "Runtime privilege and Linux capabilities" in the manual of docker run: what a container has by default.
OF_DOCKER = """
    AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID
    SYS_CHROOT
"""
NO_NEW = ["no-new-privileges:true"]


def test_a_stack_has_no_capability_that_docker_does_not_give() -> None:
    assert set(CAPABILITIES) < set(OF_DOCKER.split())


def test_a_service_that_sets_nothing_gets_every_limit() -> None:
    assert limited({}) == {
        "cap_drop": ["ALL"],
        "cap_add": list(CAPABILITIES),
        "security_opt": NO_NEW,
        "pids_limit": 1024,
        "logging": container_limits.LOGGING,
    }


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ({"cap_drop": ["ALL"]}, {"cap_drop": ["ALL"], "cap_add": None}),
        ({"cap_drop": ["ALL"], "cap_add": ["cap_chown"]}, {"cap_drop": ["ALL"], "cap_add": ["CHOWN"]}),
        ({"cap_drop": ["CAP_KILL"]}, {"cap_add": [name for name in CAPABILITIES if name != "KILL"]}),
        ({"cap_add": ["NET_ADMIN"]}, {"cap_drop": ["ALL"], "cap_add": sorted([*CAPABILITIES, "NET_ADMIN"])}),
        ({"cap_add": ["ALL"]}, {"cap_add": sorted(["ALL", *CAPABILITIES])}),
        ({"security_opt": ["no-new-privileges:false"]}, {"security_opt": ["no-new-privileges:false"]}),
        ({"security_opt": ["label=disable"]}, {"security_opt": ["label=disable", *NO_NEW]}),
        ({"pids_limit": 50}, {"pids_limit": 50}),
        (
            {"deploy": {"resources": {"limits": {}}}},
            {"deploy": {"resources": {"limits": {"pids": 1024}}}, "pids_limit": None},
        ),
        ({"pids_limit": -1}, {"pids_limit": -1}),
        (
            {"deploy": {"replicas": 2, "resources": {"limits": {"memory": "1"}}}},
            {"deploy": {"replicas": 2, "resources": {"limits": {"memory": "1", "pids": 1024}}}, "pids_limit": None},
        ),
        (
            {"deploy": {"resources": {"limits": {"pids": 9}}}, "pids_limit": 9},
            {"deploy": {"resources": {"limits": {"pids": 9}}}, "pids_limit": 9},
        ),
        ({"privileged": True}, {"cap_drop": None, "cap_add": None, "security_opt": None, "pids_limit": 1024}),
        ({"logging": {"driver": "syslog"}}, {"logging": {"driver": "syslog"}}),
        (
            {"logging": {"driver": "json-file", "options": {"tag": "a", "max-size": "1m"}}},
            {"logging": {"driver": "json-file", "options": {"tag": "a", "max-size": "1m", "max-file": "3"}}},
        ),
        (
            {"logging": {"options": {"labels": "a"}}},
            {"logging": {"driver": "json-file", "options": {"labels": "a", "max-size": "10m", "max-file": "3"}}},
        ),
    ],
)
def test_the_values_of_a_file_are_completed(service: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    found = limited(service)
    assert {key: found.get(key) for key in expected} == expected


def test_the_file_is_left_as_it_is() -> None:
    service = {"security_opt": ["label=disable"], "cap_add": ["KILL"], "logging": {"options": {"a": "b"}}}
    limited(service)
    assert service == {"security_opt": ["label=disable"], "cap_add": ["KILL"], "logging": {"options": {"a": "b"}}}
