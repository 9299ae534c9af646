from __future__ import annotations

import json
import typing as t
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import COMPOSE, HOST, FakeEngine, Machine, checked, colored, container, given, normalised, worker

from ansible_collections.switchyard.stacks.plugins.module_utils import names, state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState
from ansible_collections.switchyard.stacks.plugins.module_utils.release import fingerprint as release_fingerprint
from ansible_collections.switchyard.stacks.plugins.module_utils.release import stack_input
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import examine

Docker = Callable[[str], Callable[[], list[str]]]


@pytest.fixture(autouse=True)
def _compose(docker: Docker, machine: Machine) -> None:
    docker(COMPOSE)
    machine.engine.__init__(images=["reg/web:1", "reg/celery:1"])  # type: ignore[misc]
    machine.engine.ensure_network("po-front-prod", False, {})


def seen(machine: Machine, what: stack_input.StackInput) -> examine.PreflightResult:
    return examine.examine_stack(machine.ctx, what)


def complaints(found: examine.PreflightResult) -> list[str]:
    return [str(problem) for problem in found.problems]


# --- the server ---


def server_problems(machine: Machine, least: int = 0, routes: bool = True) -> list[str]:
    return [str(problem) for problem in examine.examine_host(machine.host, least, routes)]


def test_a_server_that_is_ready(machine: Machine) -> None:
    assert server_problems(machine) == []


def test_all_that_is_wrong_with_a_server_comes_together(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> t.NoReturn:
        raise SwitchyardError("The proxy does not answer. Look at its log.")

    machine.engine.made_networks.clear()
    machine.engine.folder = str(machine.root)
    monkeypatch.setattr(machine.proxy, "read", silent)
    found = server_problems(machine, least=2**60)
    assert [line.split(". ")[-2:] for line in found[1:]] == [
        ["server: the network po-front-prod is missing", "Run setup.yml."],
        ["server: The proxy does not answer", "Run setup.yml."],
    ]
    assert f"{machine.root} has " in found[0]
    assert "1073741824.0 GiB are asked for. Make room" in found[0]


def test_an_environment_without_routes_needs_no_proxy(machine: Machine) -> None:
    machine.engine.made_networks.clear()
    assert server_problems(machine, routes=False) == []


# --- one stack ---


def test_the_first_release_goes_to_blue(machine: Machine) -> None:
    found = seen(machine, given())
    assert found.problems == []
    assert found.plan
    assert (found.plan.action, found.plan.color) == ("release", "blue")
    assert found.images == {"reg/web:1": "sha256:reg/web:1"}


def test_what_a_route_asks_for_and_the_proxy_was_not_given(machine: Machine) -> None:
    ways = [{"service": "web", "port": 8000, "hosts": [HOST], "https": "redirect", "basic_auth": "staff"}]
    found = seen(machine, given(routes=ways))
    where = "switchyard_stacks[shop].routes[0]"
    assert complaints(found) == [
        f"{where}.https: the proxy has no https port. Set proxy_https_port, then run setup.yml.",
        f"{where}.basic_auth: the proxy knows no list of users staff. Add it to proxy_users, then run setup.yml.",
    ]


FILES = {**normalised(), "volumes": {"static": {}, "media": {}}}


def test_what_this_kind_of_proxy_cannot_do(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        machine.proxy, "unsupported_options", lambda rules: [("response_timeout", "it has no patience")]
    )
    static = [{"volume": "static", "hosts": [HOST], "path": "/static/"}]
    assert complaints(seen(machine, given(FILES, static=static))) == [
        "switchyard_stacks[shop].routes[0].response_timeout: it has no patience. Take it out, or take another proxy.",
        "switchyard_stacks[shop].static: this proxy serves no files of its own. "
        "Give them a service that does, or take nginx in a container.",
    ]


def test_files_of_a_volume_that_the_proxy_was_not_given(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.proxy, "serves_files", True)
    static = [{"volume": name, "hosts": [HOST], "path": f"/{name}/"} for name in ("static", "media")]
    monkeypatch.setattr(machine.proxy, "volumes", lambda: ("po-static-prod",))
    assert complaints(seen(machine, given(FILES, static=static))) == [
        "switchyard_stacks[shop].static[1].volume: the proxy does not have the volume po-media-prod. Run setup.yml."
    ]


def test_a_release_that_runs_is_left_as_it_is(machine: Machine) -> None:
    machine.deployed("green", given())
    plan = seen(machine, given()).plan
    assert plan
    assert (plan.action, plan.color, plan.changed) == ("none", "green", False)


CELERY = normalised(web={}, celery={})


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        (given(normalised(web={"environment": {"A": "2"}})), "the running release differs"),
        (given(normalised(web={"image": "reg/web:2"})), "reg/web:2 is not on the server yet"),
        (given(routes=[{"service": "web", "port": 9000, "hosts": [HOST]}]), "the proxy does not have these routes"),
        (given(routes=[{"service": "web", "port": 8000, "hosts": [HOST, "b.org"]}]), "the proxy does not have these"),
        (given(CELERY, workers=["celery"]), "the running release differs"),
    ],
)
def test_what_makes_a_release(machine: Machine, new: stack_input.StackInput, reason: str) -> None:
    machine.deployed("green", given())
    plan = seen(machine, new).plan
    assert plan
    assert (plan.action, plan.color) == ("release", "blue")
    assert any(line.startswith(reason) for line in plan.reasons), plan.reasons


