from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
import time
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.template import trust_as_template
from fakes import written
from fakes_action import action_of

from ansible_collections.switchyard.stacks.plugins.action import preflight
from ansible_collections.switchyard.stacks.plugins.plugin_utils.playbook_command import playbook_command

Answer = Callable[[dict[str, t.Any]], dict[str, t.Any]]


class OnServer(preflight.ActionModule):
    """The action with a server that answers as a test says, and notes what it was asked."""

    answer: Answer
    asked: dict[str, t.Any]

    def _execute_module(self, *words: t.Any, **options: t.Any) -> dict[str, t.Any]:
        self.asked = options["module_args"]
        return self.answer(self.asked)


class Controller:
    """Runs the action in an inventory of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: dict[str, t.Any] = {}
        (folder / "shop").mkdir()
        (folder / "shop" / "docker-compose.yml").write_text("services: {}")

    def run(
        self, stacks: t.Any, answer: Answer = lambda args: {}, others: dict[str, t.Any] | None = None, **args: t.Any
    ) -> dict[str, t.Any]:
        variables = {"switchyard_stacks": stacks, "inventory_dir": str(self.folder), **(others or {})}
        options = {"project": "po", "environment": "prod", **args}
        action = action_of(OnServer, "switchyard.stacks.preflight", options, variables)
        action.answer = answer
        result = action.run(task_vars=variables)
        self.asked = action.asked
        return result


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)


def lines(result: dict[str, t.Any]) -> list[str]:
    return [f"{problem['where']}: {problem['message']}" for problem in result["problems"]]


def test_a_good_inventory_reaches_the_server_with_its_files_and_without_its_secrets(controller: Controller) -> None:
    result = controller.run([written(secrets={"key": "hunter2"}, postgres={"password": "hunter3"})])
    assert result["problems"] == []
    assert not result["changed"]
    stack = result["stacks"][0]
    assert stack["inventory_path"] == "switchyard_stacks[shop]"
    assert stack["definition"]["source"]["path"] == str(controller.folder / "shop")
    assert "hunter" not in str(result)
    assert controller.asked["secrets"] == {"shop": {"key": "hunter2", "postgres_password": "hunter3"}}
    (asked,) = controller.asked["stacks"]
    assert asked["sources"] == {"docker-compose.yml": "services: {}"}
    assert (asked["definition"], asked["inventory_path"]) == (stack["definition"], stack["inventory_path"])


def test_every_variable_that_is_not_set_is_reported_with_its_path(controller: Controller) -> None:
    undefined = [trust_as_template("{{ " + name + " }}") for name in ("vault_key", "vault_postgres", "blog_host")]
    first = written(secrets={"key": undefined[0]}, postgres={"password": undefined[1]})
    second = {
        "name": "blog",
        "source": {"path": "shop"},
        "routes": [{"service": "site", "port": 80, "hosts": ["blog.org", undefined[2]]}],
    }
    result = controller.run([first, second])
    assert {problem["code"] for problem in result["problems"]} == {"inventory.not_templated"}
    found = lines(result)
    assert len(found) == 3
    for line, where, variable in zip(
        found,
        ("shop].secrets.key", "shop].postgres.password", "blog].routes[0].hosts[1]"),
        ("vault_key", "vault_postgres", "blog_host"),
    ):
        assert line.startswith(f"switchyard_stacks[{where}")
        assert f"'{variable}' is undefined" in line


def test_values_are_templated(controller: Controller) -> None:
    name = trust_as_template("{{ 'sh' ~ 'op' }}")
    assert controller.run([written(name=name)])["stacks"][0]["definition"]["name"] == "shop"


def test_problems_of_inventory_files_and_server_come_together(controller: Controller) -> None:
    def answer(args: dict[str, t.Any]) -> dict[str, t.Any]:
        return {
            "problems": [
                {"where": "server", "message": "the disk is full", "hint": "Make room", "code": "server.disk_space"}
            ],
            "plans": [],
        }

    secrets = {"key": trust_as_template("{{ vault_key }}")}
    wrong = written(rotes=[], compose=["docker-compose.yml", "prod.yml"], secrets=secrets)
    found = lines(controller.run([wrong], answer))
    assert len(found) == 4
    assert "vault_key" in found[0]
    assert found[1] == "switchyard_stacks[shop].rotes: unknown key"
    assert found[2].startswith("switchyard_stacks[shop].compose: ")
    assert "/shop/prod.yml cannot be read (No such file or directory)" in found[2]
    assert found[3] == "server: the disk is full"
    # What cannot be read is not sent.
    assert controller.asked["stacks"] == []


def test_a_server_without_a_name_is_not_asked(controller: Controller) -> None:
    variables = {"switchyard_stacks": [written()], "inventory_dir": str(controller.folder)}
    variables["ansible_host"] = "<fill in: the name or the address of the server>"
    action = action_of(OnServer, "switchyard.stacks.preflight", {"project": "po", "environment": "prod"}, variables)
    action.answer = lambda args: pytest.fail("the server was asked")
    assert lines(action.run(task_vars=variables)) == [
        "ansible_host: is still <fill in: the name or the address of the server>"
    ]


def test_files_that_compose_reads_are_sent_and_none_from_outside(controller: Controller) -> None:
    text = "services: {web: {image: a, env_file: [web.env, ../other.env]}}"
    (controller.folder / "shop" / "docker-compose.yml").write_text(text)
    for name in ("shop/.env", "shop/web.env", "other.env"):
        (controller.folder / name).write_text("A=1")
    result = controller.run([written()])
    assert lines(result) == ["switchyard_stacks[shop].compose: ../other.env leads out of source.path"]
    (controller.folder / "shop" / "docker-compose.yml").write_text("services: {web: {image: a, env_file: web.env}}")
    result = controller.run([written()])
    (asked,) = controller.asked["stacks"]
    assert sorted(asked["sources"]) == [".env", "docker-compose.yml", "web.env"]
    assert asked["sources"][".env"] == "A=1"
    # Ansible shows results.
    assert "A=1" not in str(result)


def test_mounted_files_are_described_and_secrets_are_read(controller: Controller) -> None:
    shop = controller.folder / "shop"
    text = "services: {web: {volumes: ['./logo.png:/logo.png']}}\nsecrets: {a: {file: a.txt}, b: {file: a.txt}}"
    (shop / "docker-compose.yml").write_text(text)
    (shop / "logo.png").write_bytes(b"\x89PNG\xff")
    (shop / "a.txt").write_text("of the file")
    result = controller.run([written(secrets={"b": "of the vault"})], lambda args: {"missing_files": {"shop": ["f1"]}})
    assert result["problems"] == []
    assert controller.asked["secrets"] == {"shop": {"a": "of the file", "b": "of the vault"}}
    assert list(controller.asked["stacks"][0]["tree"]) == ["logo.png"]
    assert result["stacks"][0]["missing_files"] == ["f1"]
    assert "of the file" not in str(result)


def test_files_that_cannot_be_sent_are_problems(controller: Controller) -> None:
    (controller.folder / "shop" / "passwd").symlink_to("/etc/passwd")
    found = controller.run([written(files=["missing", "passwd", "../shop"])])["problems"]
    assert [(problem["code"], problem["message"].split("/")[-1]) for problem in found] == [
        ("stack.file_outside", "passwd leads out of source.path"),
        ("stack.file_outside", "shop leads out of source.path"),
        ("stack.file_unreadable", "missing does not exist"),
    ]


def test_a_server_that_cannot_be_reached_is_a_problem_like_any_other(controller: Controller) -> None:
    def answer(args: dict[str, t.Any]) -> t.NoReturn:
        raise AnsibleConnectionFailure("Connection refused")

    result = controller.run([written(rotes=[])], answer)
    assert lines(result) == [
        "switchyard_stacks[shop].rotes: unknown key",
        "server: cannot be reached: Connection refused",
    ]
    assert not result.get("failed")
    assert not result.get("unreachable")


def test_a_server_that_cannot_run_the_check_is_a_problem_like_any_other(controller: Controller) -> None:
    result = controller.run([written()], lambda args: {"failed": True, "msg": "No module named 'docker'."})
    assert lines(result) == ["server: No module named 'docker'"]
    assert not result.get("failed")


def test_only_the_stacks_that_are_asked_for(controller: Controller) -> None:
    route = {"service": "site", "port": 80, "hosts": ["blog.org"]}
    stacks = [written(), written(name="blog", routes=[route])]
    result = controller.run(stacks, only=["blog"])
    assert [stack["definition"]["name"] for stack in result["stacks"]] == ["blog"]
    assert lines(controller.run(stacks, only=["blgo"])) == ["-e stack: there is no stack blgo"]


@pytest.mark.parametrize("only", ["blog", "blog,", ["blog"], "[blog]"])
def test_stacks_are_a_comma_list_or_a_list(controller: Controller, only: t.Any) -> None:
    route = {"service": "site", "port": 80, "hosts": ["blog.org"]}
    result = controller.run([written(), written(name="blog", routes=[route])], only=only)
    assert lines(result) == []
    assert [stack["definition"]["name"] for stack in result["stacks"]] == ["blog"]
    assert controller.asked["only"] == ["blog"]


def test_a_version_is_needed_where_a_release_is_made(controller: Controller) -> None:
    version = {"IMAGE": trust_as_template("shop:{{ shop_version }}")}
    route = {"service": "site", "port": 80, "hosts": ["blog.org"]}
    stacks = [written(variables=version, compose=["missing.yml"]), written(name="blog", routes=[route])]
    problems = controller.run(stacks)["problems"]
    assert [problem["code"] for problem in problems] == ["inventory.not_templated", "stack.file_unreadable"]
    assert problems[0]["hint"].startswith("Write -e shop_version=<value>, or set it")
    assert lines(controller.run(stacks, only="blog")) == []
    for mode in ("rollback", "promote"):
        result = controller.run(stacks, mode=mode)
        assert lines(result) == []
        assert [stack["definition"]["name"] for stack in result["stacks"]] == ["shop", "blog"]
        assert result["questions"] == []
    others = {"all_stacks": stacks}
    result = controller.run(trust_as_template("{{ all_stacks }}"), others=others, mode="rollback")
    assert (lines(result), len(result["stacks"])) == ([], 2)


def test_older_versions_and_other_stacks_are_asked_about(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [{"IMAGE": trust_as_template(f"x:{{{{ {name}_version }}}}")} for name in ("shop", "blog")]
    (controller.folder / "shop" / "docker-compose.yml").write_text("services: {web: {image: '$IMAGE'}}")
    route = {"service": "site", "port": 80, "hosts": ["blog.org"]}
    stacks = [written(variables=images[0]), written(name="blog", routes=[route], variables=images[1])]
    plan = {"changed": True, "live": "blue", "reasons": ["the running release differs"], "live_commit": None}
    plans = [
        {**plan, "stack": "shop", "downgrades": ["x: 2.0.0 -> 1.0.0"]},
        {**plan, "stack": "blog", "downgrades": []},
    ]
    others = {"shop_version": "1.0.0", "blog_version": "3.0.0"}

    def asked(**args: t.Any) -> list[tuple[str, str]]:
        result = controller.run(stacks, lambda _args: {"plans": plans}, others, **args)
        assert lines(result) == []
        return [(question["where"], question["code"]) for question in result["questions"]]

    shop = "switchyard_stacks[shop]"
    assert asked() == [(shop, "release.downgrade")]
    assert asked(accept_downgrade="true") == []
    monkeypatch.setattr(preflight, "extra_variables", lambda _loader: {"blog_version": "3.0.0"})
    assert asked() == [(shop, "release.downgrade"), (shop, "release.stack_not_named")]
    assert asked(accept_downgrade=True) == [(shop, "release.stack_not_named")]
    assert asked(accept_downgrade=True, only="shop,blog") == []


def test_a_misspelt_extra_variable_is_a_problem(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {"IMAGE": trust_as_template("x:{{ shop_version }}")}
    (controller.folder / "shop" / "docker-compose.yml").write_text("services: {web: {image: '$IMAGE'}}")
    monkeypatch.setattr(preflight, "typed_variables", lambda _loader: {"shop_versoin"})
    others = {"shop_version": "1.0.0", "shop_versoin": "2.0.0"}
    problems = controller.run([written(variables=variables)], others=others)["problems"]
    assert [(problem["where"], problem["hint"]) for problem in problems] == [
        ("-e shop_versoin", "Did you mean 'shop_version'?")
    ]


def test_no_stacks_at_all(controller: Controller) -> None:
    assert lines(controller.run(None)) == ["switchyard_stacks: has no stack"]


def test_the_holder_of_the_lock_is_shown_to_the_next_user(
    monkeypatch: pytest.MonkeyPatch, controller: Controller
) -> None:
    monkeypatch.delenv("CI_JOB_URL", raising=False)
    assert controller.run([written()])["lock_holder"].startswith(
        f"{getpass.getuser()}@{socket.gethostname()} (process "
    )
    monkeypatch.setenv("CI_JOB_URL", "https://git.example.org/jobs/7")
    assert controller.run([written()])["lock_holder"].endswith(", https://git.example.org/jobs/7")


def ended() -> int:
    """Return the number of a process that was there and is no longer."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_the_lock_of_a_process_that_ended_here_is_stale(controller: Controller) -> None:
    own = {"user": getpass.getuser(), "machine": socket.gethostname()}
    processes: dict[str, t.Any] = {
        "ended": {**own, "id": ended()},
        "running": {**own, "id": os.getpid()},
        "other_machine": {**own, "machine": "another-machine", "id": ended()},
        "other_user": {**own, "user": "somebody-else", "id": ended()},
        "without_process": None,
    }
    locks = {name: {"token": 7, "holder": "x", "process": process} for name, process in processes.items()}
    answer = {"problems": [], "plans": [], "locks": locks}
    assert controller.run([written()], lambda args: answer)["stale_tokens"] == {"ended": 7}


