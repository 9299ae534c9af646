from __future__ import annotations

from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_volumes
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.anonymous_volumes import name_volumes


def test_volumes_of_the_file_get_our_names_except_external_ones() -> None:
    content = normalised(web={})
    content["volumes"] = {"data": {"name": "stack_remove_data"}, "old": {"name": "nas", "external": True}, "unused": {}}
    assert compose_volumes.server_names(content, "po", "shop", "prod") == {
        "data": "po-shop-data-prod",
        "old": "nas",
        "unused": "po-shop-unused-prod",
    }
    created = compose_volumes.created(content, "po", "shop", "prod")
    assert created["po-shop-data-prod"] == {"driver": "local", "driver_opts": {}, "made_for": {}}
    assert "nas" not in created


def test_a_volume_that_the_file_does_not_name_has_its_service_and_path() -> None:
    content = name_volumes(normalised(db={}), {"db": ["/var/lib/db/"]})
    created = compose_volumes.created(content, "po", "shop", "prod")
    assert created["po-shop-db-var-lib-db-prod"]["made_for"] == {"service": "db", "path": "/var/lib/db"}
