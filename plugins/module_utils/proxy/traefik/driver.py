# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Traefik 3: one file per stack in a folder that it watches; its API says what it made of them.

Traefik reads the whole folder or nothing of it: one invalid file, and no change of anybody is taken over, and after a
restart no route is left. So a folder that holds something unproved is tried in a second Traefik before it changes.
The files are JSON, which is YAML as well: the server's Python needs no library for it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import socket
import ssl
import time
import typing as t
import urllib.parse
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from ... import atomic_file
from ...engine import sockets
from ...errors import SwitchyardError
from ..driver import Proxy
from ..haproxy.maps import map_text, parse_map
from ..state import ProxyPlan, ProxyState, StackRoutes
from .api import (
    API_TIMEOUT,
    config_mismatches,
    error_messages,
    files_not_applied,
    is_owned_name,
    options_in,
    servers_of,
    service_of,
    state_of,
)
from .dry_run import dry_run_config
from .dynamic_config import (
    API_HOST,
    HTTPS_PORT,
    INSIDE,
    NO_HTTPS,
    PRIVATE_PORT,
    TRIAL_HTTPS_PORT,
    TRIAL_PORT,
    ConfigInputs,
    Contents,
    Document,
    backend,
    backends,
    document,
    file_name,
    in_file_provider,
    parse,
    quoted,
    text_of,
)
from .served_certificates import certificate_in

if t.TYPE_CHECKING:
    from ...engine.docker_client import Engine
    from ...engine.models import Container


# Traefik waits a moment for more changes (providersThrottleDuration), then loads the folder.
LIVE_LIMIT = 10.0
TRIAL_LIMIT = 15.0
POLL = 0.01


