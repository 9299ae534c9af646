from __future__ import annotations

from fakes import normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_volumes


def test_volumes_of_the_file_get_our_names_except_external_ones() -> None:
    content = normalised(web={})
    content["volumes"] = {"data": {"name": "stack_remove_data"}, "old": {"name": "nas", "external": True}, "unused": {}}
    assert compose_volumes.server_names(content, "po", "shop", "prod") == {
        "data": "po-shop-data-prod",
        "old": "nas",
        "unused": "po-shop-unused-prod",
    }
    created = compose_volumes.created(content, "po", "shop", "prod")
    assert created["po-shop-data-prod"] == {"driver": "local", "driver_opts": {}}
    assert "nas" not in created