def test_the_lock_holds_the_process_of_this_run(controller: Controller) -> None:
    process = controller.run([written()])["lock_process"]
    assert (process["user"], process["machine"]) == (getpass.getuser(), socket.gethostname())
    assert process["id"] == os.getppid()


def test_a_misspelt_variable_of_a_role_is_a_warning(controller: Controller) -> None:
    result = controller.run([written()], lambda args: {"warnings": ["the clock is wrong"]}, {"stack_min_free_mbs": 1})
    assert result["problems"] == []
    assert result["warnings"] == [
        "the clock is wrong",
        "stack_min_free_mbs is not a variable of this collection and has no effect. Did you mean stack_min_free_mb?",
    ]


def test_a_value_that_is_not_set_causes_no_other_problem(controller: Controller) -> None:
    missing = [trust_as_template("{{ " + name + " }}") for name in ("shop_host", "shop_path", "shop_service")]
    route = {"service": missing[2], "port": 1, "hosts": [missing[0]], "path": missing[1]}
    assert len(lines(controller.run([written(routes=[route])]))) == 3


def test_variables_that_no_file_uses_are_warnings(controller: Controller) -> None:
    (controller.folder / "shop/docker-compose.yml").write_text("services: {web: {image: '$IMAGE'}}")
    result = controller.run([written(variables={"IMAGE": "a", "IMGE": "b"})])
    assert result["warnings"] == ["switchyard_stacks[shop].variables.IMGE: no Compose file uses it."]
    assert result["problems"] == []


