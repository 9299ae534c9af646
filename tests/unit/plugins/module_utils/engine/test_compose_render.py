from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_render

SECRETS = {"django": "/secrets/0123/django"}
RELEASE = compose_render.Release("po", "prod", 7, SECRETS, "abc", {"reg/web:1": "reg/web@sha256:1"})
REDIS = {"password": "p", "databases": [1]}


def render(content: dict[str, t.Any] | None = None, release: compose_render.Release = RELEASE, **stack: t.Any) -> t.Any:
    return compose_render.render(content or normalised(), checked(**stack), release)


def test_a_color_has_its_own_project_and_container_names() -> None:
    rendered = render()
    for color in ("blue", "green"):
        project = rendered.colors[color]
        service = project["services"][f"po-shop-web-prod-{color}"]
        assert project["name"] == f"po_shop_prod_{color}"
        assert service["container_name"] == f"po-shop-web-prod-{color}"
        assert service["environment"]["SWITCHYARD_COLOR"] == color
    assert rendered.workers == rendered.accessories == rendered.jobs == {}


def test_a_service_says_whose_it_is() -> None:
    content = normalised(web={"labels": {"team": "a"}})
    assert render(content).colors["blue"]["services"]["po-shop-web-prod-blue"]["labels"] == {
        "team": "a",
        "io.switchyard.project": "po",
        "io.switchyard.environment": "prod",
        "io.switchyard.stack": "shop",
        "io.switchyard.service": "web",
        "io.switchyard.role": "routed",
        "io.switchyard.color": "blue",
        "io.switchyard.release": "7",
        "io.switchyard.fingerprint": "abc",
    }


def test_labels_of_a_front_proxy_and_of_releases_are_left_out() -> None:
    labels = {"traefik.enable": "true", "io.switchyard.color": "blue", "team": "a"}
    content = normalised(web={"labels": labels}, celery={"labels": labels})
    rendered = render(content, workers=["celery"])
    web = rendered.colors["green"]["services"]["po-shop-web-prod-green"]["labels"]
    celery = rendered.workers["services"]["po-shop-celery-prod"]["labels"]
    assert "traefik.enable" not in {**web, **celery}
    assert web["team"] == celery["team"] == "a"
    assert web["io.switchyard.color"] == "green"
    assert "io.switchyard.color" not in celery


def test_a_host_name_does_not_resolve_to_both_colors() -> None:
    rendered = render(normalised(web={"hostname": "web"}, db={"hostname": "db"}), accessories=["db"])
    assert "hostname" not in rendered.colors["blue"]["services"]["po-shop-web-prod-blue"]
    assert rendered.accessories["services"]["po-shop-db-prod"]["hostname"] == "db"


def test_what_the_release_decides_is_taken_out_of_the_file() -> None:
    given = {"ports": [{"published": "80"}], "build": {"context": "."}, "container_name": "mine", "profiles": ["x"]}
    service = render(normalised(web={**given, "command": ["serve"]})).colors["blue"]["services"][
        "po-shop-web-prod-blue"
    ]
    assert not {"ports", "build", "profiles"} & set(service)
    assert service["container_name"] == "po-shop-web-prod-blue"
    assert service["command"] == ["serve"]


def test_images_are_pinned_and_never_pulled_by_compose() -> None:
    service = render().colors["blue"]["services"]["po-shop-web-prod-blue"]
    assert service["image"] == "reg/web@sha256:1"
    assert service["pull_policy"] == "never"


def test_logs_and_restarts_have_limits_unless_the_file_says_otherwise() -> None:
    services = render(normalised(web={}, cache={"restart": "no"})).colors["blue"]["services"]
    assert services["po-shop-web-prod-blue"]["restart"] == "unless-stopped"
    assert services["po-shop-web-prod-blue"]["logging"]["options"]["max-size"] == "10m"
    assert services["po-shop-cache-prod-blue"]["restart"] == "no"


def test_a_color_of_one_service_has_no_private_network() -> None:
    project = render(redis=REDIS).colors["blue"]
    joined = ("po-shop-default-prod", "po-shop-prod.front", "po-shop-prod.back")
    assert project["networks"] == {name: {"name": name, "external": True} for name in joined}
    assert project["services"]["po-shop-web-prod-blue"]["networks"] == {name: {} for name in joined}


