from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import container_limits

# "Runtime privilege and Linux capabilities" in the manual of docker run: what a container has by default.
OF_DOCKER = """
    AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID
    SYS_CHROOT
"""


def test_a_stack_has_no_capability_that_docker_does_not_give() -> None:
    assert set(container_limits.CAPABILITIES) < set(OF_DOCKER.split())
