from __future__ import annotations

import typing as t

import pytest
from fakes import container

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import (
    HealthCheck,
    Image,
    LabelledResource,
    RegistryError,
    floating_tag_reason,
    health_check_of,
    registry_error_of,
    repository_of,
    tag_of,
)


def test_a_label_of_the_collection_is_read_without_its_prefix() -> None:
    labels = {"io.switchyard.stack": "shop", "stack": "foreign"}
    assert LabelledResource("po-shop-default-prod", labels, ()).label("stack") == "shop"
    assert LabelledResource("po-shop-default-prod", labels, ()).label("color") == ""
    assert container("po-shop-web-prod", labels={"stack": "shop"}).label("stack") == "shop"


@pytest.mark.parametrize(("state", "running"), [("running", True), ("restarting", False), ("exited", False)])
def test_a_container_that_restarts_is_not_running(state: str, running: bool) -> None:
    assert container("po-shop-web-prod", state=state).running is running


def test_an_image_without_a_digest_is_pinned_by_its_id() -> None:
    assert Image("sha256:aa", "app@sha256:2", 0).pinned == "app@sha256:2"
    assert Image("sha256:aa", None, 0).pinned == "sha256:aa"


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("redis", "redis"),
        ("redis:8.0", "redis"),
        ("library/redis:8.0", "redis"),
        ("docker.io/library/redis:8.0", "redis"),
        ("index.docker.io/team/app@sha256:2", "team/app"),
        ("reg:5000/app", "reg:5000/app"),
        ("reg:5000/library/app:1.2@sha256:2", "reg:5000/library/app"),
    ],
)
def test_the_repository_of_an_image_name(image: str, repository: str) -> None:
    assert repository_of(image) == repository


@pytest.mark.parametrize("image", ["reg:5000/app:1.2", "app:1", "app@sha256:" + "0" * 64, "app:latest@sha256:00"])
def test_an_image_of_one_version(image: str) -> None:
    assert floating_tag_reason(image) is None


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("app", "has no tag"),
        ("reg:5000/app", "has no tag"),
        ("app:latest", "is tagged latest"),
        ("reg:5000/app:latest", "is tagged latest"),
    ],
)
def test_an_image_of_any_version(image: str, reason: str) -> None:
    assert floating_tag_reason(image) == reason


def seconds(number: float) -> int:
    return int(number * 1e9)


def test_a_health_check_has_failed_for_good_after_its_start_period_and_its_retries() -> None:
    check = {"Test": ["CMD", "true"], "Interval": seconds(5), "Timeout": seconds(2), "Retries": 4}
    assert health_check_of({"Healthcheck": {**check, "StartPeriod": seconds(20)}}, {}) == HealthCheck(48.0)
    # What is not given or 0 has the engine's own value.
    assert health_check_of({"Healthcheck": {"Test": ["CMD", "true"], "Timeout": 0}}, {}) == HealthCheck(180.0)


def test_the_last_result_of_a_health_check() -> None:
    log = [{"ExitCode": 0, "Output": "fine"}, {"ExitCode": 1, "Output": "no response\n"}]
    found = health_check_of({"Healthcheck": {"Test": ["CMD", "true"]}}, {"Health": {"Log": log}})
    assert found
    assert (found.exit_code, found.output) == (1, "no response")
    first = health_check_of({"Healthcheck": {"Test": ["CMD", "true"]}}, {"Health": {"Log": None}})
    assert first
    assert (first.exit_code, first.output) == (None, "")


@pytest.mark.parametrize("config", [{}, {"Healthcheck": None}, {"Healthcheck": {"Test": ["NONE"]}}])
def test_a_container_without_a_health_check(config: dict[str, t.Any]) -> None:
    assert health_check_of(config, {}) is None


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        # As Docker Engine 20.10 and 26.1 answer for a registry with a login
        (404, "manifest unknown: manifest unknown", "missing"),
        (401, "unauthorized: authentication required", "denied"),
        (500, 'Head "http://registry:5000/v2/app/manifests/1": no basic auth credentials', "denied"),
        (500, 'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', "unreachable"),
        (500, 'Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: no such host', "unreachable"),
        # Docker Hub, for a repository that does not exist or is private
        (403, "pull access denied, repository does not exist or may require authorization", "denied"),
        (None, "", "unreachable"),
    ],
)
def test_an_answer_of_a_registry_has_a_kind(status: int | None, text: str, kind: str) -> None:
    assert registry_error_of(status, text) == RegistryError(kind, text)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("shop/web:1.4.0", "1.4.0"),
        ("reg:5000/shop/web:1.4.0", "1.4.0"),
        ("reg:5000/shop/web", ""),
        ("reg:5000/shop/web@sha256:abc", ""),
        ("reg/shop/web:1.4.0@sha256:abc", "1.4.0"),
    ],
)
def test_the_tag_of_an_image(image: str, tag: str) -> None:
    assert tag_of(image) == tag
