"""The variables that nginx's templates and the configuration made by releases share are those of the contract."""

from __future__ import annotations

import re
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import config, route_options
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.route_options import Rate, RouteOptions
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState, Route, StackRoutes

TEMPLATES = Path(__file__).parents[6] / "roles/proxy/templates"
OPTIONS = RouteOptions("redirect", 60, ("10.0.0.0/8",), "prod.staff", Rate(1, 1, 3), 100, 2.0, (("X-A", "1"),))
SHOP = StackRoutes("po", "prod", "shop", (Route("web", 8000, "a.org", "/", OPTIONS),))
DEFINED = re.compile(r"(?:map \S+|geo(?: \S+)?|split_clients \S+|set) \$(sy_\w+)|\(\?<(sy_\w+)>")
USED = re.compile(r"\$\{?(sy_\w+)")


def defined(text: str) -> set[str]:
    return {name or capture for name, capture in DEFINED.findall(text)}


def made_by_releases() -> str:
    files: dict[str, str | None] = {"50-po.shop.prod-blue.json": route_options.options_to_json(SHOP)}
    routes = ProxyState().with_routes(SHOP, "blue").routes
    return "\n".join(config.full_config(files, routes, "key", 100, {"prod": ("X-Preview", "v" * 20)})[0].values())


def contract(*sections: str) -> set[str]:
    """Return the variables in the tables of these sections of the templates' README."""
    readme = (TEMPLATES / "README.md").read_text()
    parts = {part.splitlines()[0]: part for part in readme.split("\n### ")[1:]}
    return {name for section in sections for name in re.findall(r"^\| `\$(sy_\w+)", parts[section], re.MULTILINE)}


def test_both_sides_name_the_same_variables() -> None:
    templates = "\n".join(path.read_text() for path in sorted((TEMPLATES / "nginx").glob("*.j2")))
    releases = made_by_releases()
    from_releases = set(USED.findall(templates)) - defined(templates)
    from_templates = set(USED.findall(releases)) - defined(releases)
    assert from_releases <= defined(releases)
    assert from_templates <= defined(templates)
    assert contract("nginx: set by releases") == from_releases
    assert contract("nginx: set by the templates") == from_templates
