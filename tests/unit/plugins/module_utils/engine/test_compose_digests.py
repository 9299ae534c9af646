from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.compose_digests import with_digests


def digest(path: str = "/secrets/1/key", **service: t.Any) -> str:
    db = {"image": "db:1", "labels": {"a": "1"}, "secrets": [{"source": "key"}], **service}
    project = {"services": {"db": db}, "secrets": {"key": {"file": path}, "other": {"file": path + "2"}}}
    labels = with_digests(project)["services"]["db"]["labels"]
    assert labels["a"] == "1"
    return str(labels["io.switchyard.config"])


def test_a_service_with_its_secrets_and_configs_is_in_the_digest() -> None:
    assert digest() == digest()
    assert len({digest(), digest("/secrets/2/key"), digest(image="db:2")}) == 3


def test_an_empty_project_stays_empty() -> None:
    assert with_digests({}) == {}
