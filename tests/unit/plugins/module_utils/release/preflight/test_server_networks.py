from __future__ import annotations

from dataclasses import replace

from fakes import Machine, container, given, shared_container

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import server_networks
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.context import (
    HostCheckContext,
    StackCheckContext,
)

BACK = "po-shop-prod.back"
USES = {"postgres": {"password": "x"}, "redis": {"password": "x", "databases": 1}}


def problems(machine: Machine, **stack: object) -> list[str]:
    context = StackCheckContext(HostCheckContext(machine.host), given(**stack))
    return [f"{problem.code} {problem}" for problem in server_networks.check(context)]


def set_up(machine: Machine, *networks: str) -> None:
    """Start the shared servers in these networks, with the stack as a tenant of PostgreSQL."""
    for role in ("postgres", "redis"):
        machine.engine.start(shared_container(role, f"po-{role}", *networks))
    folder = machine.root / "postgres" / "conf" / "tenants"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prod.conf").write_text('host "shop_prod" "shop_prod" 10.201.0.0/26 scram-sha-256')


def test_servers_in_the_network_of_the_stack(machine: Machine) -> None:
    set_up(machine, BACK)
    assert problems(machine, **USES) == []


def test_servers_that_the_stack_would_not_reach_are_named(machine: Machine) -> None:
    set_up(machine, "po-blog-prod.back")
    assert problems(machine, **USES) == [
        f"server.network_missing switchyard_stacks[shop].{role}: po-{role} is not in the network {BACK} of the stack. "
        "Run setup.yml."
        for role in ("postgres", "redis")
    ]


def test_the_redis_of_another_environment_is_not_asked_for(machine: Machine) -> None:
    foreign, own = (
        replace(
            container(f"po-own-redis-{name}", addresses={f"po-own-redis-{name}": ""}),
            labels=names.labels(project="po", environment=name, role="redis"),
        )
        for name in ("qual", "prod")
    )
    machine.engine.start(foreign)
    assert problems(machine, redis=USES["redis"]) == []
    machine.engine.start(own)
    assert [problem.partition(": ")[2].split()[0] for problem in problems(machine, redis=USES["redis"])] == [
        "po-own-redis-prod"
    ]


def test_a_postgres_of_the_stack_itself_needs_no_network(machine: Machine) -> None:
    set_up(machine)
    assert problems(machine, postgres={"accessory": "db"}, accessories=["db"]) == []


def test_a_stack_without_them_or_with_an_external_server_needs_no_network(machine: Machine) -> None:
    assert problems(machine, **USES) == []
    set_up(machine)
    assert problems(machine) == []
    (machine.root / "postgres" / "conf" / "tenants" / "prod.conf").write_text("")
    assert problems(machine, postgres=USES["postgres"]) == []
