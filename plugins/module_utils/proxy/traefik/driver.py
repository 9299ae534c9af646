# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik 3: one file per stack in a folder that it watches; its API shows what it loaded.

Traefik loads the whole folder or nothing of it: with one invalid file it takes over no change, and after a restart it
has no route at all. So a folder with anything that was not validated is loaded by a second Traefik first.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import time
import typing as t
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from ... import atomic_file
from ...errors import SwitchyardError
from ..connection_count import ConnectionCount
from ..driver import Files, Proxy
from ..state import ProxyPlan, ProxyState, StackRoutes
from .api import TraefikApi, options_in, servers_of, state_of
from .dry_run import second_traefik
from .dynamic_config import (
    API_HOST,
    DRY_RUN_HTTPS_PORT,
    DRY_RUN_PORT,
    HTTPS_PORT,
    PRIVATE_PORT,
    ConfigInputs,
    Document,
    backend,
    backends,
    file_name,
    in_file_provider,
    quoted,
    text_of,
)
from .mismatches import config_mismatches, error_messages, files_not_applied
from .pages_proxy import PagesProxy
from .served_certificates import certificates_not_served, served_certificate
from .stack_config import document

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine

# Seconds. Traefik waits a moment for more changes (providersThrottleDuration), then loads the folder.
LOAD_LIMIT = 10.0
DRY_RUN_LIMIT = 15.0
POLL = 0.01
LOG_LINES = 500