def test_a_service_reaches_its_own_color_and_a_worker_that_of_the_release() -> None:
    content = normalised(web={}, cache={}, celery={}, db={})
    roles = {"workers": ["celery"], "accessories": ["db"]}
    rendered = render(content, replace(RELEASE, color="green"), **roles)
    blue = rendered.colors["blue"]["services"]["po-shop-cache-prod-blue"]
    assert blue["external_links"] == [
        "po-shop-web-prod-blue:web",
        "po-shop-cache-prod-blue:cache",
        "po-shop-celery-prod:celery",
        "po-shop-db-prod:db",
    ]
    # An alias on a network that both colors share would lead to either of them.
    assert blue["networks"] == {"po-shop-default-prod": {}}
    worker = rendered.workers["services"]["po-shop-celery-prod"]
    assert "po-shop-web-prod-green:web" in worker["external_links"]
    assert "external_links" not in rendered.accessories["services"]["po-shop-db-prod"]


def test_what_a_release_runs_is_the_same_for_either_color() -> None:
    migrate = {"service": "web", "command": ["migrate"]}
    made = [render(release=compose_render.Release("po", "prod"), migrate=migrate).fingerprint() for _ in range(2)]
    assert made[0] == made[1]


def test_a_link_of_the_file_to_another_application_stays() -> None:
    rendered = render(normalised(web={"external_links": ["other:legacy"]}))
    links = rendered.colors["blue"]["services"]["po-shop-web-prod-blue"]["external_links"]
    assert links == ["other:legacy", "po-shop-web-prod-blue:web"]


def test_a_service_without_a_network_has_no_links() -> None:
    rendered = render(normalised(web={}, tool={"network_mode": "host"}), workers=["tool"])
    assert "external_links" not in rendered.workers["services"]["po-shop-tool-prod"]


def test_a_host_name_is_unique_where_other_stacks_are_on_the_network() -> None:
    content = normalised(web={}, db={"hostname": "db"}, celery={"hostname": "db"})
    rendered = render(content, accessories=["db"], workers=["celery"], redis=REDIS)
    assert rendered.accessories["services"]["po-shop-db-prod"]["hostname"] == "po-shop-db-prod"
    assert rendered.workers["services"]["po-shop-celery-prod"]["hostname"] == "po-shop-celery-prod"


def test_workers_and_accessories_keep_their_plain_names_on_the_stacks_network_only() -> None:
    rendered = render(normalised(web={}, celery={}, db={}), workers=["celery"], accessories=["db"], redis=REDIS)
    networks = rendered.accessories["services"]["po-shop-db-prod"]["networks"]
    assert networks == {"po-shop-default-prod": {"aliases": ["db"]}, "po-shop-prod.back": {}}
    worker = rendered.workers["services"]["po-shop-celery-prod"]
    assert worker["networks"]["po-shop-default-prod"] == {"aliases": ["celery"]}


def test_an_accessory_has_nothing_of_a_release() -> None:
    content = normalised(web={}, db={})
    later = compose_render.Release("po", "prod", 8, SECRETS, "def")
    first, second = (render(content, release, accessories=["db"]).accessories for release in (RELEASE, later))
    assert first == second


def test_depends_on_follows_the_new_names_and_leaves_other_parts_out() -> None:
    healthy = {"condition": "service_healthy"}
    content = normalised(web={"depends_on": {"cache": healthy, "db": healthy}}, cache={}, db={})
    services = render(content, accessories=["db"]).colors["green"]["services"]
    assert services["po-shop-web-prod-green"]["depends_on"] == {"po-shop-cache-prod-green": healthy}


@pytest.mark.parametrize("given", [{"scale": 3}, {"deploy": {"replicas": 3}}])
def test_several_containers_share_no_name(given: dict[str, t.Any]) -> None:
    content = normalised(web=given)
    service = render(content).colors["blue"]["services"]["po-shop-web-prod-blue"]
    assert "container_name" not in service
    assert service["deploy"]["replicas"] == 3