def test_a_live_container_that_ended_makes_a_release(machine: Machine) -> None:
    machine.deployed("green", given())
    web = machine.engine.standing["po-web-prod-green"]
    machine.engine.start(replace(web, state="exited"))
    plan = seen(machine, given()).plan
    assert plan
    assert plan.reasons == ("a container of the live release is not running",)


def test_a_worker_of_another_release_makes_a_release(machine: Machine) -> None:
    what = given(CELERY, workers=["celery"])
    record = machine.deployed("green", what, workers=1)
    machine.engine.start(worker(record.number, record.fingerprint))
    plan = seen(machine, what).plan
    assert plan
    assert plan.action == "none"
    machine.engine.start(worker(record.number, "older"))
    plan = seen(machine, what).plan
    assert plan
    assert plan.action == "release"


def test_files_that_compose_refuses_are_one_problem(machine: Machine, docker: Docker) -> None:
    docker("echo 'services.web.imge is not allowed' >&2; exit 15")
    found = seen(machine, given())
    assert found.plan is None
    assert "switchyard_stacks[shop].compose: Compose rejects docker-compose.yml: services.web.imge" in str(
        found.problems[0]
    )


def test_problems_of_files_server_and_proxy_come_together(machine: Machine) -> None:
    machine.proxy.state = ProxyState({}, {("po.blog.prod", "blue", f"{HOST}/"): "site"})
    machine.engine.start(container("po-web-prod-green", labels={"stack": "blog"}))
    found = complaints(seen(machine, given(normalised(web={"image": "reg/web"}))))
    assert len(found) == 3
    assert "reg/web has no tag" in found[0]
    assert f"switchyard_stacks[shop].routes: {HOST}/ leads to po.blog.prod on this server" in found[1]
    assert "the name po-web-prod-green belongs to a container that is not of this stack" in found[2]
    assert "docker rm -f po-web-prod-green" in found[2]


def test_a_network_or_volume_of_another_stack_is_not_shared_by_chance(machine: Machine) -> None:
    content = {**normalised(web={}), "volumes": {"files": {}}}
    content["networks"]["default"] = {"name": "shared", "external": True}
    machine.engine.ensure_volume("po-files-prod", "local", {}, names.labels(stack="blog"))
    found = complaints(seen(machine, given(content)))
    assert len(found) == 1
    assert "the volume po-files-prod belongs to the stack blog" in found[0]
    assert "declare it external" in found[0]
    machine.engine.made_volumes["po-files-prod"]["labels"] = names.labels(stack="shop")
    assert complaints(seen(machine, given(content))) == []
    machine.engine.made_volumes["po-files-prod"]["labels"] = {}
    assert complaints(seen(machine, given(content))) == []