def repository(folder: Path) -> str:
    """Return the commit of a new repository with the stack of the tests, whose image is built."""
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "docker-compose.yml").write_text("services: {web: {build: .}}")
    (folder / "shop" / "Dockerfile").write_text("FROM scratch")
    own = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for args in (["init", "-q", "-b", "main"], ["add", "-A"], [*own, "commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run(["git", *args], cwd=folder, check=True)
    return subprocess.run(["git", "rev-parse", "v1"], cwd=folder, check=True, capture_output=True, text=True).stdout[
        :-1
    ]


def test_files_of_a_git_repository(controller: Controller) -> None:
    commit = repository(controller.folder / "app")
    source = {"git": "app", "path": "shop", "version": "v1", "require_tag": True}
    image = {"image": "po-shop-web:1", "service": "web", "definition": {}, "contexts": ["."]}
    answer = {"builds": {"shop": [image]}, "platform": "linux/amd64"}
    result = controller.run([written(source=source)], lambda args: answer)
    assert lines(result) == []
    stack = result["stacks"][0]
    assert controller.asked["stacks"][0]["sources"] == {"docker-compose.yml": "services: {web: {build: .}}"}
    assert (stack["commit"], stack["contexts"]) == (commit, {".": commit})
    assert (result["builds"]["shop"]["images"], result["builds"]["shop"]["platform"]) == ([image], "linux/amd64")
    assert (Path(result["builds"]["shop"]["folder"]) / "Dockerfile").read_text() == "FROM scratch"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"version": "v2"}, "source.git: {git} has no branch, tag or commit v2"),
        ({"version": "main", "require_tag": True}, "source.version: main is a branch, and require_tag is true"),
        ({"version": "v1", "path": "none"}, "source.path: none is not a folder of app at v1"),
        ({"version": "v1", "path": ".."}, "source.path: .. is not a folder of app at v1"),
    ],
)
def test_mistakes_of_a_git_repository(controller: Controller, source: dict[str, t.Any], expected: str) -> None:
    folder = controller.folder / "app"
    repository(folder)
    found = lines(controller.run([written(source={"git": "app", "path": "shop", **source})]))
    assert found == [f"switchyard_stacks[shop].{expected.format(git=folder)}"]


