# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take stacks, or a whole environment, off a server. Data stays unless a person says otherwise.

The public leaves first, requests in flight end, then the proxy forgets the stack, and only then its containers go. What
is still there says what is left to do, so a second run goes on where one was killed.
"""

from __future__ import annotations

import shutil
import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .. import atomic_file, names
from ..engine.docker_client import Container, Kept
from ..errors import SwitchyardError
from ..proxy import process
from ..proxy.behind_traefik import labels as behind_traefik_labels
from ..proxy.driver import Plan
from ..release.context import Place, Server
from ..release.gates import health

# What a release makes in a stack's folder. The lock goes last.
RELEASES, LOCKS = "releases", ("lock.json", "lock")

# Seconds that requests in flight get where no record says it.
DRAIN = 30


@dataclass(frozen=True)
class Seen:
    """What stands of a project on this server, as far as one environment has to do with it.

    ``routes`` has the hosts and paths per stack that the proxy knows, ``pages`` and ``folders`` the paths per stack.
    ``shared`` are the servers of the project that belong to no environment, with the networks that each is on;
    ``way_in`` is the network that the published port of the proxy needs. ``others`` are the project's other
    environments here. ``records`` says what a stack asked for. ``unit`` is the proxy's where it runs on the server
    itself. ``trouble`` is why it does not answer.
    """

    environment: str
    containers: tuple[Container, ...] = ()
    networks: tuple[Kept, ...] = ()
    volumes: tuple[Kept, ...] = ()
    routes: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pages: t.Mapping[str, Path] = field(default_factory=dict)
    folders: t.Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    shared: t.Mapping[str, Container] = field(default_factory=dict)
    way_in: str | None = None
    others: tuple[str, ...] = ()
    records: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)
    proxy_folder: Path | None = None
    unit: str | None = None
    trouble: str | None = None

    @property
    def stacks(self) -> list[str]:
        """The stacks of the environment of which anything stands."""
        things: list[Container | Kept] = [*self.containers, *self.networks, *self.volumes]
        labelled = {one.label("stack") for one in things if one.label("environment") == self.environment}
        return sorted({*self.routes, *self.pages, *self.folders, *labelled} - {""})


@dataclass(frozen=True)
class Retiring:
    """What goes, and what stays although it could go, in words."""

    stacks: tuple[str, ...]
    routes: t.Mapping[str, tuple[str, ...]]
    containers: tuple[str, ...]
    servers: tuple[str, ...]
    unit: str | None
    leaves: tuple[tuple[str, str], ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]
    paths: tuple[Path, ...]
    kept: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """What goes, a line each."""
        return [
            *(f"routes of {stack}: {', '.join(ways) or 'none'}" for stack, ways in self.routes.items()),
            *(f"container {name}" for name in (*self.containers, *self.servers)),
            *([f"unit {self.unit}"] if self.unit else []),
            *(f"place of {server} on the network {network}" for network, server in self.leaves),
            *(f"network {name}" for name in self.networks),
            *(f"volume {name} with its data" for name in self.volumes),
            *map(str, self.paths),
        ]

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.lines)


def plan(seen: Seen, asked: t.Sequence[str], remove_data: bool) -> Retiring:
    """Return what it takes for stacks to be gone; with none asked for, the environment and all that is only its own.

    Raises SwitchyardError where the proxy would have to answer and does not.
    """
    stacks = [name for name in seen.stacks if not asked or name in asked]
    last = not asked and not seen.others
    if seen.trouble and not last:
        raise SwitchyardError(seen.trouble)

    def mine(one: Container | Kept) -> bool:
        here = one.label("environment") == seen.environment
        return here and (not asked or one.label("stack") in asked)

    containers = {one.name for one in seen.containers if mine(one)}
    servers = {name for name, one in seen.shared.items() if last and one.label("role") in ("proxy", "pages")}
    going = [one for one in seen.networks if mine(one) or (last and one.label("role") in ("pages", "front"))]
    leaves, networks, kept = _networks(seen, going, containers | servers)
    volumes = [one for one in seen.volumes if mine(one)]
    in_use = {one.name: sorted(set(one.users) - containers) for one in volumes if set(one.users) - containers}
    kept += [f"the volume {name}: {', '.join(users)} uses it" for name, users in in_use.items()]
    free = [one.name for one in volumes if one.name not in in_use]
    data = [path for name in stacks for path in seen.folders.get(name, ()) if not _is_ours(path)]
    if not remove_data:
        kept += [f"the volume {name} (-e data=remove removes it)" for name in free]
        kept += [f"{path} (-e data=remove removes it)" for path in data]
    for name in stacks:
        wanted = seen.records.get(name, {})
        if wanted.get("postgres"):
            kept.append(f"the database {names.database(name, seen.environment)} in PostgreSQL, with its logins")
        if wanted.get("redis"):
            kept.append(f"the user {names.redis_user(name, seen.environment)} in Redis, with its database numbers")
    labels = [one.labels for name, one in seen.shared.items() if name not in servers]
    if not asked and any(behind_traefik_labels.MEMORY + seen.environment in each for each in labels):
        kept.append("the labels of the proxy for these hosts, until setup.yml runs for another environment")
    if last and seen.unit:
        kept.append("Debian's package of the proxy, and the user it ran as")
    folders = [path for name in stacks for path in seen.folders.get(name, ()) if _is_ours(path) or remove_data]
    proxy_folder = [seen.proxy_folder] if last and seen.proxy_folder else []
    return Retiring(
        stacks=tuple(stacks),
        routes={} if last else {name: ways for name, ways in seen.routes.items() if name in stacks},
        containers=tuple(sorted(containers)),
        servers=tuple(sorted(servers)),
        unit=seen.unit if last else None,
        leaves=tuple(leaves),
        networks=tuple(networks),
        volumes=tuple(free) if remove_data else (),
        paths=(*([] if last else [seen.pages[name] for name in stacks if name in seen.pages]), *folders, *proxy_folder),
        kept=tuple(kept),
    )


def _networks(seen: Seen, going: list[Kept], gone: set[str]) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Return which servers leave which networks, the networks that go, and why others stay."""
    left = {name: set(one.addresses) for name, one in seen.shared.items()}
    leaves, networks, kept = [], [], []
    for one in sorted(going, key=lambda network: network.name):
        users = [name for name in one.users if name not in gone]
        strangers = [name for name in users if name not in left]
        alone = [name for name in users if name in left and left[name] <= {one.name}]
        if strangers:
            kept.append(f"the network {one.name}: {', '.join(strangers)} uses it")
        elif one.name == seen.way_in and users:
            kept.append(f"the network {one.name}: the public's port leads through it to the other environments")
        elif alone:
            kept.append(f"the network {one.name}: {', '.join(alone)} has no other")
        else:
            leaves += [(one.name, name) for name in users]
            networks.append(one.name)
            for name in users:
                left[name].discard(one.name)
    return leaves, networks, kept