def test_two_stacks_of_one_inventory_do_not_share_a_volume_by_chance(machine: Machine) -> None:
    sources = {"docker-compose.yml": json.dumps({**normalised(web={}), "volumes": {"files": {}}})}
    other = {"name": "blog", "routes": [{"service": "web", "port": 8000, "hosts": ["blog.org"]}]}
    stacks = [
        {
            "definition": state_file.as_json(checked(**change)),
            "sources": sources,
            "inventory_path": f"switchyard_stacks[{number}]",
        }
        for number, change in enumerate(({}, other))
    ]
    machine.engine.made_networks["po-front-prod"] = {}
    result = examine.run_preflight(machine.host, stacks, {}, mode="deploy", least_free=0)
    assert [problem["message"] for problem in result["problems"] if "volume" in problem["message"]] == [
        "the volume po-files-prod belongs to switchyard_stacks[0] as well"
    ]


def test_the_same_stack_of_another_environment_is_not_this_one(machine: Machine) -> None:
    machine.engine.start(container("po-web-prod-blue", labels={"environment": "web-prod"}))
    assert "belongs to a container that is not of this stack" in complaints(seen(machine, given()))[0]


def test_looking_changes_nothing(machine: Machine) -> None:
    before = sorted(machine.root.rglob("*"))
    seen(machine, given(normalised(web={"secrets": [{"source": "key"}]}), {"key": "hunter2"}))
    assert [path for path in sorted(machine.root.rglob("*")) if path not in before] == [machine.root / "docker.log"]
    assert machine.proxy.plans == []
    assert machine.ctx.lock.state() is None


# --- secrets ---

SECRET = {"secrets": [{"source": "key"}]}


def test_secret_files_belong_to_the_user_that_reads_them(machine: Machine) -> None:
    content, images = normalised(web=SECRET, celery=SECRET), {"reg/web:1": "reg/web:1", "reg/celery:1": "reg/celery:1"}
    what = given(content, {"key": "x"})
    for image in images:
        machine.engine.images[image] = replace(machine.engine.images[image], user=1234)
    assert examine.secrets_owner(machine.ctx, content, what, images) == 1234
    content["services"]["web"]["user"] = content["services"]["celery"]["user"] = "77:88"
    assert examine.secrets_owner(machine.ctx, content, what, images) == 77
    content["services"]["web"]["user"] = "app"
    with pytest.raises(SwitchyardError, match="different users, or without a number"):
        examine.secrets_owner(machine.ctx, content, what, images)
    named = given(content, {"key": "x"}, secrets_owner=5)
    assert examine.secrets_owner(machine.ctx, content, named, images) == 5


def test_readers_that_differ_are_a_problem_before_anything_changes(machine: Machine) -> None:
    content = normalised(web={**SECRET, "user": "1"}, celery={**SECRET, "user": "2"})
    found = complaints(seen(machine, given(content, {"key": "x"})))
    assert found[0].startswith("switchyard_stacks[shop].secrets_owner: the services of shop read their secrets as diff")


# --- fingerprint ---


def fingerprint(machine: Machine, what: stack_input.StackInput) -> str:
    content = json.loads(what.sources["docker-compose.yml"])
    return release_fingerprint.fingerprint_of(machine.ctx, content, what, {"reg/web:1": "sha256:1"})


def test_a_secret_changes_the_fingerprint_and_cannot_be_read_from_it(machine: Machine) -> None:
    first, second = (fingerprint(machine, given(secrets={"key": value})) for value in ("a", "b"))
    assert first != second
    (machine.root / "proxy" / "server-preview.key").write_text("key of another server")
    assert fingerprint(machine, given(secrets={"key": "a"})) != first


def test_a_mounted_file_changes_the_fingerprint(machine: Machine) -> None:
    what = given(files=["motd"])
    made = {fingerprint(machine, replace(what, sources={**what.sources, "motd": text})) for text in ("a", "b", "a")}
    assert len(made) == 2


def test_number_and_color_do_not_change_the_fingerprint(machine: Machine) -> None:
    first = machine.deployed("blue", given())
    second = machine.deployed("green", given())
    assert first.number != second.number
    assert first.fingerprint == second.fingerprint


