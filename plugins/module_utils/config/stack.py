# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack of the inventory as a frozen value: every key, its type and its default.

Each dataclass is one mapping of the inventory and each field one key of it. The metadata of a field says what
``validate.py`` accepts for it; ``schema.py`` reads it. No other place has a default of a stack. ``extra`` holds what a
later version wrote into a record.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .. import state_file
from . import canary_steps

# The kinds of a migration for which the old version is stopped: it does not work on the new schema.
STOPPING_KINDS = ("contract", "breaking")

REQUIRED = object()

# The types whose values are tuples.
TUPLES = ("texts", "command", "numbers", "addresses", "secrets")

# The types whose values are mappings of tuples.
MAPPINGS_OF_TUPLES = ("allowances",)


def key(type_name: str, **limits: t.Any) -> dict[str, t.Any]:
    """Return the metadata of a key with one value: its type (``value_types.py``), ``least`` and ``choices``."""
    kinds = {"tuple": type_name in TUPLES, "tuples": type_name in MAPPINGS_OF_TUPLES}
    return {"type": type_name, **kinds, **limits}


def mapping(cls: type, switch: bool = False) -> dict[str, t.Any]:
    """Return the metadata of a key that holds one mapping, the fields of a dataclass.

    With ``switch`` it may be false for none, or true for the defaults.
    """
    return {"type": "mapping", "switch": switch, **state_file.nested(cls)}


def mappings(cls: type) -> dict[str, t.Any]:
    """Return the metadata of a key that holds a list of mappings, each the fields of a dataclass."""
    return {"type": "mappings", **state_file.nested_items(cls)}


@dataclass(frozen=True)
class SourceSpec:
    """Where the stack's Compose files are: a folder of the controller, or a version of a Git repository.

    ``path`` is the folder; with ``git``, a folder of the repository. ``version`` is a branch, a tag or a commit.
    """

    path: str | None = field(default=None, metadata=key("text"))
    git: str | None = field(default=None, metadata=key("text"))
    version: str | None = field(default=None, metadata=key("text"))
    require_tag: bool = field(default=False, metadata=key("boolean"))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class HealthSpec:
    """The health gate of a routed service. Times are seconds; ``successes`` counts good answers in a row."""

    path: str = field(default="/", metadata=key("text"))
    status: int = field(default=200, metadata=key("integer"))
    successes: int = field(default=3, metadata=key("integer", least=1))
    interval: float = field(default=0.1, metadata=key("number", least=0.01))
    request_timeout: float = field(default=5, metadata=key("number", least=0.1))
    timeout: float = field(default=60, metadata=key("number", least=1))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RateLimit:
    """How often one client address may ask: ``requests`` in ``seconds`` on average, and ``burst`` more at once."""

    requests: float = field(metadata=key("number", least=0.001))
    seconds: float = field(default=1, metadata=key("number", least=0.001))
    burst: int = field(default=0, metadata=key("integer", least=0))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RouteSpec:
    """Hosts and a path prefix that lead to a port of a service, and the options of this route.

    ``hsts`` and ``response_timeout`` are seconds, ``max_body_size`` is bytes, ``allow_ips`` holds networks in canonical
    form, and ``basic_auth`` is the name of a list in ``proxy_users``. With ``buffer_requests`` the application receives
    a request when its body has arrived.
    """

    service: str = field(metadata=key("text"))
    port: int = field(metadata=key("integer", least=1))
    hosts: tuple[str, ...] = field(metadata=key("texts"))
    path: str = field(default="/", metadata=key("text"))
    health: HealthSpec = field(default_factory=HealthSpec, metadata=mapping(HealthSpec))
    https: str = field(default="optional", metadata=key("text", choices=("optional", "redirect")))
    hsts: int = field(default=0, metadata=key("integer", least=0))
    allow_ips: tuple[str, ...] = field(default=(), metadata=key("addresses"))
    basic_auth: str | None = field(default=None, metadata=key("text"))
    rate_limit: RateLimit | None = field(default=None, metadata=mapping(RateLimit))
    max_body_size: int | None = field(default=None, metadata=key("size", least=1))
    buffer_requests: bool = field(default=False, metadata=key("boolean"))
    response_timeout: float | None = field(default=None, metadata=key("number", least=0.1))
    headers: t.Mapping[str, str] = field(default_factory=dict, metadata=key("headers"))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class StaticSpec:
    """Hosts and a path prefix under which the proxy itself serves the files of a volume."""

    volume: str = field(metadata=key("text"))
    hosts: tuple[str, ...] = field(metadata=key("texts"))
    path: str = field(metadata=key("text"))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class JobSpec:
    """A one-off command of a release, in the image of a service. ``timeout`` is seconds.

    Without ``command`` the service's own command runs, of the Compose file or the image.
    """

    service: str = field(metadata=key("text"))
    command: tuple[str, ...] = field(default=(), metadata=key("command"))
    timeout: float = field(default=900, metadata=key("number", least=1))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class SchemaCheck:
    """A query on the migrated database, and the answer it must have."""

    query: str = field(metadata=key("text"))
    answer: str = field(metadata=key("text"))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class MigrationSpec:
    """The migration of a release: its command, and what guards it. Times are seconds.

    Without ``command`` the service's own command runs. ``verify_backup`` is how the backup from before the migration
    is verified; ``none`` makes no backup.
    """

    service: str = field(metadata=key("text"))
    command: tuple[str, ...] = field(default=(), metadata=key("command"))
    timeout: float = field(default=900, metadata=key("number", least=1))
    kind: str | None = field(default=None, metadata=key("text", choices=("expand", "contract", "breaking")))
    check: tuple[str, ...] | None = field(default=None, metadata=key("command"))
    database: str | None = field(default=None, metadata=key("text"))
    verify_backup: str = field(default="restore", metadata=key("text", choices=("restore", "read", "none")))
    lock_timeout: float = field(default=5, metadata=key("number", least=0.1))
    retries: int = field(default=5, metadata=key("integer", least=0))
    schema_check: SchemaCheck | None = field(default=None, metadata=mapping(SchemaCheck))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)

    @property
    def stops_old_version(self) -> bool:
        """Whether the old version has to stop, because it would not work on the new schema."""
        return self.kind in STOPPING_KINDS


