from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.plugin_utils.template_names import names_behind, names_in


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("shop_version", set()),
        ("reg/shop:{{ shop_version }}", {"shop_version"}),
        ("{{ shop.version | default('1.0.0') }}", {"shop"}),
        ("{{ shop_version | default(base_version, true) }}", {"shop_version", "base_version"}),
        ("{{ vars['shop_version'] }}{{ lookup('vars', \"tag\") }}", {"vars", "shop_version", "lookup", "tag"}),
        ("{% if canary is defined %}{{ a ~ b }}{% else %}{{ c }}{% endif %}", {"canary", "defined", "a", "b", "c"}),
        (
            "{{ items | selectattr('name', 'equalto', x) | map(attribute='id') | list }}",
            {"items", "name", "equalto", "x", "id"},
        ),
        ("{{ dict(a=b) }}", {"dict", "b"}),
        ("{{ a == b }}", {"a", "b"}),
        ("{{ it's }}", {"it", "s"}),
        ("{{ [{'a': {'b': c}}] | map('combine', d) }}", {"a", "b", "c", "combine", "d"}),
        ("{# {{ old }} #}{{ new }}", {"new"}),
        ("{{ unclosed", {"unclosed"}),
        ({"key": ["{{ a }}", {"{{ b }}": 1}], "other": None}, {"a", "b"}),
        (7, set()),
    ],
)
def test_names_of_a_value(value: t.Any, expected: set[str]) -> None:
    assert names_in(value) == expected


def test_names_behind_a_value() -> None:
    variables = {"tag": "v{{ number }}", "number": "{{ tag }}", "unused": "{{ other }}", "list": [{"a": "{{ deep }}"}]}
    assert names_behind("{{ tag }}{{ list }}{{ missing }}", variables) == {"tag", "number", "list", "deep", "missing"}