def test_a_folder_takes_the_place_of_another_everywhere() -> None:
    moved = examine.rebase_paths({"a": ["/tmp/x/b", {"c": "/tmp/x"}], "d": "tmp"}, "/tmp/x", "/source")
    assert moved == {"a": ["/source/b", {"c": "/source"}], "d": "tmp"}


# --- the way back ---


def test_the_way_back_leads_to_the_release_before(machine: Machine) -> None:
    machine.released("blue", state="superseded")
    machine.released("green", previous=1)
    machine.make_live("green")
    # What a later release that failed left behind is not what is live.
    machine.engine.start(worker(3))
    plan, problems = examine.examine_records(machine.ctx, "switchyard_stacks[shop]", "rollback")
    assert problems == []
    assert plan
    assert (plan.color, plan.target) == ("blue", 1)


def test_there_may_be_no_way_back(machine: Machine) -> None:
    machine.released("blue")
    machine.make_live("blue")
    plan, problems = examine.examine_records(machine.ctx, "switchyard_stacks[shop]", "rollback")
    assert plan is None
    assert "no earlier release on this server to go back to. Deploy the version you want" in str(problems[0])


# --- on a developer's own machine ---


def test_a_stack_that_runs_where_its_files_are(tmp_path: Path, docker: Docker) -> None:
    definition = checked(strategy="in_place", source={"path": str(tmp_path)})
    what = stack_input.StackInput(definition, {}, {}, "stacks[shop]")
    assert "Use in_place only with ansible_connection: local" in str(examine.examine_in_place(what)[0])
    (tmp_path / "docker-compose.yml").write_text("{}")
    assert examine.examine_in_place(what) == []
    docker("echo wrong >&2; exit 15")
    assert "Compose rejects docker-compose.yml: wrong" in str(examine.examine_in_place(what)[0])


# --- all of it ---


def item(what: stack_input.StackInput) -> dict[str, t.Any]:
    return {"definition": state_file.as_json(what.stack), "sources": what.sources, "inventory_path": what.where}


def test_preflight_plans_every_stack_and_says_who_releases(machine: Machine) -> None:
    machine.lock("bob@desk")
    local = given(name="local", strategy="in_place", source={"path": str(machine.root)})
    (machine.root / "docker-compose.yml").write_text("{}")
    result = examine.run_preflight(machine.host, [item(given()), item(local)], {}, "deploy", 0)
    assert result["problems"] == []
    assert [(plan["stack"], plan["action"]) for plan in result["plans"]] == [("shop", "release"), ("local", "in_place")]
    assert result["locks"]["shop"]["holder"] == "bob@desk"


def test_preflight_of_a_rollback(machine: Machine) -> None:
    result = examine.run_preflight(machine.host, [item(given())], {}, "rollback", 0)
    assert [problem["message"] for problem in result["problems"]] == [
        "there is no earlier release on this server to go back to"
    ]
    assert result["plans"] == []


def test_a_server_with_problems_is_not_asked_about_stacks(machine: Machine) -> None:
    vars(machine.host)["engine"] = FakeEngine()
    result = examine.run_preflight(machine.host, [item(given(normalised(web={"image": "x"})))], {}, "deploy", 0)
    assert [problem["where"] for problem in result["problems"]] == ["server"]


def test_a_container_of_the_color_that_is_not_live_does_not_count(machine: Machine) -> None:
    machine.deployed("green", given())
    machine.engine.start(colored("blue", 9, "newer", state="exited"))
    plan = seen(machine, given()).plan
    assert plan
    assert plan.action == "none"


def test_a_neighbours_file_in_the_proxys_folder_stands_in_the_way(machine: Machine) -> None:
    machine.engine.made_networks["po-front-prod"] = {"labels": {}}
    assert examine.examine_host(machine.host, 0, True) == []
    machine.proxy.foreign = {"99-theirs.cfg": "unknown keyword 'fronted'"}
    (problem,) = examine.examine_host(machine.host, 0, True)
    assert "unknown keyword 'fronted'" in problem.message
    assert "99-theirs.cfg" in problem.hint
    assert examine.examine_host(machine.host, 0, False) == []