def _is_ours(path: Path) -> bool:
    return path.name in (RELEASES, *LOCKS)


def look(server: Server) -> Seen:
    """Return what stands now."""
    engine, project, environment = server.engine, server.project, server.environment
    everything = engine.containers(project=project)
    shared = {one.name: one for one in everything if not one.label("environment")}
    proxy = next((one for one in shared.values() if one.label("role") == "proxy"), None)
    folder = server.root / "proxy"
    routes: dict[str, tuple[str, ...]] = {}
    others = {one.label("environment") for one in everything}
    trouble = None
    if proxy or (folder / "proxy.json").exists():
        try:
            state = server.proxy.read()
        except SwitchyardError as error:
            trouble = str(error)
        else:
            for key in sorted(state.known()):
                stack = names.stack_of(key, project, environment)
                if stack:
                    routes[stack] = tuple(sorted({at for owner, _color, at in state.routes if owner == key}))
                elif key.startswith(f"{project}."):
                    others.add(key.split(".")[-1])
    for path in server.root.glob(f"{project}-*/*/{RELEASES}"):
        others.add(path.parent.parent.name[len(project) + 1 :])
    home = server.root / f"{project}-{environment}"
    folders = {path.name: tuple(sorted(path.iterdir())) for path in sorted(home.glob("*")) if path.is_dir()}
    pages = sorted((folder / "pages").glob(f"{project}.*.{environment}.maintenance.html"))
    latest = {name: server.place(name).records.all()[:1] for name in folders}
    return Seen(
        environment=environment,
        containers=tuple(one for one in everything if one.label("environment")),
        networks=tuple(engine.networks_of(project=project)),
        volumes=tuple(engine.volumes_of(project=project, environment=environment)),
        routes=routes,
        pages={path.name.split(".")[1]: path for path in pages},
        folders=folders,
        shared=shared,
        way_in=engine.way_in(proxy.name) if proxy else None,
        others=tuple(sorted(others - {environment, ""})),
        records={name: found[0].stack for name, found in latest.items() if found},
        proxy_folder=folder if folder.exists() else None,
        unit=(atomic_file.read_json(folder / "proxy.json") or {}).get("unit"),
        trouble=trouble,
    )