def test_a_color_is_published_at_the_ports_of_the_release() -> None:
    release = replace(RELEASE, ports={"blue": {"web": [20000]}})
    colors = render(release=release).colors
    assert colors["blue"]["services"]["po-shop-web-prod-blue"]["ports"] == [
        {"target": 8000, "published": "20000", "host_ip": "127.0.0.1", "protocol": "tcp"}
    ]
    assert "ports" not in colors["green"]["services"]["po-shop-web-prod-green"]
    several = render(release=replace(RELEASE, ports={"blue": {"web": [20000, 20001, 20002]}})).colors["blue"]
    assert several["services"]["po-shop-web-prod-blue"]["ports"][0]["published"] == "20000-20002"


def test_a_project_refers_to_the_networks_and_volumes_by_their_names_on_the_server() -> None:
    mounts = [{"type": "volume", "source": name, "target": f"/{name}"} for name in ("data", "old")]
    content = normalised(web={"volumes": [*mounts, {"type": "tmpfs", "target": "/tmp"}], "networks": {"legacy": None}})
    content["volumes"] = {"data": {"name": "stack_remove_data"}, "old": {"name": "nas", "external": True}, "unused": {}}
    content["networks"] = {"legacy": {"name": "company-lan", "external": True}}
    color = render(content).colors["blue"]
    assert color["volumes"] == {
        "data": {"name": "po-shop-data-prod", "external": True},
        "old": {"name": "nas", "external": True},
    }
    assert color["networks"]["company-lan"] == {"name": "company-lan", "external": True}


def test_secrets_are_files_of_the_release_and_configs_stay() -> None:
    content = normalised(web={"secrets": [{"source": "django"}], "configs": [{"source": "motd"}]})
    content["secrets"] = {"django": {"name": "stack_django", "file": "/laptop/secrets/django"}}
    content["configs"] = {"motd": {"name": "stack_motd", "file": "/source/motd"}}
    project = render(content, secrets={"django": "x"}).colors["blue"]
    assert project["secrets"] == {"django": {"file": "/secrets/0123/django"}}
    assert project["configs"] == {"motd": {"file": "/source/motd"}}


def test_a_job_is_its_service_without_what_only_a_server_needs() -> None:
    content = normalised(web={"healthcheck": {"test": ["CMD", "x"]}, "environment": {"A": "1"}})
    migrate = {"service": "web", "command": ["migrate"]}
    jobs = render(content, migrate=migrate, after_migrate=[migrate], redis=REDIS).jobs
    assert jobs["name"] == "po_shop_prod_jobs"
    service = jobs["services"]["web"]
    assert not {"healthcheck", "restart", "container_name"} & set(service)
    assert service["networks"] == {"po-shop-default-prod": {}, "po-shop-prod.back": {}}
    assert service["environment"] == {"A": "1"}
    assert service["labels"]["io.switchyard.role"] == "job"


def test_what_was_given_is_not_changed() -> None:
    content = normalised(web={"labels": {"a": "1"}, "environment": {"A": "1"}}, cache={})
    before = repr(content)
    render(content)
    assert repr(content) == before


BASE: dict[str, t.Any] = {"web": {}, "celery": {}, "db": {}}


def fingerprint(release: compose_render.Release = RELEASE, **services: dict[str, t.Any]) -> str:
    content = normalised(**{**BASE, **services})
    return str(render(content, release, workers=["celery"], accessories=["db"]).fingerprint())


@pytest.mark.parametrize(
    "change",
    [
        {"web": {"image": "reg/web:2"}},
        {"web": {"environment": {"A": "2"}}},
        {"web": {"deploy": {"replicas": 2}}},
        {"celery": {"command": ["other"]}},
        {"db": {"image": "reg/db:2"}},
        {"cache": {}},
    ],
)
def test_the_fingerprint_changes_with_what_would_run(change: dict[str, t.Any]) -> None:
    assert fingerprint(**change) != fingerprint()


def test_the_fingerprint_changes_when_a_tag_means_other_content() -> None:
    other = compose_render.Release("po", "prod", 7, SECRETS, "abc", {"reg/web:1": "reg/web@sha256:2"})
    assert fingerprint(other) != fingerprint()


def test_the_fingerprint_stays_when_nothing_changes() -> None:
    assert fingerprint(web={"ports": [{"published": "80"}]}) == fingerprint()
