from __future__ import annotations

import json
import typing as t
from collections.abc import Callable
from dataclasses import replace

import pytest
from fakes import COMPOSE, HOST, Machine, checked, container, given, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import SourceSpec, Stack
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import networks
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import (
    EngineError,
    ProblemsFound,
    ProxyUnavailable,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import examine
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.inventory_facts import InventoryFacts
from ansible_collections.switchyard.stacks.plugins.module_utils.release.stack_input import StackInput

Docker = Callable[[str], Callable[[], list[str]]]


@pytest.fixture(autouse=True)
def _server(docker: Docker, machine: Machine) -> None:
    docker(COMPOSE)
    machine.engine.__init__(images=["reg/web:1", "reg/celery:1"])  # type: ignore[misc]


def run(machine: Machine, *specs: StackInput, mode: str = "deploy", min_free: int = 0) -> examine.PreflightResult:
    return examine.run_preflight(machine.host, specs, mode, examine.PreflightOptions(min_free))


def fail(error: Exception) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


BLOG = checked(name="blog", routes=[{"service": "site", "port": 8000, "hosts": ["blog.org"]}])


def blog(**service: object) -> StackInput:
    sources = {"docker-compose.yml": json.dumps(normalised(site={"image": "reg/web:1", **service}))}
    return StackInput(BLOG, sources, {}, "switchyard_stacks[blog]")


def test_the_first_release_takes_blue(machine: Machine) -> None:
    result = run(machine, given())
    assert (result.problems, result.skipped_checks, result.locks) == ([], [], {})
    assert [(plan.stack, plan.action, plan.color) for plan in result.plans] == [("shop", "release", "blue")]


def test_the_networks_of_all_stacks_are_counted_against_the_pool(machine: Machine) -> None:
    assert run(machine, given(), blog()).networks == {"created": 4, "left": 1020}
    networks.ensure(t.cast(t.Any, machine.engine), machine.root, [], "10.201.0.0/25")
    result = run(machine, given(), blog())
    assert result.networks == {"created": 4, "left": 0}
    assert [str(problem) for problem in result.problems] == [
        f"switchyard_stacks[blog]: The pool 10.201.0.0/25 has no free subnet of 64 addresses for the network {name}; "
        "used by: the network po-shop-default-prod, the network po-shop-prod.front. Set another "
        "switchyard_network_pool that nothing uses, and run setup.yml; or retire stacks."
        for name in ("po-blog-default-prod", "po-blog-prod.front")
    ]
    assert run(machine, given(), mode="rollback").networks == {}


def test_every_stack_is_planned_and_lock_holders_are_named(machine: Machine) -> None:
    machine.lock("bob@desk")
    local = given(name="local", strategy="in_place", source={"path": str(machine.root)})
    (machine.root / "docker-compose.yml").write_text("{}")
    result = run(machine, given(), local)
    assert result.problems == []
    assert [(plan.stack, plan.action) for plan in result.plans] == [("shop", "release"), ("local", "in_place")]
    assert result.locks["shop"].holder == "bob@desk"


def test_problems_of_all_checks_and_stacks_come_together(machine: Machine) -> None:
    machine.proxy.state = ProxyState({}, {("po.news.prod", "blue", f"{HOST}/"): "site"})
    machine.engine.start(container("po-shop-web-prod-green", labels={"stack": "news"}))
    machine.engine.folder = "/"
    result = run(machine, given(normalised(web={"image": "reg/web"})), blog(privileged=True), min_free=2**60)
    assert [(problem.where, problem.code) for problem in result.problems] == [
        *[("server", "server.disk_space")] * len(machine.host.free_bytes()),
        ("switchyard_stacks[shop].compose.services.web.image", "compose.image_not_fixed"),
        ("switchyard_stacks[shop].routes", "route.conflict"),
        ("switchyard_stacks[shop]", "name.conflict"),
        ("switchyard_stacks[blog].compose.services.site.privileged", "compose.not_allowed"),
    ]
    assert (result.plans, result.skipped_checks) == ([], [])


def test_files_with_problems_have_no_plan_and_other_stacks_have(machine: Machine) -> None:
    result = run(machine, given(normalised(web={"image": None})), blog())
    assert [problem.code for problem in result.problems] == ["compose.image_missing"]
    assert [plan.stack for plan in result.plans] == ["blog"]


def test_a_proxy_that_does_not_answer_skips_only_the_checks_that_need_it(machine: Machine) -> None:
    machine.proxy.read = fail(ProxyUnavailable("The proxy does not answer.", hint="Look at its log."))  # type: ignore[assignment]
    result = run(machine, given(normalised(web={"image": "reg/web"})))
    assert [str(problem) for problem in result.problems] == [
        "server: The proxy does not answer. Look at its log.",
        "switchyard_stacks[shop].compose.services.web.image: reg/web has no tag. "
        "Write a fixed tag or a digest, as app:1.2.",
    ]
    assert [(item.check, item.where) for item in result.skipped_checks] == [
        ("foreign_proxy_files", "server"),
        ("certificate_days", "server"),
        *(
            (check, "switchyard_stacks[shop]")
            for check in ("egress_holds", "route_options_supported", "static_files", "route_conflicts", "paused_canary")
        ),
    ]
    assert {item.reason for item in result.skipped_checks} == {"needs proxy: The proxy does not answer."}
    assert result.plans == []


def test_an_engine_that_does_not_answer_skips_all_but_the_files(machine: Machine) -> None:
    machine.engine.networks_in_use = fail(EngineError("No engine answers."))  # type: ignore[method-assign,assignment]
    result = run(machine, given(normalised(web={"image": "reg/web"})))
    assert [problem.code for problem in result.problems] == ["server.engine", "compose.image_not_fixed"]
    ran = {"services_exist", "image_tags", "compose_keys", "bind_mounts", "static_volumes", "secrets_used"}
    assert not ran & {item.check for item in result.skipped_checks}
    assert {"disk_space", "name_conflicts"} <= {item.check for item in result.skipped_checks}


def test_files_that_compose_rejects_skip_the_checks_of_their_content(machine: Machine, docker: Docker) -> None:
    docker("echo 'services.web.imge is not allowed' >&2; exit 15")
    machine.proxy.state = ProxyState({}, {("po.news.prod", "blue", f"{HOST}/"): "site"})
    result = run(machine, given())
    assert [problem.code for problem in result.problems] == ["compose.invalid", "route.conflict"]
    reasons = {item.reason for item in result.skipped_checks}
    assert reasons == {"needs compose: Compose rejects docker-compose.yml: services.web.imge is not allowed"}


def test_a_server_without_the_compose_plugin_is_one_problem_for_all_stacks(machine: Machine, docker: Docker) -> None:
    docker("echo 'unknown flag: --project-name' >&2; exit 125")
    result = run(machine, given(), blog())
    assert [problem.code for problem in result.problems] == ["server.engine"]


def test_two_stacks_of_one_inventory_share_no_name_by_chance(machine: Machine) -> None:
    services = {"blog-cache": {"image": "reg/web:1"}, "cache": {"image": "reg/web:1"}}
    content = {**normalised(web={}, **services), "volumes": {"files": {}, "blog-files": {}}}
    other = {**normalised(site={"image": "reg/web:1"}, cache={"image": "reg/web:1"}), "volumes": {"files": {}}}
    second = replace(blog(), sources={"docker-compose.yml": json.dumps(other)})
    assert run(machine, given(content), second).problems == []
    result = run(machine, given(content, name="po"), second)
    shared = ("container po-blog-cache-prod-blue", "container po-blog-cache-prod-green", "volume po-blog-files-prod")
    assert [(problem.where, problem.message) for problem in result.problems] == [
        ("switchyard_stacks[blog]", f"the {resource} belongs to switchyard_stacks[shop] as well") for resource in shared
    ]


def test_a_stack_in_place_whose_files_are_missing(machine: Machine) -> None:
    result = run(machine, given(strategy="in_place", source={"path": "/missing"}))
    assert [problem.code for problem in result.problems] == ["stack.in_place"]
    assert [plan.action for plan in result.plans] == ["in_place"]


def test_a_stack_in_place_whose_files_compose_rejects(machine: Machine, docker: Docker) -> None:
    docker("echo wrong >&2; exit 15")
    (machine.root / "docker-compose.yml").write_text("{}")
    result = run(machine, given(strategy="in_place", source={"path": str(machine.root)}))
    assert [problem.message for problem in result.problems] == ["Compose rejects docker-compose.yml: wrong"]


def test_the_files_are_normalised_once_for_all_checks(machine: Machine, docker: Docker) -> None:
    notes = docker(COMPOSE)
    run(machine, given(), blog())
    assert len(notes()) == 2


def test_preflight_changes_nothing(machine: Machine) -> None:
    before = sorted(machine.root.rglob("*"))
    run(machine, given(normalised(web={"secrets": [{"source": "key"}]}), {"key": "hunter2"}))
    assert [path for path in sorted(machine.root.rglob("*")) if path not in before] == [machine.root / "docker.log"]
    assert machine.proxy.plans == []
    assert machine.ctx.lock.state() is None


def test_the_result_of_the_module_has_plain_values(machine: Machine) -> None:
    machine.proxy.read = fail(ProxyUnavailable("The proxy does not answer."))  # type: ignore[assignment]
    result = state_file.as_json(run(machine, given()))
    assert result["problems"][0] == {
        "where": "server",
        "message": "The proxy does not answer",
        "hint": "Run setup.yml",
        "code": "server.proxy",
        "severity": "error",
    }
    assert result["skipped_checks"][0]["check"] == "foreign_proxy_files"
    assert "skipped" not in result
    assert (result["plans"], result["locks"]) == ([], {})
    assert json.loads(json.dumps(result)) == result


# --- rollback and promote ---


def test_a_rollback_leads_to_the_release_before(machine: Machine) -> None:
    machine.released("blue", state="superseded")
    machine.released("green", previous=1)
    machine.make_live("green")
    result = run(machine, given(), mode="rollback")
    assert result.problems == []
    assert [(plan.color, plan.target) for plan in result.plans] == [("blue", 1)]


def test_a_deploy_of_an_older_version_says_so(machine: Machine) -> None:
    machine.released("blue", service_images={"web": "reg/web:2"})
    machine.make_live("blue")
    (plan,) = run(machine, given()).plans
    assert plan.downgrades == ("reg/web: 2 -> 1",)
    assert "older than the live version: reg/web: 2 -> 1" in plan.reasons


def test_a_rollback_takes_the_routes_of_the_record(machine: Machine) -> None:
    machine.released("blue")
    machine.released("green", previous=1)
    machine.make_live("green")
    bare = StackInput(Stack(name="shop", source=SourceSpec(path=".")), {}, {}, "switchyard_stacks[shop]")
    result = run(machine, bare, mode="rollback")
    assert (result.problems, [(plan.color, plan.target) for plan in result.plans]) == ([], [("blue", 1)])


def test_a_server_without_an_earlier_release(machine: Machine) -> None:
    machine.released("blue")
    machine.make_live("blue")
    result = run(machine, given(), mode="rollback")
    assert [str(problem) for problem in result.problems] == [
        "switchyard_stacks[shop]: there is no earlier release on this server to go back to. "
        "Deploy the version you want with deploy.yml."
    ]
    assert result.plans == []


def test_while_a_canary_serves_clients_only_canaries_are_taken_back(machine: Machine) -> None:
    machine.released("blue")
    machine.released("green", state="paused", previous=1)
    machine.make_live("blue")
    machine.proxy.state = replace(machine.proxy.state, weights={"po.shop.prod": 5})
    result = run(machine, given(), blog(), mode="rollback")
    assert result.problems == []
    assert [(plan.stack, plan.action) for plan in result.plans] == [("shop", "cancel_canary")]


def test_a_promote_without_a_paused_canary(machine: Machine) -> None:
    result = run(machine, given(), mode="promote")
    assert [str(problem) for problem in result.problems] == ["server: no canary is paused. Begin one with deploy.yml."]


def test_a_rollback_needs_the_proxy(machine: Machine) -> None:
    machine.proxy.read = fail(ProxyUnavailable("The proxy does not answer."))  # type: ignore[assignment]
    result = run(machine, given(), mode="rollback")
    assert [problem.code for problem in result.problems] == ["server.proxy"]
    assert [(item.check, item.reason) for item in result.skipped_checks if item.where != "server"] == [
        ("plan", "needs proxy: The proxy does not answer.")
    ]


# --- one stack, under its lock ---


def test_a_stack_without_problems_has_its_images(machine: Machine) -> None:
    spec = given(normalised(web={}, cache={"image": "redis:7"}), inner=["cache"])
    found, plan = examine.examine_stack(machine.ctx, spec, "deploy")
    assert found
    assert plan == found.plan
    assert (found.images, found.pulls) == ({"reg/web:1": "sha256:reg/web:1"}, ["redis:7"])
    assert set(found.mounts.normalised["services"]) == {"web", "cache"}


def test_a_stack_with_problems_is_an_error_with_all_of_them(machine: Machine) -> None:
    with pytest.raises(ProblemsFound, match=r"shop cannot be released \(1\):\n  1\. .*reg/web has no tag") as error:
        examine.examine_stack(machine.ctx, given(normalised(web={"image": "reg/web"})), "deploy")
    assert [problem.code for problem in error.value.problems] == ["compose.image_not_fixed"]


def test_a_proxy_that_does_not_answer_is_the_error_of_a_stack(machine: Machine) -> None:
    machine.proxy.read = fail(ProxyUnavailable("The proxy does not answer."))  # type: ignore[assignment]
    with pytest.raises(ProxyUnavailable):
        examine.examine_stack(machine.ctx, given(), "deploy")


def test_a_rollback_of_a_stack_takes_nothing_of_the_inventory(machine: Machine) -> None:
    machine.released("blue", state="superseded")
    machine.released("green", previous=1)
    machine.make_live("green")
    found, plan = examine.examine_stack(machine.ctx, replace(given(), sources={}), "rollback")
    assert found is None
    assert plan.target == 1


def test_the_module_and_the_release_read_the_same_lock(machine: Machine) -> None:
    machine.lock("ann@laptop")
    holder = machine.ctx.lock.state()
    assert run(machine, given()).locks == {"shop": holder}


def with_inventory(machine: Machine, mode: str = "deploy") -> examine.PreflightResult:
    """Return the result for an inventory with one stack."""
    facts = InventoryFacts(("shop",), retire="ansible-playbook retire.yml -i inventories/prod")
    return examine.run_preflight(machine.host, [given()], mode, examine.PreflightOptions(inventory=facts))


def test_what_the_inventory_no_longer_has_is_reported_and_stops_nothing(machine: Machine) -> None:
    machine.engine.start(container("po-blog-site-prod-blue", labels={"stack": "blog", "role": "routed"}))
    machine.engine.start(container("po-shop-db-prod", labels={"role": "accessory", "service": "db"}))
    machine.proxy.state = ProxyState({"po.blog.prod": "blue"}, {("po.blog.prod", "blue", "blog.org/"): "site"})
    result = with_inventory(machine)
    assert result.problems == []
    assert [plan.action for plan in result.plans] == ["release"]
    assert [(one.stack, one.command) for one in result.left_overs] == [
        ("blog", "ansible-playbook retire.yml -i inventories/prod -e stack=blog"),
        ("shop", "docker stop po-shop-db-prod && docker rm po-shop-db-prod"),
    ]
    assert "routes blog.org/, 1 container" in result.left_overs[0].message
    assert state_file.as_json(result)["left_overs"][1]["stack"] == "shop"
    assert [notice.code for notice in result.notices].count("server.left_over") == 2


def test_nothing_is_left_over_without_the_inventory_or_the_engine_or_in_a_rollback(machine: Machine) -> None:
    machine.engine.start(container("po-blog-site-prod-blue", labels={"stack": "blog", "role": "routed"}))
    assert run(machine, given()).left_overs == []
    assert with_inventory(machine, "rollback").left_overs == []
    machine.engine.networks_in_use = fail(EngineError("No engine answers."))  # type: ignore[method-assign,assignment]
    assert with_inventory(machine).left_overs == []


def test_the_facts_of_the_inventory_come_from_the_action() -> None:
    settings = {"proxy": {"proxy_http_port": 80}}
    facts = InventoryFacts.from_module(
        {"stacks": ["shop"], "settings": settings, "operator": "a@b"}, ("po", "prod"), 1.0
    )
    assert facts.settings
    assert (facts.stacks, facts.settings.settings, facts.settings.by) == (("shop",), settings, "a@b")
    nothing = InventoryFacts.from_module({}, ("po", "prod"), 1.0)
    assert (nothing.stacks, nothing.settings, nothing.retire) == (None, None, "ansible-playbook retire.yml")