def retire(
    server: Server, asked: t.Sequence[str], remove_data: bool, holder: str, only_look: bool = False
) -> tuple[Seen, Retiring]:
    """Take stacks, or with none asked for the environment, off this server, under the locks of all of them.

    Returns what stood and what went. Raises SwitchyardError, and then first of all who releases one of them.
    """
    seen = look(server)
    wanted = plan(seen, asked, remove_data)
    places = [server.place(name) for name in wanted.stacks]
    if only_look or not wanted.changed:
        for place in places:
            held = place.lock.holder()
            if held and held.until > time.time():
                raise SwitchyardError(f"{held.sentence(place.stack)}. Wait until that is done.")
        return seen, wanted
    tokens: dict[str, int] = {}
    try:
        for place in places:
            tokens[place.stack] = _take_lock(place, holder)
        # What changed until the locks were taken goes as well.
        _carry_out(server, plan(look(server), asked, remove_data), tokens)
    finally:
        for place in places:
            with suppress(SwitchyardError, OSError):
                place.lock.release(tokens[place.stack]) if place.stack in tokens and place.lock.path.exists() else None
    for place in places:
        with suppress(OSError):
            place.folder.rmdir()
            place.folder.parent.rmdir()
    return seen, wanted


def _take_lock(place: Place, holder: str) -> int:
    place.folder.mkdir(parents=True, exist_ok=True)

    def busy() -> str | None:
        return next((one.name for one in place.containers(role="job") if one.running), None)

    return place.lock.take(holder, "retire", busy).token


def _carry_out(server: Server, wanted: Retiring, tokens: t.Mapping[str, int]) -> None:
    engine = server.engine
    everything = engine.containers(project=server.project)
    # Its stop signal lets requests in flight finish, and nobody else is behind it any more.
    engine.remove(one for one in everything if one.name in wanted.servers)
    if wanted.unit:
        process.AsUnit(wanted.unit).remove()
    for stack in wanted.routes:
        _off_the_proxy(server.place(stack), tokens[stack])
    for stack, token in tokens.items():
        server.place(stack).lock.renew(token, "retire", 600)
    engine.remove(one for one in everything if one.name in wanted.containers)
    for network, name in wanted.leaves:
        engine.leave(network, name)
    for name in wanted.networks:
        engine.drop("network", name)
    for name in wanted.volumes:
        engine.drop("volume", name)
    # The locks are the last to go: until then nobody begins a release here.
    for path in sorted(wanted.paths, key=lambda path: path.name in LOCKS):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            atomic_file.put(path, None)


def _off_the_proxy(place: Place, token: int) -> None:
    """Take the public off a stack, let requests in flight end, and make the proxy forget it."""
    record = next(iter(place.records.all()), None)
    limit = float(max(record.stack["drain"], record.stack["drain_long"]) if record else DRAIN)
    place.lock.renew(token, "retire", 2 * limit + 60)
    proxy = place.proxy
    proxy.apply(lambda state: Plan(state, state.with_live(place.key, None)))
    for color in names.COLORS:
        health.drain(proxy, place.key, color, limit)
    proxy.apply(lambda state: proxy.plan_forget(state, place.key))
    if place.key in proxy.read().known():
        raise SwitchyardError(f"The proxy was told to forget {place.stack}, and still knows it. Run retire.yml again.")


def result(server: Server, seen: Seen, wanted: Retiring) -> dict[str, t.Any]:
    """Return what a module says of it, done or planned."""
    before = "".join(f"{line}\n" for line in wanted.lines)
    header = f"{server.project} {server.environment}"
    return {
        "changed": wanted.changed,
        "stacks": list(wanted.stacks),
        "known": seen.stacks,
        "gone": wanted.lines,
        "kept": list(wanted.kept),
        "diff": {"before": before, "after": "", "before_header": header, "after_header": header},
    }