class Traefik(Proxy):
    """The Traefik that the role ``proxy`` put under ``folder``."""

    own_file = "00-proxy.yml"

    def __init__(self, folder: Path, settings: t.Mapping[str, t.Any], engine: Engine) -> None:
        """Take the role's folder, its settings and the engine that runs the container."""
        super().__init__(folder, settings)
        self.container = str(settings["container"])
        self.uid = int(settings["uid"])
        self.insiders = tuple(settings.get("insiders", ()))
        self.sticky = bool(settings.get("sticky", True))
        self.trusted = tuple(settings.get("trusted", ()))
        self.connect = settings.get("connect", ConfigInputs.connect)
        self.engine = engine
        self._address: str | None = None

    def first_files(self) -> dict[str, str]:
        """Return the way to the API. It shows the key of the private way in, so who asks must know that key."""
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

    # --- what the running process says ---

    def _form(self) -> ConfigInputs:
        return ConfigInputs(
            self.server_key(),
            self.insiders,
            self.sticky,
            self.trusted,
            self.capabilities.https_port,
            connect=self.connect,
            private=self.preview_keys(),
        )

    def _raw(self, port: int | None = None) -> Document:
        """Return everything that Traefik knows. Raises SwitchyardError when it does not answer."""
        try:
            try:
                return self._api(self._address or self._find(), port or PRIVATE_PORT)
            except OSError:
                # It may have started anew, with another address.
                return self._api(self._find(), port or PRIVATE_PORT)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SwitchyardError(
                f"The proxy's API does not answer ({error}). Look at its log with 'docker logs {self.container}', "
                "then run setup.yml."
            ) from error

    def _find(self) -> str:
        """Return the address of the container, on whichever network. Raises OSError where it has none."""
        container = self.engine.container(self.container)
        self._address = next(filter(None, container.addresses.values()), None) if container else None
        if not self._address:
            raise OSError(f"the container {self.container} does not run")
        return self._address

    def _api(self, address: str, port: int) -> Document:
        connection = http.client.HTTPConnection(address, port, timeout=API_TIMEOUT)
        try:
            password = base64.b64encode(f"{API_HOST}:{self.server_key()}".encode()).decode()
            headers = {"Host": API_HOST, "Authorization": f"Basic {password}"}
            connection.request("GET", "/api/rawdata", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise OSError(f"status {answer.status}")
            raw: Document = json.loads(answer.read())
            return raw
        finally:
            connection.close()

    def read(self) -> ProxyState:
        """Return what the routers and services of the running process do."""
        return self._state(self._raw())

    def _state(self, raw: Document) -> ProxyState:
        state, servers, form, options = state_of(raw), servers_of(raw), self._form(), options_in(raw)
        return replace(
            state,
            in_sync=not any(
                config_mismatches(document(key, state, servers, form, options), raw, key)
                for key in state.known_stacks()
            ),
        )

    def _containers(self, key: str, color: str) -> list[Container]:
        project, stack, environment = key.split(".")
        return self.engine.containers(project=project, environment=environment, stack=stack, color=color)

    def in_flight(self, key: str, color: str) -> int:
        """Return the open connections to the color's containers: Traefik opens one per request, and counts none."""
        return sum(self._in_flight(key, color, self._raw()).values())

    def _in_flight(self, key: str, color: str, raw: Document) -> dict[str, int]:
        ports = {
            name.split(":", 2)[2]: urllib.parse.urlsplit(url).port or 80
            for name, url in servers_of(raw).items()
            if name.startswith(f"{key}:{color}:")
        }
        counts = dict.fromkeys(ports, 0)
        for container in self._containers(key, color):
            service = container.label("service")
            if service in ports and container.pid:
                counts[service] += sockets.open_to(container.pid, ports[service])
        return counts

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        """Return status, address and open connections per service of a color."""
        raw = self._raw()
        counts = self._in_flight(key, color, raw)
        return {
            backend(key, service, color): {
                "status": raw["services"][in_file_provider(backend(key, service, color))].get("status"),
                "address": servers_of(raw)[backend(key, service, color)],
                "in_flight": count,
            }
            for service, count in counts.items()
        }

    @staticmethod
    def access_line(text: str) -> dict[str, t.Any] | None:
        """Return a line of Traefik's access log in the fields that all proxies share; see the interface."""
        return access_line(text)

    # --- what should be ---

    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        """Return the plan that gives a color its routes and services; see the interface."""
        name = file_name(routing.key)
        current = atomic_file.read(self.folder / "conf.d" / name)
        mine = f"{routing.key}:{color}:"
        raw = self._raw()
        others = {service: url for service, url in servers_of(raw).items() if not service.startswith(mine)}
        options = {way: options for way, options in options_in(raw).items() if way[:2] != (routing.key, color)}
        options.update({(routing.key, color, route.host + route.path): route.options for route in routing.routes})
        after = state.with_routes(routing, color)
        content = document(routing.key, after, {**others, **backends(routing, color)}, self._form(), options)
        return ProxyPlan(
            before=state,
            after=after,
            files={name: text_of(content)},
            files_before={name: current} if current is not None else {},
        )

    def files_of(self, key: str) -> list[str]:
        """Return the one name; see the interface."""
        return [file_name(key)]

    def set_server_addresses(self, routing: StackRoutes, color: str, addresses: t.Mapping[str, str]) -> None:
        """Do nothing: Traefik asks for a name's address at every new connection."""

    # --- making it so ---

    def apply(self, change: t.Callable[[ProxyState], ProxyPlan]) -> ProxyPlan:
        """Plan and carry out, alone on this server; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            raw = self._raw()
            plan = change(self._state(raw))
            if plan.changed:
                contents = self._contents(plan, raw)
                if dict(plan.files) != dict(plan.files_before) or not self._proved():
                    self._try(contents)
                self._carry_out(plan, contents)
            return plan

    def _contents(self, plan: ProxyPlan, raw: Document) -> dict[str, str | None]:
        """Return the files that will be different."""
        servers, form, options = servers_of(raw), self._form(), options_in(raw)
        wanted: dict[str, str | None] = {
            file_name(key): text_of(document(key, plan.after, servers, form, options))
            for key in sorted(plan.before.known_stacks() | plan.after.known_stacks())
        }
        wanted.update(plan.files)
        folder = self.folder / "conf.d"
        return {name: text for name, text in wanted.items() if atomic_file.read(folder / name) != text}

    def _carry_out(self, plan: ProxyPlan, contents: Contents) -> None:
        folder = self.folder / "conf.d"
        before = {name: atomic_file.read(folder / name) for name in contents}
        try:
            self._hold({**plan.before.availability, **plan.after.availability})
            for name, text in contents.items():
                self.write(folder / name, text)
            self._confirm(contents)
        except (SwitchyardError, OSError) as error:
            for name, old in before.items():
                self.write(folder / name, old)
            with contextlib.suppress(SwitchyardError):
                self._hold(plan.before.availability)
            raise SwitchyardError(
                f"The proxy did not take the change over, the files before are back: {error}"
            ) from error
        atomic_file.write_json(self.folder / "validated.json", self._signature(), 0o600)
        self._hold(plan.after.availability)

    def write(self, path: Path, content: str | None) -> None:
        """Write a file that only the proxy reads: it may hold a key of the private way in; see the interface."""
        if content is None:
            atomic_file.write_or_remove(path, None)
        else:
            atomic_file.write(path, content, 0o600, self.uid)

    def _confirm(self, contents: Contents) -> None:
        """Wait until Traefik does what the files say. Raises SwitchyardError with its own words when it does not."""
        end = time.monotonic() + LIVE_LIMIT
        while True:
            left = self._left(contents)
            if not left:
                return
            if time.monotonic() > end:
                said = error_messages("\n".join(self.engine.logs(self.container, 500)))
                raise SwitchyardError(f"{said[-1] if said else left[0]}")
            time.sleep(POLL)

    def _left(self, contents: Contents, port: int | None = None, https_port: int | None = None) -> list[str]:
        """Return what a Traefik does not do as the files say. Raises SwitchyardError when it does not answer."""
        raw = self._raw(port)
        return files_not_applied(contents, raw) or self._unserved(
            contents.get(self.own_file), raw, https_port or HTTPS_PORT
        )

    def _unserved(self, own: str | None, raw: Document, port: int) -> list[str]:
        """Return which certificates are not in use: Traefik says nothing of one that it cannot read."""
        listed = parse(own).get("tls", {}).get("certificates", []) if own else []
        if not listed or any(NO_HTTPS in router.get("error", []) for router in raw["routers"].values()):
            return []
        paths = [self.folder / "certificates" / Path(each["certFile"]).name for each in listed]
        wanted = {certificate_in(path.read_text(encoding="utf-8")) for path in paths}
        hosts = [certificate.names[0].replace("*", "any") for certificate in self.capabilities.certificates]
        return [f"the certificate for {host} is not in use" for host in hosts if self._shown(host, port) not in wanted]

    def _shown(self, host: str, port: int) -> bytes | None:
        """Return the certificate with which Traefik answers for a host."""
        # It is compared with the file byte by byte; whether a browser believes it is not asked here.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with contextlib.ExitStack() as stack:
                plain = stack.enter_context(
                    socket.create_connection((self._address or self._find(), port), API_TIMEOUT)
                )
                return stack.enter_context(context.wrap_socket(plain, server_hostname=host)).getpeercert(True)
        except OSError as error:
            raise SwitchyardError(f"The proxy does not answer on https ({error}).") from error

    # --- proving a folder before Traefik sees it ---

    def _signature(self) -> dict[str, list[int]]:
        """Return what tells whether a file of the folder changed."""
        found = {}
        for path in sorted((self.folder / "conf.d").rglob("*")):
            if path.suffix in (".yml", ".yaml", ".toml") and path.is_file():
                seen = path.stat()
                found[str(path.relative_to(self.folder))] = [seen.st_size, seen.st_mtime_ns, seen.st_ino]
        return found

    def _proved(self) -> bool:
        """Return whether the folder is as it was when Traefik last took a change over: then all of it is valid."""
        return bool(atomic_file.read_json(self.folder / "validated.json") == self._signature())

    def _try(self, contents: Contents) -> None:
        """Load the folder with the new files in a second Traefik beside the first. Raises SwitchyardError."""
        live, staged = self.folder / "conf.d", self.folder / "staged"
        for old in staged.iterdir():
            old.unlink()
        for path in live.iterdir():
            if path.is_file() and path.suffix in (".yml", ".yaml", ".toml"):
                self.write(staged / path.name, path.read_text(encoding="utf-8"))
        for name, text in contents.items():
            self.write(staged / name, text)
        with dry_run_config(self.container) as said:
            left, log = self._watch(contents, said)
        if left is None:
            words = (error_messages(log) or [log.strip()[-400:] or "it does not start"])[0]
            if any(words.startswith(name) for name in contents):
                raise SwitchyardError(f"The proxy refuses the new configuration, the old one stays: {words}.")
            raise SwitchyardError(
                f"Nothing was changed, for the proxy cannot read its folder {live}: {words}. Repair that file or take "
                "it away: while it is there, the proxy takes over no change, and has no route at all after a restart."
            )
        if left:
            raise SwitchyardError(f"The proxy refuses the new configuration, the old one stays: {'; '.join(left)}.")

    def validate_config(self) -> str | None:
        """Return what Traefik says of its files; see the interface."""
        with atomic_file.locked(self.folder / "lock"):
            try:
                self._try({})
            except SwitchyardError as error:
                return str(error)
        return None

    def _watch(self, contents: Contents, said: t.Callable[[], str]) -> tuple[list[str] | None, str]:
        """Return what the second Traefik does not do as the files say, None when it loads nothing; and its words."""
        end = time.monotonic() + TRIAL_LIMIT
        left: list[str] | None = None
        while time.monotonic() < end:
            with contextlib.suppress(SwitchyardError):
                left = self._left(contents, TRIAL_PORT, TRIAL_HTTPS_PORT)
                break
            if any("provider" in line and error_messages(line) for line in said().splitlines()):
                break
            time.sleep(POLL)
        return left, said()

    # --- requests that wait ---

    def _hold(self, closed: t.Mapping[str, str]) -> None:
        """Tell the server of the pages which stacks are closed: it lets the requests of those that are held wait."""
        path, text = self.folder / "maps" / "availability.map", map_text(closed)
        if atomic_file.read(path) == text:
            return
        atomic_file.write(path, text)
        inside = f"{INSIDE}/maps/availability.map"
        try:
            now = parse_map(self._ask_pages(f"show map {inside}"))
            for key in sorted({*now, *closed}):
                verb = ("set" if key in now else "add") if key in closed else "del"
                self._ask_pages(f"{verb} map {inside} {key} {closed.get(key, '')}")
        except OSError as error:
            # Whoever opens a stack must not fail because of the pages; they read the file when they start.
            if "held" in closed.values():
                raise SwitchyardError(f"The server of the pages does not answer ({error}). Run setup.yml.") from error

    def _ask_pages(self, command: str) -> str:
        """Return the answer of the HAProxy that has the pages (management guide, 9.3). Raises OSError."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(API_TIMEOUT)
            connection.connect(str(self.folder / "run" / "pages.sock"))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode("utf-8", "replace")


def access_line(text: str) -> dict[str, t.Any] | None:
    """Return a line of Traefik's access log in the fields of the other proxies; None for any other line.

    The names of routers and services carry stack, color and service.
    """
    try:
        line = json.loads(text)
        status = line["DownstreamStatus"]
        moment, _dot, fraction = line["StartUTC"].rstrip("Z").partition(".")
        begun = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp()
    except (ValueError, KeyError, TypeError):
        return None
    stack = is_owned_name(line.get("RouterName", ""))[0]
    owner, color, service = is_owned_name(line.get("ServiceName", ""))
    return {
        "time": round(begun + float(f"0.{fraction or 0}"), 3),
        "stack": stack if stack.count(".") == 2 else "",
        "route": service_of(service) if owner == stack else "",
        "color": color if owner == stack else "",
        "status": status,
        "ms": line.get("Duration", 0) // 1_000_000,
        "bytes": line.get("DownstreamContentSize", 0),
        "method": line.get("RequestMethod", ""),
        "host": line.get("RequestHost", ""),
        "path": line.get("RequestPath", "").partition("?")[0],
        "client": line.get("ClientHost", ""),
        # 499 stands for a client that left.
        "ending": "CD" if status == 499 else "--",
        "id": line.get("TraceId", ""),
    }