def test_a_rollback_needs_no_repository(controller: Controller) -> None:
    source = {"git": "git@git.invalid:app.git", "version": "v1"}
    assert lines(controller.run([written(source=source)], mode="rollback")) == []


def test_a_context_has_the_digest_of_what_it_contains(controller: Controller) -> None:
    (controller.folder / "shop" / "docker-compose.yml").write_text(
        "services: {web: {build: ./api}, db: {image: 'd:1'}}"
    )
    (controller.folder / "shop" / "api").mkdir()
    digests = set()
    for content in ("one", "one", "two"):
        (controller.folder / "shop" / "api" / "main.py").write_text(content)
        contexts = controller.run([written()])["stacks"][0]["contexts"]
        assert list(contexts) == ["api"]
        digests.add(contexts["api"])
    assert len(digests) == 2


def test_the_clocks_are_compared_and_the_server_gets_its_addresses(controller: Controller) -> None:
    result = controller.run([written()], lambda args: {"time": time.time()}, {"ansible_host": "127.0.0.1"})
    assert result["problem_warnings"] == []
    assert controller.asked["addresses"] == ["127.0.0.1"]
    result = controller.run([written()], lambda args: {"time": time.time() - 3600}, addresses=["203.0.113.7"])
    (problem,) = result["problem_warnings"]
    assert (problem["code"], problem["severity"], problem["file"]) == ("server.clock", "warning", "")
    assert "203.0.113.7" in controller.asked["addresses"]


