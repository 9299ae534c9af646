from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import layout


def test_a_stack_has_a_file_for_both_colors_or_for_each() -> None:
    assert layout.stack_file("po.shop.prod", "yml") == "50-po.shop.prod.yml"
    assert layout.stack_file("po.shop.prod", "cfg", "blue") == "50-po.shop.prod-blue.cfg"


def test_the_name_of_a_file_has_its_stack() -> None:
    assert layout.stack_of_file("50-po.shop.prod.yml", "yml") == "po.shop.prod"
    assert layout.stack_of_file("00-proxy.yml", "yml") is None
    assert layout.stack_of_file("50-po.shop.prod.cfg", "yml") is None
