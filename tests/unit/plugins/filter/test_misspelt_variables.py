from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.misspelt_variables import FilterModule


def test_a_misspelt_variable_of_an_inventory() -> None:
    variables = {"proxy_https_prot": 8443, "proxy_http_port": 8080, "inventory_hostname": "server1"}
    assert FilterModule().filters()["misspelt_variables"](variables) == [
        "proxy_https_prot is not a variable of this collection and has no effect. Did you mean proxy_https_port?"
    ]