class Traefik(ConnectionCount, Proxy):
    """A Traefik that the role ``proxy`` set up."""

    own_file = "00-proxy.yml"
    suffixes = (".yml", ".yaml", ".toml")

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        super().__init__(folder, settings, engine)
        self.container = str(settings["container"])
        self.bypass_ips = tuple(settings.get("bypass_ips", ()))
        self.sticky = bool(settings.get("sticky", True))
        self.trusted_proxies = tuple(settings.get("trusted_proxies", ()))
        self.connect_timeout = settings.get("connect_timeout", ConfigInputs.connect_timeout)
        self.api = TraefikApi(self.container, engine, self.server_key)
        self.pages = PagesProxy(folder)

    # --- files ---

    def first_files(self) -> dict[str, str]:
        """Return the router of the API. It shows the preview keys, so it asks for this server's key."""
        digest = base64.b64encode(hashlib.sha1(self.server_key().encode()).digest()).decode()
        router = {
            "entryPoints": ["private"],
            "rule": f"Host({quoted(API_HOST)}) && Path(`/api/rawdata`)",
            "priority": 1_000_000,
            "service": "api@internal",
            "middlewares": [in_file_provider("switchyard:api")],
        }
        user = {"users": [f"{API_HOST}:{{SHA}}{digest}"], "removeHeader": True}
        content = {
            "http": {"routers": {"switchyard:api": router}, "middlewares": {"switchyard:api": {"basicAuth": user}}}
        }
        return {"01-api.yml": text_of(content)}

    def files_of(self, key: str) -> list[str]:
        """Return the one file of a stack; see Proxy."""
        return [file_name(key)]

    def is_secret(self, name: str) -> bool:
        """Return True: the files contain preview keys."""
        return True

    def inputs(self) -> ConfigInputs:
        """Return what the files need in addition to the state."""
        return ConfigInputs(
            self.server_key(),
            self.bypass_ips,
            self.sticky,
            self.trusted_proxies,
            self.capabilities.https_port,
            self.connect_timeout,
            self.preview_keys(),
        )

    # --- the running process ---

    def read(self) -> ProxyState:
        """Return the state in the routers and services of the running process."""
        raw = self.api.rawdata()
        state, servers, inputs, options = state_of(raw), servers_of(raw), self.inputs(), options_in(raw)
        differs = any(
            config_mismatches(document(key, state, servers, inputs, options), raw, key) for key in state.known_stacks()
        )
        return replace(state, in_sync=not differs)

    def container_ports(self, key: str, color: str) -> dict[str, int]:
        """Return the ports in the URLs of a color's services; see ConnectionCount."""
        return {
            name.split(":", 2)[2]: urlsplit(url).port or 80
            for name, url in servers_of(self.api.rawdata()).items()
            if name.startswith(f"{key}:{color}:")
        }

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return status, URL and open connections per service of a color."""
        raw = self.api.rawdata()
        counts = dict.fromkeys(self.container_ports(key, color), 0)
        for container, count in self.connections(key, color):
            counts[container.label("service")] += count
        return {
            backend(key, service, color): {
                "status": raw["services"][in_file_provider(backend(key, service, color))].get("status"),
                "address": servers_of(raw)[backend(key, service, color)],
                "in_flight": count,
            }
            for service, count in counts.items()
        }

    def trusting_address(self) -> tuple[str, int]:
        """Return the private entry point: the other ones remove what clients say of themselves."""
        return self.api.address(), PRIVATE_PORT

    # --- a change ---

    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        """Return the plan that gives a color its routes and services; see Proxy."""
        name = file_name(routing.key)
        current = atomic_file.read(self.config_folder / name)
        raw = self.api.rawdata()
        own = f"{routing.key}:{color}:"
        others = {service: url for service, url in servers_of(raw).items() if not service.startswith(own)}
        options = {route: value for route, value in options_in(raw).items() if route[:2] != (routing.key, color)}
        options.update({(routing.key, color, route.address): route.options for route in routing.routes})
        after = state.with_routes(routing, color)
        content = document(routing.key, after, {**others, **backends(routing, color)}, self.inputs(), options)
        return ProxyPlan(
            before=state,
            after=after,
            files={name: text_of(content)},
            files_before={name: current} if current is not None else {},
        )

    def changed_files(self, plan: ProxyPlan) -> Files:
        """Return the files that differ: live colors, weights and availability are configuration here."""
        raw = self.api.rawdata()
        servers, inputs, options = servers_of(raw), self.inputs(), options_in(raw)
        desired: dict[str, str | None] = {
            file_name(key): text_of(document(key, plan.after, servers, inputs, options))
            for key in sorted(plan.before.known_stacks() | plan.after.known_stacks())
        }
        desired.update(plan.files)
        return {name: text for name, text in desired.items() if atomic_file.read(self.config_folder / name) != text}

    def needs_validation(self, plan: ProxyPlan) -> bool:
        """Return whether a file has new routes, or the folder is not as Traefik last loaded it."""
        validated = atomic_file.read_json(self.folder / "validated.json")
        return super().changed_files(plan) is not None or validated != self._signature()

    def _signature(self) -> dict[str, list[int]]:
        """Return size, time and inode of each file in ``conf.d``, also in its subfolders."""
        signature = {}
        for path in sorted(self.config_folder.rglob("*")):
            if path.suffix in self.suffixes and path.is_file():
                status = path.stat()
                signature[str(path.relative_to(self.folder))] = [status.st_size, status.st_mtime_ns, status.st_ino]
        return signature

    def check_staged(self, files: Files) -> str | None:
        """Return what a second Traefik reports of the folder ``staged``; see Proxy."""
        end = time.monotonic() + DRY_RUN_LIMIT
        with second_traefik(self.container) as log:
            while time.monotonic() < end:
                with contextlib.suppress(SwitchyardError):
                    return "; ".join(self._not_applied(files, DRY_RUN_PORT, DRY_RUN_HTTPS_PORT)) or None
                if any("provider" in line and error_messages(line) for line in log().splitlines()):
                    break
                time.sleep(POLL)
            return (error_messages(log()) or [log().strip()[-400:] or "it does not start"])[0]

    def refusal(self, error: str, files: Files) -> str:
        """Return the message for a validation error; one in another file needs another action."""
        name = error.partition(":")[0]
        if name not in files and (self.config_folder / name).is_file():
            return (
                f"Nothing was changed, for the proxy cannot read its folder {self.config_folder}: {error}. Repair that "
                "file or remove it: while it exists, the proxy takes over no change and has no route after a restart."
            )
        return super().refusal(error, files)

    def prepare_load(self, plan: ProxyPlan) -> None:
        """Make requests of held stacks wait before the first one arrives at the pages."""
        self.pages.set_availability({**plan.before.availability, **plan.after.availability})

    def load(self, plan: ProxyPlan, files: Files) -> None:
        """Wait until Traefik, which watches the folder, has loaded the files."""
        end = time.monotonic() + LOAD_LIMIT
        while mismatches := self._not_applied(files):
            if time.monotonic() > end:
                errors = error_messages("\n".join(self.process.logs(LOG_LINES)))
                raise SwitchyardError(errors[-1] if errors else mismatches[0])
            time.sleep(POLL)

    def cancel_load(self, plan: ProxyPlan) -> None:
        """Give the pages the availability from before."""
        self.pages.set_availability(plan.before.availability)

    def finish_load(self, plan: ProxyPlan) -> None:
        """Remember the folder that Traefik loaded."""
        atomic_file.write_json(self.folder / "validated.json", self._signature(), 0o600)

    def activate(self, state: ProxyState) -> None:
        """Give the pages the new availability; the rest took effect with the files."""
        self.pages.set_availability(state.availability)

    def _not_applied(self, files: Files, port: int | None = None, https_port: int | None = None) -> list[str]:
        """Return the differences between files and what a Traefik loaded. Raises SwitchyardError without an answer."""
        raw = self.api.rawdata(port)
        return files_not_applied(files, raw) or self._certificates_not_served(
            files.get(self.own_file), raw, https_port or HTTPS_PORT
        )

    def _certificates_not_served(self, own_file: str | None, raw: Document, port: int) -> list[str]:
        return certificates_not_served(
            own_file,
            raw,
            self.folder / "certificates",
            self.capabilities.certificates,
            lambda host: served_certificate(self.api.address(), port, host),
        )
