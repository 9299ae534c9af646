from __future__ import annotations

from fakes import Machine

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.host import ProxyHost


def test_the_context_of_a_release_is_a_proxy_host(machine: Machine) -> None:
    host: ProxyHost = machine.host
    needed = [name for name, value in vars(ProxyHost).items() if isinstance(value, property)]
    assert sorted(needed) == ["engine", "project", "proxy", "root"]
    assert [getattr(host, name) for name in sorted(needed)] == [machine.engine, "po", machine.proxy, machine.root]
