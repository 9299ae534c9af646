from __future__ import annotations

import json
import re
import sys
import typing as t
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from fakes import application, container

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import docker_client
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.docker_client import (
    Engine,
    SubnetTaken,
    docker_command,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import (
    HealthCheck,
    Image,
    NetworkInUse,
    ServerFacts,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import EngineError, SwitchyardError

LOG = [{"ExitCode": 1, "Output": "no response"}]

# An answer of the API of Docker Engine 20.10; only the fields that are read.
CONTAINER = {
    "Id": "4f3c",
    "Name": "/po-shop-web-prod-blue",
    "RestartCount": 1,
    "Image": "sha256:aa",
    "State": {"Status": "running", "ExitCode": 0, "Pid": 4711, "Health": {"Status": "starting", "Log": LOG}},
    "Config": {"Labels": {"io.switchyard.stack": "shop"}, "Healthcheck": {"Test": ["CMD", "true"]}},
    "NetworkSettings": {"Networks": {"po-shop-prod.front": {"IPAddress": "172.18.0.4"}}},
    "Mounts": [
        {"Type": "bind", "Source": "/srv", "Destination": "/run/switchyard"},
        {"Type": "volume", "Name": "po-shop-static-prod", "Source": "/v", "Destination": "/static"},
    ],
}


class Daemon:
    """The API of an engine: answers by path without the version; any other path is not found."""

    def __init__(self) -> None:
        self.answers: dict[str, t.Any] = {
            "/version": {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "20.10.24"},
            "/containers/4f3c/json": CONTAINER,
            "/networks": [{"Name": "bridge"}, {"Name": "po-shop-prod.front"}],
        }
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.failures: dict[str, tuple[int, str]] = {}

    def __call__(self, path: str, headers: t.Any) -> tuple[int, dict[str, str], str]:
        url = urlsplit(path)
        plain = unquote(re.sub(r"^/v1\.\d+", "", url.path))
        self.asked.append((plain, parse_qs(url.query)))
        if plain in self.failures:
            status, text = self.failures[plain]
            return status, {"Content-Type": "application/json"}, json.dumps({"message": text})
        if plain not in self.answers:
            return 404, {"Content-Type": "application/json"}, json.dumps({"message": f"no such thing: {plain}"})
        return 200, {"Content-Type": "application/json"}, json.dumps(self.answers[plain])


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    daemon = Daemon()
    with application(daemon) as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        yield daemon


def test_a_server_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(SwitchyardError, match=r"The container engine does not run .* Run setup\.yml, which starts it"):
        Engine()


def test_the_addresses_on_a_network_include_those_of_stopped_containers(daemon: Daemon) -> None:
    running = {"IPAddress": "10.201.0.2", "IPAMConfig": None}
    stopped = {"IPAddress": "", "IPAMConfig": {"IPv4Address": "10.201.0.33"}}
    daemon.answers["/containers/json"] = [
        {"Id": number, "NetworkSettings": {"Networks": {"po-front-prod": one}}}
        for number, one in enumerate((running, stopped))
    ]
    assert Engine().addresses_on("po-front-prod") == {"10.201.0.2", "10.201.0.33"}
    query = next(query for path, query in daemon.asked if path == "/containers/json")
    assert (json.loads(query["filters"][0])["network"], query["all"]) == (["po-front-prod"], ["1"])


def test_the_version_of_the_engine(daemon: Daemon) -> None:
    assert Engine().version() == "20.10.24"


def test_a_container_is_read_from_the_engine(daemon: Daemon) -> None:
    actual = Engine().container("4f3c")
    assert actual
    assert (actual.name, actual.state, actual.health, actual.restarts) == (
        "po-shop-web-prod-blue",
        "running",
        "starting",
        1,
    )
    assert actual.addresses == {"po-shop-prod.front": "172.18.0.4"}
    assert actual.running
    assert actual.pid == 4711
    assert actual.volumes == ("po-shop-static-prod",)
    assert actual.mounts == {"/run/switchyard": "/srv", "/static": "/v"}
    assert actual.check == HealthCheck(180.0, 1, "no response")
    assert actual.label("stack") == "shop"
    assert actual.label("color") == ""


def test_a_container_without_labels_and_health_check(daemon: Daemon) -> None:
    state = {"Status": "exited", "ExitCode": 1, "Pid": 0}
    daemon.answers["/containers/x/json"] = {**CONTAINER, "State": state, "Config": {"Labels": None}}
    actual = Engine().container("x")
    assert actual
    assert (actual.health, actual.running, actual.label("stack")) == (None, False, "")


def test_a_container_that_does_not_exist(daemon: Daemon) -> None:
    assert Engine().container("missing") is None


def test_containers_are_found_by_labels_without_one_that_just_ended(daemon: Daemon) -> None:
    daemon.answers["/containers/json"] = [{"Id": "4f3c"}, {"Id": "just-ended"}]
    listed = Engine().containers(stack="shop", color="blue")
    assert [container.name for container in listed] == ["po-shop-web-prod-blue"]
    query = next(query for path, query in daemon.asked if path == "/containers/json")
    assert json.loads(query["filters"][0])["label"] == ["io.switchyard.stack=shop", "io.switchyard.color=blue"]
    assert query["all"] == ["1"]


def test_images_are_found_by_labels_with_all_of_their_names(daemon: Daemon) -> None:
    labels = {"io.switchyard.stack": "shop", "io.switchyard.service": "web"}
    daemon.answers["/images/json"] = [
        {"Id": "sha256:aa", "RepoTags": ["po-shop-web:1", "a:1"], "Labels": labels},
        {"Id": "sha256:bb", "RepoTags": None, "Labels": None},
    ]
    daemon.answers["/containers/json"] = [{"ImageID": "sha256:aa", "Image": "po-shop-web:1"}]
    first, second = Engine().images_of(stack="shop")
    assert (first.id, first.names, first.label("service")) == ("sha256:aa", ("po-shop-web:1", "a:1"), "web")
    assert (second.names, second.label("service")) == ((), "")
    query = next(query for path, query in daemon.asked if path == "/images/json")
    assert json.loads(query["filters"][0])["label"] == ["io.switchyard.stack=shop"]
    assert Engine().images_in_use() == {"sha256:aa", "po-shop-web:1"}


def test_an_image_that_the_engine_does_not_remove_stays(daemon: Daemon) -> None:
    assert not Engine().remove_image("po-shop-web:1")


@pytest.mark.parametrize(
    ("name", "digests", "digest"),
    [
        ("reg:5000/app:1.2", ["other/app@sha256:1", "reg:5000/app@sha256:2"], "reg:5000/app@sha256:2"),
        ("reg:5000/app@sha256:2", ["reg:5000/app@sha256:2"], "reg:5000/app@sha256:2"),
        ("reg:5000/app", ["reg:5000/app@sha256:2"], "reg:5000/app@sha256:2"),
        ("docker.io/library/redis:8.0", ["redis@sha256:2"], "redis@sha256:2"),
        ("docker.io/team/app:1", ["other/app@sha256:1", "team/app@sha256:2"], "team/app@sha256:2"),
        ("app:1", [], None),
        ("app:1", None, None),
    ],
)
def test_an_image_is_pinned_by_the_digest_of_its_own_repository(
    daemon: Daemon, name: str, digests: list[str] | None, digest: str | None
) -> None:
    daemon.answers[f"/images/{name}/json"] = {"Id": "sha256:aa", "RepoDigests": digests, "Config": {}}
    image = Engine().image(name)
    assert image
    assert image.digest == digest
    assert image.pinned == (digest or "sha256:aa")


@pytest.mark.parametrize(
    ("user", "number"), [("", 0), ("1000", 1000), ("1000:2000", 1000), ("app", None), ("app:app", None)]
)
def test_the_user_of_an_image(daemon: Daemon, user: str, number: int | None) -> None:
    daemon.answers["/images/app:1/json"] = {
        "Id": "sha256:aa",
        "Config": {"User": user, "Volumes": {"/b": {}, "/a": {}}},
    }
    assert Engine().image("app:1") == Image("sha256:aa", None, number, ("/a", "/b"))


def test_the_names_in_use_with_their_labels(daemon: Daemon) -> None:
    labels = {"io.switchyard.stack": "shop"}
    daemon.answers["/containers/json"] = [{"Names": ["/po-shop-web-prod", "/link/alias"], "Labels": labels}]
    daemon.answers["/networks"] = [{"Name": "bridge", "Labels": None}]
    daemon.answers["/volumes"] = {"Volumes": [{"Name": "po-shop-data-prod", "Labels": labels}]}
    assert Engine().names_in_use() == {
        ("container", "po-shop-web-prod"): labels,
        ("container", "link/alias"): labels,
        ("network", "bridge"): {},
        ("volume", "po-shop-data-prod"): labels,
    }
    daemon.answers["/volumes"] = {"Volumes": None}
    assert ("volume", "po-shop-data-prod") not in Engine().names_in_use()


def test_an_image_that_does_not_exist(daemon: Daemon) -> None:
    assert Engine().image("app:1") is None


def test_a_failed_pull_reports_the_message_of_the_registry(daemon: Daemon) -> None:
    with pytest.raises(SwitchyardError, match="The image reg/app:1 cannot be pulled: no such thing"):
        Engine().pull("reg/app:1")


def test_one_tag_is_pulled_and_no_other(daemon: Daemon) -> None:
    daemon.answers["/images/create"] = {"status": "done"}
    daemon.answers["/images/reg/app:1/json"] = {"Id": "sha256:aa", "Config": {}}
    assert Engine().pull("reg/app:1").id == "sha256:aa"
    query = next(query for path, query in daemon.asked if path == "/images/create")
    assert (query["fromImage"], query["tag"]) == (["reg/app"], ["1"])


def test_logs_of_a_removed_container_are_empty(daemon: Daemon) -> None:
    assert Engine().logs("missing") == []


def test_networks_are_read_with_their_labels_and_subnets(daemon: Daemon) -> None:
    ours = {
        "Labels": {"io.switchyard.stack": "shop"},
        "Internal": True,
        "IPAM": {"Config": [{"Subnet": "10.201.0.0/26"}]},
    }
    daemon.answers["/networks"] = [{"Name": "host", "IPAM": {"Config": None}}, {"Name": "ours", **ours}]
    assert Engine().networks_in_use() == {
        "host": NetworkInUse(),
        "ours": NetworkInUse({"io.switchyard.stack": "shop"}, ("10.201.0.0/26",), True),
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("Pool overlaps with other one on this address space", SubnetTaken),
        ("network with name po-shop-prod.back already exists", EngineError),
    ],
)
def test_a_network_that_cannot_be_created(daemon: Daemon, answer: str, error: type[Exception]) -> None:
    engine = Engine()
    daemon.answers["/networks/create"] = {"Id": "1"}
    engine.create_network("po-shop-prod.back", True, {}, "10.201.0.0/26")
    engine.create_network("po-shop-prod.front", False, {})
    daemon.failures["/networks/create"] = (403, answer)
    with pytest.raises(EngineError, match=answer) as failed:
        engine.create_network("po-shop-prod.back", True, {}, "10.201.0.0/26")
    assert type(failed.value) is error


def test_an_existing_volume_is_not_created(daemon: Daemon) -> None:
    labels = {"io.switchyard.project": "po", "io.switchyard.stack": "shop", "io.switchyard.environment": "prod"}
    daemon.answers["/volumes/po-shop-data-prod"] = {"Name": "po-shop-data-prod", "Labels": labels}
    daemon.answers["/volumes/create"] = {"Name": "po-new-prod"}
    engine = Engine()
    assert not engine.ensure_volume("po-shop-data-prod", "local", {}, labels)
    assert engine.ensure_volume("po-new-prod", "local", {}, labels)


def test_a_foreign_volume_of_our_name_is_refused(daemon: Daemon) -> None:
    daemon.answers["/volumes/po-shop-data-prod"] = {"Name": "po-shop-data-prod", "Labels": None}
    with pytest.raises(EngineError, match="volume po-shop-data-prod exists and belongs to no stack"):
        Engine().ensure_volume("po-shop-data-prod", "local", {}, {"io.switchyard.project": "po"})
    assert "/volumes/create" not in [path for path, _query in daemon.asked]


Docker = Callable[[str], Callable[[], list[str]]]


def test_containers_are_stopped_in_parallel_before_they_are_removed(daemon: Daemon, docker: Docker) -> None:
    notes = docker("")
    assert Engine().remove([container("b"), container("a")], timeout=10) == ["a", "b"]
    assert notes() == ["stop --time 10 -- b a", "rm --force -- b a"]


def test_volumes_without_a_name_end_with_their_container_on_request(daemon: Daemon, docker: Docker) -> None:
    notes = docker("")
    Engine().remove([container("a")], volumes=True)
    assert notes() == ["stop -- a", "rm --force --volumes -- a"]


def test_the_engine_is_asked_for_its_facts_once(daemon: Daemon) -> None:
    answer = {"DockerRootDir": "/var/lib/docker", "ServerVersion": "20.10.24+dfsg1", "MemTotal": 2**32}
    daemon.answers["/info"] = answer
    engine = Engine()
    assert engine.facts() == ServerFacts("/var/lib/docker", "20.10.24+dfsg1", 2**32)
    assert engine.root() == "/var/lib/docker"
    assert [path for path, _query in daemon.asked].count("/info") == 1


def test_each_container_has_its_own_grace_period_without_a_timeout(daemon: Daemon, docker: Docker) -> None:
    notes = docker("")
    assert Engine().remove([]) == []
    Engine().remove([container("a")])
    assert notes()[0] == "stop -- a"


@pytest.mark.parametrize("words", ["removal of container a is already in progress", "No such container: a"])
def test_a_container_that_is_being_removed_is_not_an_error(daemon: Daemon, docker: Docker, words: str) -> None:
    docker(f"echo 'Error response from daemon: {words}' >&2; exit 1")
    assert Engine().remove([container("a")]) == ["a"]


def test_a_container_that_cannot_be_removed_is_an_error(daemon: Daemon, docker: Docker) -> None:
    docker("echo 'Error: No such container: a' >&2; echo 'Error: permission denied' >&2; exit 1")
    with pytest.raises(SwitchyardError, match="permission denied"):
        Engine().remove([container("a"), container("b")])


def test_the_output_or_the_error_of_the_docker_client(docker: Docker) -> None:
    docker("echo out; echo words >&2; exit ${FAIL:-0}")
    assert docker_command("ps") == "out\n"
    docker("echo words >&2; exit 1")
    with pytest.raises(SwitchyardError, match="docker compose ended with exit code 1: words"):
        docker_command("compose", "up")


def test_a_docker_client_that_hangs_is_killed(docker: Docker) -> None:
    docker("exec sleep 5")
    with pytest.raises(SwitchyardError, match=r"docker stop was not done after 0\.2 s"):
        docker_command("stop", "x", timeout=0.2)


def test_a_server_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setitem(sys.modules, "docker", None)
    with pytest.raises(SwitchyardError, match=r"Docker SDK is missing on this server. Run setup\.yml"):
        docker_client.Engine()


@pytest.mark.parametrize(("kind", "answer"), [("network", []), ("volume", {"Volumes": []})])
def test_networks_and_volumes_are_listed_with_their_users(daemon: Daemon, kind: str, answer: t.Any) -> None:
    list_resources = Engine().networks_of if kind == "network" else Engine().volumes_of
    daemon.answers[f"/{kind}s"] = answer
    assert list_resources(project="po") == []
    ours = [{"Name": "po-shop-default-prod", "Labels": {"io.switchyard.stack": "shop"}}]
    daemon.answers[f"/{kind}s"] = ours if kind == "network" else {"Volumes": ours}
    daemon.answers["/containers/json"] = [{"Names": ["/po-shop-web-prod-blue"]}, {"Names": ["/foreign"]}]
    resource = list_resources(project="po", stack="shop")[0]
    assert (resource.name, resource.label("stack"), resource.users) == (
        "po-shop-default-prod",
        "shop",
        ("foreign", "po-shop-web-prod-blue"),
    )
    asked = [json.loads(query["filters"][0]) for path, query in daemon.asked if path == f"/{kind}s"][-1]
    assert asked == {"label": ["io.switchyard.project=po", "io.switchyard.stack=shop"]}
    users = next(query for path, query in daemon.asked if path == "/containers/json")
    assert (json.loads(users["filters"][0]), users["all"]) == ({kind: ["po-shop-default-prod"]}, ["1"])


def test_changes_are_commands_of_the_docker_client(
    daemon: Daemon, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("")
    Engine().start_container("po-proxy-next")
    Engine().rename("po-proxy-next", "po-proxy")
    Engine().connect("po-shop-prod.front", "po-proxy")
    Engine().disconnect("po-shop-prod.front", "po-proxy")
    Engine().remove_resource("network", "po-shop-prod.front")
    Engine().remove_resource("volume", "po-shop-media-prod")
    assert notes() == [
        "start -- po-proxy-next",
        "rename -- po-proxy-next po-proxy",
        "network connect -- po-shop-prod.front po-proxy",
        "network disconnect -- po-shop-prod.front po-proxy",
        "network rm -- po-shop-prod.front",
        "volume rm -- po-shop-media-prod",
    ]


def test_containers_that_publish_a_port(daemon: Daemon) -> None:
    ports = [
        {"IP": "0.0.0.0", "PublicPort": 80, "PrivatePort": 8080, "Type": "tcp"},
        {"IP": "::", "PublicPort": 80, "PrivatePort": 8080, "Type": "tcp"},
        {"IP": "0.0.0.0", "PublicPort": 80, "PrivatePort": 8080, "Type": "udp"},
        {"PrivatePort": 80, "Type": "tcp"},
    ]
    daemon.answers["/containers/json"] = [{"Names": ["/traefik"], "Ports": ports}, {"Names": ["/db"], "Ports": []}]
    assert Engine().containers_publishing(80) == {"traefik": {"0.0.0.0", "::"}}
    assert Engine().containers_publishing(8080) == {}


def test_a_volume_that_exists(daemon: Daemon) -> None:
    assert not Engine().has_volume("old_media")
    daemon.answers["/volumes/old_media"] = {"Name": "old_media"}
    assert Engine().has_volume("old_media")
