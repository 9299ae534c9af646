from __future__ import annotations

import typing as t

from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine.anonymous_volumes import name_volumes


def named(paths: list[str], *mounts: dict[str, t.Any], **service: t.Any) -> t.Any:
    content = normalised(db={"volumes": list(mounts), **service}, web={})
    return name_volumes({**content, "volumes": {"db-data": {"driver": "local"}}}, {"db": paths})


def test_a_volume_of_the_image_has_a_name() -> None:
    found = named(["/var/lib/db/", "/etc/db"])
    assert found["services"]["db"]["volumes"] == [
        {"type": "volume", "source": "db-etc-db", "target": "/etc/db"},
        {"type": "volume", "source": "db-var-lib-db", "target": "/var/lib/db"},
    ]
    assert set(found["volumes"]) == {"db-data", "db-etc-db", "db-var-lib-db"}
    assert "volumes" not in found["services"]["web"]


def test_a_path_that_the_file_mounts_has_its_mount() -> None:
    mounts = [
        {"type": "bind", "source": "/srv", "target": "/a/"},
        {"type": "volume", "source": "db-data", "target": "/b"},
    ]
    found = named(["/a", "/b", "/run/db"], *mounts, tmpfs=["/run/db:size=1m"])
    assert found["services"]["db"]["volumes"] == mounts


def test_a_volume_of_the_file_without_a_source_has_a_name_that_is_free() -> None:
    found = named([], {"type": "volume", "target": "/data"})
    assert found["services"]["db"]["volumes"] == [{"type": "volume", "source": "db-data-2", "target": "/data"}]
    assert found["volumes"]["db-data"] == {"driver": "local"}


def test_what_was_given_is_not_changed() -> None:
    content = normalised(db={"volumes": [{"type": "volume", "target": "/data"}]})
    before = repr(content)
    name_volumes(content, {"db": ["/x"]})
    assert repr(content) == before
