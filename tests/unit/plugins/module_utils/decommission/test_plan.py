from __future__ import annotations

import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HOST, checked, colored, container, shared_container, worker

from ansible_collections.switchyard.stacks.plugins.module_utils import names
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.plan import plan
from ansible_collections.switchyard.stacks.plugins.module_utils.decommission.scan import EnvironmentScan
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import LabelledResource
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record

FRONT, BACK, OWN = "po-shop-prod.front", "po-shop-prod.back", "po-shop-default-prod"


def resource(name: str, *users: str, **labels: str) -> LabelledResource:
    return LabelledResource(name, names.labels(project="po", environment="prod", **labels), users)


def scanned(**changes: t.Any) -> EnvironmentScan:
    """Return an environment with one stack, behind a proxy that another environment needs as well."""
    values: dict[str, t.Any] = {
        "environment": "prod",
        "containers": (colored("blue", 1), worker(1)),
        "networks": (
            resource(OWN, "po-shop-web-prod-blue", stack="shop", role="stack"),
            resource(FRONT, "po-proxy", role="front"),
        ),
        "routes": {"shop": (f"{HOST}/",)},
        "folders": {"shop": (Path("/r/lock"), Path("/r/releases"))},
        "shared": {"po-proxy": shared_container("proxy", FRONT, "po-front-qual")},
        "proxy_folder": Path("/proxy"),
        "others": ("qual",),
        **changes,
    }
    return EnvironmentScan(**values)


# --- what is removed ---


def test_a_stack_is_removed_and_its_environment_retained() -> None:
    planned = plan(scanned(), ["shop"], False)
    assert planned.routes == {"shop": (f"{HOST}/",)}
    assert planned.containers == ("po-shop-celery-prod", "po-shop-web-prod-blue")
    assert planned.networks == (OWN,)
    assert planned.disconnects == ()
    assert planned.paths == (Path("/r/lock"), Path("/r/releases"))


def test_a_stack_without_resources_needs_no_change() -> None:
    assert not plan(scanned(), ["blog"], True).changed


def test_other_stacks_are_retained() -> None:
    other = container("po-shop-site-prod", labels={"stack": "blog"})
    planned = plan(scanned(containers=(colored("blue", 1), other), routes={"blog": (), "shop": ()}), ["shop"], True)
    assert (planned.stacks, planned.containers, list(planned.routes)) == (
        ("shop",),
        ("po-shop-web-prod-blue",),
        ["shop"],
    )


def test_another_environment_retains_the_proxy() -> None:
    planned = plan(scanned(), [], False)
    assert planned.shared == ()
    assert planned.disconnects == ((FRONT, "po-proxy"),)
    assert planned.networks == (OWN, FRONT)
    assert Path("/proxy") not in planned.paths


def test_the_proxy_is_removed_with_the_last_environment() -> None:
    front_of_old = LabelledResource(
        "po-front-old", names.labels(project="po", environment="old", role="front"), ("po-proxy",)
    )
    pages = LabelledResource("po-pages", names.labels(project="po", role="pages"), ("po-pages", "po-proxy"))
    last = scanned(
        others=(),
        networks=(*scanned().networks, front_of_old, pages),
        shared={
            "po-proxy": shared_container("proxy", FRONT, "po-pages"),
            "po-pages": shared_container("pages", "po-pages"),
        },
        proxy_error="it does not answer",
    )
    planned = plan(last, [], False)
    assert planned.shared == ("po-pages", "po-proxy")
    assert planned.networks == ("po-front-old", "po-pages", OWN, FRONT)
    assert (planned.routes, planned.disconnects, planned.paths[-1]) == ({}, (), Path("/proxy"))


def test_a_proxy_that_runs_as_a_unit_is_removed_with_the_last_environment() -> None:
    planned = plan(scanned(others=(), shared={}, unit="po-proxy.service"), [], False)
    assert (planned.unit, "unit po-proxy.service" in planned.removed) == ("po-proxy.service", True)
    assert "Debian's package of the proxy, and the user it ran as" in planned.retained
    assert plan(scanned(unit="po-proxy.service"), [], False).unit is None


def test_the_proxy_is_never_removed_with_a_single_stack() -> None:
    assert plan(scanned(others=()), ["shop"], True).shared == ()


