"""Applications as ``docker compose config`` shows them, for the tests of new inventories."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.plugin_utils.new_inventory.application import Application

Service = dict[str, t.Any]


def port(target: int, protocol: str = "tcp") -> Service:
    """Return a published port in the form of the normalised files."""
    return {"mode": "ingress", "target": target, "published": str(target), "protocol": protocol}


def volume(name: str, **values: t.Any) -> Service:
    """Return a mount of a named volume."""
    return {"type": "volume", "source": name, "target": f"/{name}", **values}


def waits(**conditions: str) -> dict[str, Service]:
    """Return ``depends_on`` with a condition for each service."""
    return {name: {"condition": f"service_{one}", "required": True} for name, one in conditions.items()}


def app_of(services: t.Mapping[str, Service], **values: t.Any) -> Application:
    """Return an application; each service without one has an image with a fixed tag."""
    known = {name: {"image": f"reg.example.org/{name.lower()}:1", **one} for name, one in services.items()}
    normalised = {"name": "shop", "services": known, "volumes": values.pop("volumes", {})}
    return Application(Path("/srv/shop"), ("docker-compose.yml",), normalised, **values)