@dataclass(frozen=True)
class VolumeBackupSpec:
    """A volume of the Compose files that a backup holds.

    Its containers stop for the copy; with ``before`` or ``after``, these commands run in those of ``service`` instead.
    """

    volume: str = field(metadata=key("text"))
    service: str | None = field(default=None, metadata=key("text"))
    before: tuple[str, ...] = field(default=(), metadata=key("command"))
    after: tuple[str, ...] = field(default=(), metadata=key("command"))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class SmokeCheck:
    """A request to the idle color, and what its answer must be. Without ``host`` it uses the first route's."""

    path: str = field(default="/", metadata=key("text"))
    status: int = field(default=200, metadata=key("integer"))
    contains: str | None = field(default=None, metadata=key("text"))
    host: str | None = field(default=None, metadata=key("text"))
    request_timeout: float = field(default=10, metadata=key("number", least=0.1))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class WatchSpec:
    """How a release is watched after its switch and in each step of a canary. ``seconds`` and ``interval`` are seconds.

    ``max_error_rate`` is a share from 0 to 1, ``max_p99_ms`` is milliseconds, 0 for no limit. ``on_no_data`` is what
    fewer requests than ``min_requests`` mean. ``ask_old_color`` compares with the old color's answers to the same GET
    requests, before the release is reverted.
    """

    seconds: float = field(default=60, metadata=key("number", least=1))
    max_error_rate: float = field(default=0.01, metadata=key("number", least=0))
    max_p99_ms: int = field(default=0, metadata=key("integer", least=0))
    min_requests: int = field(default=50, metadata=key("integer", least=1))
    interval: float = field(default=5, metadata=key("number", least=0.5))
    consecutive_failures: int = field(default=2, metadata=key("integer", least=1))
    on_no_data: str = field(default="pass", metadata=key("text", choices=("pass", "pause", "fail")))
    ask_old_color: bool = field(default=True, metadata=key("boolean"))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PostgresSpec:
    """The stack's database on the shared PostgreSQL server: connection limits and timeouts of its roles.

    With ``accessory``, its database is on the PostgreSQL of that service instead; ``databases`` are those that a
    backup holds, all if empty.
    """

    # The inventory has these keys too; a stack never holds a secret (secrets.py).
    SECRETS: t.ClassVar[t.Mapping[str, t.Any]] = {
        "password": REQUIRED,
        "ro_password": None,
        "backup_password": None,
    }
    # An accessory has its own credentials.
    NOT_REQUIRED_WITH: t.ClassVar[t.Mapping[str, str]] = {"password": "accessory"}

    accessory: str | None = field(default=None, metadata=key("text"))
    databases: tuple[str, ...] = field(default=(), metadata=key("texts"))
    connections: t.Mapping[str, str] = field(default_factory=dict, metadata=key("variables"))
    timeouts: t.Mapping[str, str] = field(default_factory=dict, metadata=key("variables"))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class RedisSpec:
    """The database numbers of the stack on the shared Redis server."""

    SECRETS: t.ClassVar[t.Mapping[str, t.Any]] = {"password": REQUIRED}

    databases: tuple[int, ...] = field(metadata=key("numbers"))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Stack:
    """One application that is released as a unit. It has the names of its secrets, not their values.

    ``drain``, ``drain_long_lived`` and ``worker_min_ready`` are seconds.
    """

    name: str = field(metadata=key("text"))
    source: SourceSpec = field(metadata=mapping(SourceSpec))
    compose: tuple[str, ...] = field(default=("docker-compose.yml",), metadata=key("texts"))
    build_on: str = field(default="server", metadata=key("text", choices=("server", "controller")))
    files: tuple[str, ...] = field(default=(), metadata=key("texts"))
    variables: t.Mapping[str, str] = field(default_factory=dict, metadata=key("variables"))
    strategy: str = field(
        default="blue_green", metadata=key("text", choices=("blue_green", "canary", "recreate", "in_place"))
    )
    canary: str = field(default=canary_steps.DEFAULT, metadata=key("steps"))
    routes: tuple[RouteSpec, ...] = field(default=(), metadata=mappings(RouteSpec))
    static: tuple[StaticSpec, ...] = field(default=(), metadata=mappings(StaticSpec))
    workers: tuple[str, ...] = field(default=(), metadata=key("texts"))
    accessories: tuple[str, ...] = field(default=(), metadata=key("texts"))
    inner: tuple[str, ...] = field(default=(), metadata=key("texts"))
    allow: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict, metadata=key("allowances"))
    egress: t.Mapping[str, bool] = field(default_factory=dict, metadata=key("switches"))
    migrate: MigrationSpec | None = field(default=None, metadata=mapping(MigrationSpec))
    after_migrate: tuple[JobSpec, ...] = field(default=(), metadata=mappings(JobSpec))
    smoke: tuple[SmokeCheck, ...] = field(default=(), metadata=mappings(SmokeCheck))
    backup_volumes: tuple[VolumeBackupSpec, ...] = field(default=(), metadata=mappings(VolumeBackupSpec))
    drain: float = field(default=30, metadata=key("number", least=0))
    drain_long_lived: float = field(default=0, metadata=key("number", least=0))
    keep_previous: bool = field(default=True, metadata=key("boolean"))
    keep_releases: int = field(default=5, metadata=key("integer", least=2))
    worker_min_ready: float = field(default=2, metadata=key("number", least=0))
    watch: WatchSpec | None = field(default=None, metadata=mapping(WatchSpec, switch=True))
    secrets: tuple[str, ...] = field(default=(), metadata=key("secrets"))
    secrets_as_env: tuple[str, ...] = field(default=(), metadata=key("texts"))
    secrets_owner: int | None = field(default=None, metadata=key("integer", least=0))
    postgres: PostgresSpec | None = field(default=None, metadata=mapping(PostgresSpec))
    redis: RedisSpec | None = field(default=None, metadata=mapping(RedisSpec))
    extra: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False)

    @property
    def jobs(self) -> tuple[JobSpec | MigrationSpec, ...]:
        """The one-off commands of a release in their order: the migration, then what follows it."""
        return (*([self.migrate] if self.migrate else []), *self.after_migrate)

    @property
    def shared_database(self) -> PostgresSpec | None:
        """The database on the shared PostgreSQL server; None without one, or where an accessory has it."""
        return self.postgres if self.postgres and not self.postgres.accessory else None

    @property
    def drain_limit(self) -> float:
        """Seconds until the last connection of an old color is closed."""
        return max(self.drain, self.drain_long_lived)

    @property
    def endpoints(self) -> tuple[tuple[str, int, RouteSpec | StaticSpec], ...]:
        """Every route and static path: its key in the stack, its index there, and itself."""
        routes = tuple(("routes", index, route) for index, route in enumerate(self.routes))
        return (*routes, *(("static", index, static) for index, static in enumerate(self.static)))
