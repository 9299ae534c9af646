"""The variables that HAProxy's template and the configuration made by releases share are those of the contract."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import config, maps
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import Route, StackRoutes

ROLE = Path(__file__).parents[6] / "roles/proxy"
OPTIONS = RouteOptions("redirect", 60, ("10.0.0.0/8",), "prod.staff", Rate(1, 1, 3), 100, 2.0, (("X-A", "1"),))
SHOP = StackRoutes(
    "po", "prod", "shop", (Route("web", 8000, "a.org", "/", OPTIONS), Route("web", 8000, "*.a.org", "/"))
)
SET = re.compile(r"set-var\(txn\.(\w+)\)|set_var\(\"txn\.(\w+)\"")


def test_both_sides_name_the_same_variables() -> None:
    template = (ROLE / "templates/haproxy/main.j2").read_text()
    lua = "\n".join(path.read_text() for path in (ROLE / "files").glob("*.lua"))
    releases = config.configuration(SHOP, "blue")
    own = {name or other for name, other in SET.findall(releases + lua)}
    needed = set(re.findall(r"txn\.(\w+)", releases)) - own
    assert needed <= {name or other for name, other in SET.findall(template)}
    readme = (ROLE / "templates/README.md").read_text().partition("\n### HAProxy: set by the template")[2]
    assert set(re.findall(r"^\| `txn\.(\w+)`", readme.partition("\n### ")[0], re.MULTILINE)) == needed


def test_the_template_reads_the_maps_that_the_driver_writes() -> None:
    template = (ROLE / "templates/haproxy/main.j2").read_text()
    written = {*maps.MAPS, "old-worker", "keys"}
    assert set(re.findall(r"/maps/([\w-]+)\.map", template)) == written
