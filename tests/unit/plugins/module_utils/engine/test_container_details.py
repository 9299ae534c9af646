from __future__ import annotations

import types
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.container_details import ContainerDetails
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Volume


class NotFound(Exception):
    """The engine does not have it."""


class Api:
    """The API of an engine with one container."""

    def inspect_container(self, name: str) -> dict[str, t.Any]:
        if name != "db":
            raise NotFound
        networks = {"back": {"Aliases": ["db", "0123"], "DNSNames": None}, "front": {"Aliases": None}}
        config = {"Env": ["PGPORT=5433", "PASSWORD=a=b"], "Image": "postgres:17"}
        return {"Config": config, "Image": "sha256:1", "NetworkSettings": {"Networks": networks}}

    def inspect_volume(self, name: str) -> dict[str, t.Any]:
        if name != "data":
            raise NotFound
        return {"Name": "data", "Driver": "local", "Options": None, "Labels": None, "Mountpoint": "/v/data/_data"}

    def inspect_image(self, name: str) -> dict[str, t.Any]:
        return {"RepoTags": ["team/db:3"]}


def test_a_container_is_asked_for_its_environment_and_names() -> None:
    details = ContainerDetails()
    details.sdk = types.SimpleNamespace(errors=types.SimpleNamespace(NotFound=NotFound))
    details.client = types.SimpleNamespace(api=Api())
    assert details.environment("db") == {"PGPORT": "5433", "PASSWORD": "a=b"}
    assert details.image_names("db") == ["postgres:17", "team/db:3"]
    assert details.host_names("db") == ("0123", "db")
    assert (details.environment("gone"), details.image_names("gone"), details.host_names("gone")) == ({}, [], ())


def test_a_volume_is_known_with_its_folder() -> None:
    details = ContainerDetails()
    details.sdk = types.SimpleNamespace(errors=types.SimpleNamespace(NotFound=NotFound))
    details.client = types.SimpleNamespace(api=Api())
    assert details.volume("data") == Volume("data", "local", {}, {}, "/v/data/_data")
    assert details.volume("gone") is None