def test_a_silent_proxy_is_an_error_while_other_environments_use_it() -> None:
    with pytest.raises(SwitchyardError, match="it does not answer"):
        plan(scanned(proxy_error="it does not answer"), [], False)


# --- what is retained ---


def test_the_only_network_of_a_shared_server_is_retained() -> None:
    networks = (resource(BACK, "po-postgres", "po-redis", role="back"),)
    shared = {
        "po-postgres": shared_container("postgres", BACK),
        "po-redis": shared_container("redis", BACK, "po-back-qual"),
    }
    planned = plan(scanned(networks=networks, shared=shared), [], False)
    assert (planned.disconnects, planned.networks) == ((), ())
    assert planned.retained == (f"the network {BACK}: po-postgres has no other",)


def test_a_server_of_the_environment_leaves_the_network_of_a_retired_stack() -> None:
    own = container("po-own-redis-prod", labels={"stack": "", "role": "redis"}, addresses={BACK: "", "po-other": ""})
    networks = (resource(BACK, "po-own-redis-prod", stack="shop", role="back"),)
    planned = plan(scanned(networks=networks, containers=(own,)), ["shop"], False)
    assert (planned.disconnects, planned.networks) == (((BACK, "po-own-redis-prod"),), (BACK,))
    assert planned.containers == ()


def test_what_a_foreign_container_uses_is_retained() -> None:
    networks = (resource(OWN, "po-shop-web-prod-blue", "foreign", stack="shop"),)
    volumes = (resource("po-shop-media-prod", "po-shop-celery-prod", "foreign", stack="shop"),)
    planned = plan(scanned(networks=networks, volumes=volumes), [], True)
    assert (planned.networks, planned.volumes) == ((), ())
    assert [line.rpartition(": ")[2] for line in planned.retained] == ["foreign uses it"] * 2


def test_data_is_listed_and_removed_only_on_request() -> None:
    folders = {"shop": (Path("/r/backups"), Path("/r/releases"))}
    stack = checked(postgres={"password": "x"}, redis={"password": "x", "databases": [0]})
    record = Record(1, "blue", "live", "f", stack, "ann", 1.0)
    whole = scanned(volumes=(resource("po-shop-media-prod", stack="shop"),), folders=folders, records={"shop": record})
    without_data = plan(whole, [], False)
    assert (without_data.volumes, without_data.paths) == ((), (Path("/r/releases"),))
    assert without_data.retained == (
        "the volume po-shop-media-prod (-e remove_data=true removes it)",
        "/r/backups (-e remove_data=true removes it)",
        "the database shop_prod in PostgreSQL, with its logins",
        "the user shop-prod in Redis, with its database numbers",
    )
    with_data = plan(whole, [], True)
    assert with_data.volumes == ("po-shop-media-prod",)
    assert Path("/r/backups") in with_data.paths
    assert [line.split()[1] for line in with_data.retained] == ["database", "user"]


def test_the_labels_of_a_proxy_behind_traefik_are_listed() -> None:
    proxy = replace(shared_container("proxy", FRONT, "traefik"), labels={"io.switchyard.routers.prod": "{}"})
    assert "until setup.yml runs" in plan(scanned(shared={"po-proxy": proxy}), [], False).retained[-1]


# --- the environment's own Redis ---

REDIS = container("po-own-redis-prod", labels={"stack": "", "role": "redis"})


def with_redis() -> EnvironmentScan:
    volume = resource("po-own-redis-prod", "po-own-redis-prod", role="redis")
    return scanned(containers=(colored("blue", 1), REDIS), volumes=(volume,), redis_folder=Path("/r/redis-prod"))


def test_the_redis_of_an_environment_is_removed_with_it() -> None:
    planned = plan(with_redis(), [], False)
    assert "po-own-redis-prod" in planned.containers
    assert (planned.volumes, Path("/r/redis-prod") in planned.paths) == ((), True)
    assert "the volume po-own-redis-prod (-e remove_data=true removes it)" in planned.retained
    assert plan(with_redis(), [], True).volumes == ("po-own-redis-prod",)


def test_the_redis_of_an_environment_stays_when_one_stack_is_removed() -> None:
    planned = plan(with_redis(), ["shop"], True)
    assert "po-own-redis-prod" not in (*planned.containers, *planned.volumes)
    assert Path("/r/redis-prod") not in planned.paths