def test_problems_and_notices_have_the_file_that_they_are_in(controller: Controller) -> None:
    key = "switchyard_stacks[shop].compose"
    notice = {"where": key, "message": "ports of web: not published", "hint": "", "code": "compose.changed"}
    image = {"where": f"{key}.services.web.image", "message": "has no tag", "hint": "Write one", "code": "compose.x"}
    result = controller.run([written()], lambda args: {"problems": [image], "notices": [notice]})
    expected = str(controller.folder / "shop" / "docker-compose.yml")
    assert [result[kind][0]["file"] for kind in ("problems", "notices")] == [expected, expected]


def test_the_module_learns_what_the_inventory_says_of_other_stacks(controller: Controller) -> None:
    stacks = [written(), written(name="blog", redis={"password": "p", "databases": [0]}, routes=[])]
    others = {
        "switchyard_project": "po",
        "switchyard_environment": "prod",
        "proxy_https_port": 443,
        "redis_shared": True,
    }
    controller.run(stacks, others=others, only=["shop"])
    facts = controller.asked["inventory"]
    assert (facts["stacks"], facts["redis_is_shared"]) == (["shop", "blog"], True)
    assert facts["retire"] == playbook_command("retire")
    assert facts["settings"]["proxy"]["proxy_https_port"] == 443
    assert set(facts["settings"]) == {"proxy", "redis", "networks"}
    assert "proxy_http_port" in facts["unset"]


def test_stacks_that_cannot_be_read_leave_nothing_over(controller: Controller) -> None:
    controller.run("shop")
    assert controller.asked["inventory"]["stacks"] is None


def test_a_rollback_compares_no_settings(controller: Controller) -> None:
    controller.run([written()], mode="rollback")
    assert controller.asked["inventory"] == {}
