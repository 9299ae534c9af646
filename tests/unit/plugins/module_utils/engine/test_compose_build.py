from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_build
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_build import ImageBuild
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError

SOURCE = "/src"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def plan(commit: str | None = None, contexts: dict[str, str] | None = None, **services: t.Any) -> dict[str, ImageBuild]:
    given = {"web": {"build": {"context": "/src/app", "dockerfile": "Dockerfile"}}, **services}
    sent = {"app": "a", **(contexts or {})}
    return compose_build.plan_builds({"services": given}, SOURCE, ("po", "shop"), commit, sent)


@pytest.mark.parametrize(
    ("service", "built"),
    [
        ({"image": "app:1"}, False),
        ({"build": {"context": "."}}, True),
        ({"build": {"context": "."}, "image": "app:1"}, False),
        ({"build": {"context": "."}, "image": "app:1", "pull_policy": "build"}, True),
        ({"build": {"context": "."}, "image": "app"}, True),
        ({"build": {"context": "."}, "image": "app:latest"}, True),
    ],
)
def test_an_image_is_built_where_no_fixed_version_of_it_is_named(service: dict[str, t.Any], built: bool) -> None:
    assert compose_build.is_built(service) is built


def test_an_image_is_named_by_its_commit_and_its_definition() -> None:
    image = plan(COMMIT)["web"].image
    assert image.startswith("po-shop-web:0123456789ab-")
    assert plan(COMMIT, {"app": "other"})["web"].image == image
    assert plan(COMMIT[::-1])["web"].image != image
    assert plan(COMMIT, web={"build": {"context": "/src/app", "args": {"V": "2"}}})["web"].image != image


def test_without_a_commit_it_is_named_by_what_the_build_reads() -> None:
    image = plan()["web"].image
    assert plan(contexts={"other": "x"})["web"].image == image
    assert plan(contexts={"app": "b"})["web"].image != image


def test_the_name_of_a_build_is_known() -> None:
    for commit in (COMMIT, None):
        assert compose_build.is_name_of_build(plan(commit)["web"].image, ("po", "shop"), "web")
        assert not compose_build.is_name_of_build(plan(commit)["web"].image, ("po", "shop"), "api")
    assert not compose_build.is_name_of_build("po-shop-web:1.0", ("po", "shop"), "web")


def test_services_with_one_definition_share_one_image() -> None:
    worker = {"build": {"context": "/src/app", "dockerfile": "Dockerfile"}, "command": ["work"]}
    found = plan(worker=worker, other={"build": {"context": "/src/other"}})
    assert found["worker"] is found["web"]
    assert found["other"].image.startswith("po-shop-other:")
    assert found["other"].contexts == ("other",)


def test_every_folder_and_file_that_a_build_reads_is_known() -> None:
    definition = {
        "context": "/src/app",
        "dockerfile": "../docker/Dockerfile",
        "additional_contexts": {"lib": "/src/lib"},
    }
    found = dict(compose_build.contexts_of(definition))
    assert found == {
        "context": "/src/app",
        "additional_contexts": "/src/lib",
        "dockerfile": "/src/docker/Dockerfile",
    }
    assert [compose_build.relative(path, SOURCE) for path in ["/src", *found.values(), "/srcs", "/etc"]] == [
        ".",
        "app",
        "lib",
        "docker/Dockerfile",
        None,
        None,
    ]


@pytest.mark.parametrize("context", ["https://git.example.org/app.git#v1:docker", "git@git.example.org:app.git"])
def test_the_dockerfile_of_another_repository_is_in_that_repository(context: str) -> None:
    definition = {"context": context, "dockerfile": "../Dockerfile", "additional_contexts": {"lib": "/src/lib"}}
    assert compose_build.contexts_of(definition) == [("context", context), ("additional_contexts", "/src/lib")]


def test_a_service_that_only_names_the_image_gets_it_too() -> None:
    services = {
        "web": {"image": "app", "build": {"context": "/src"}},
        "cron": {"image": "app"},
        "db": {"image": "db:1"},
    }
    builds = compose_build.plan_builds({"services": services}, SOURCE, ("po", "po"), None, {".": "a"})
    image = builds["web"].image
    assert image.startswith("po-web:")
    changed = compose_build.with_images({"services": services}, builds)["services"]
    assert {name: service["image"] for name, service in changed.items()} == {"web": image, "cron": image, "db": "db:1"}
    assert compose_build.is_built(changed["web"])
    assert services["web"]["image"] == "app"


def test_a_secret_of_a_build_is_a_file_and_no_argument() -> None:
    definition = {"context": "/src", "secrets": [{"source": "token"}], "tags": ["a:1"], "labels": {"a": "b"}}
    project = compose_build.build_project(
        [ImageBuild("po-web:1", "web", definition)], {"io.switchyard.stack": "shop"}, Path("/private"), "linux/arm64"
    )
    service = project["services"]["web"]
    assert (service["image"], service["platform"]) == ("po-web:1", "linux/arm64")
    assert "tags" not in service["build"]
    assert service["build"]["labels"] == {"a": "b", "io.switchyard.stack": "shop", "io.switchyard.service": "web"}
    assert project["secrets"] == {"token": {"file": "/private/token"}}


def test_the_present_step_of_a_build_is_the_last_one_that_it_began(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("")
    assert compose_build.step_of(log) == ""
    begun = [
        "#5 [web internal] load build definition",
        "#5 transferring dockerfile: 2B",
        "#8 [web 2/4] RUN pip install x",
    ]
    log.write_text(
        "\n".join(["x" * compose_build.TAIL, *begun, "#8 0.534 [notice] a new release of pip", "#8 1.2 #9 [api]"])
    )
    assert compose_build.step_of(log) == "[web 2/4] RUN pip install x"
    log.write_text(f"#9 [web 3/4] RUN \x1b[31m{'a' * 100}\n")
    step = compose_build.step_of(log)
    assert (len(step), step[:22], step[-4:]) == (80, "[web 3/4] RUN [31maaaa"[:22], "a...")


def test_a_build_by_the_engine_itself(real_engine: None, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG NAME=x\nLABEL name=$NAME\nCOPY data /data\n")
    (tmp_path / "data").write_text("one")
    build = ImageBuild("switchyard-unit-build:1", "web", {"context": str(tmp_path), "args": {"NAME": "a$$b"}})
    try:
        log = tmp_path / "log"
        compose_build.build([build], {"io.switchyard.stack": "shop"}, {}, log)
        assert compose_build.step_of(log).startswith("[web")
        answer = subprocess.run(["docker", "inspect", build.image], check=True, capture_output=True, text=True)
        labels = json.loads(answer.stdout)[0]["Config"]["Labels"]
        assert (labels["name"], labels["io.switchyard.service"]) == ("a$b", "web")
        (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY missing /\n")
        with pytest.raises(EngineError, match=r"(?s)switchyard-unit-build:1 cannot be built: .*missing"):
            compose_build.build([build], {}, {}, log)
    finally:
        subprocess.run(["docker", "rmi", "--force", build.image], check=False, capture_output=True)
