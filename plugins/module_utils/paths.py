# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders of this collection on a server.

    <root>/<project>-<environment>/<stack>/releases/0012/   one release: record, Compose projects, logs
    <root>/<project>-<environment>/<stack>/                 lock and migration state of a stack
    <root>/<project>-<environment>/<stack>/files/           mounted files of its releases, by their digest
    <root>/<project>-<environment>/<stack>/secrets/         its secret files, by their digest
    <root>/<project>-<environment>/<stack>/data/            writable folders of its containers; they outlive releases
    <root>/backups/<project>-<environment>/<stack>/         backups of a stack's database on the shared PostgreSQL
    <root>/backups/<project>-<environment>/<stack>/.accessories/<service>@<database>/   of a database of an accessory
    <root>/backups/<project>-<environment>/<stack>/.volumes/<volume>/   backups of a volume
    <root>/proxy/                                           the proxy: settings, pages, configuration
    <root>/postgres/                                        passwords of the shared PostgreSQL
    <root>/networks.json                                    the pool of addresses, and the subnet of each network
    <root>/fixed-addresses.json                             the last fixed address of each network
    <root>/server.json                                      what all environments share, and who set it
    <root>/redis-<environment>/                             users and passwords of an environment's Redis

What a proxy driver keeps in the proxy's folder is that driver's own.
"""

from __future__ import annotations

import shutil
import typing as t
import urllib.parse
from pathlib import Path

# The folder of everything on a server, unless the inventory names another one.
ROOT = "/var/lib/switchyard"

# In the folder of everything.
SERVER = "server.json"
FAILPOINT = "failpoint.json"

# In a stack's folder.
RELEASES = "releases"
LOCK = "lock.json"
LOCK_GUARD = "lock"
MIGRATION = "migration.json"
CONTENT = "files"
DATA = "data"

# In a stack's folder; the password of a migration is in a folder of this name in its release.
SECRETS = "secrets"

# In the folder of a stack's backups.
ACCESSORY_BACKUPS = ".accessories"
VOLUME_BACKUPS = ".volumes"

# In the folder of a release.
RECORD = "release.json"
READABLE = "readable.txt"

# In the folder of everything.
NETWORKS = "networks.json"

# In the proxy's folder.
PROXY_SETTINGS = "proxy.json"
SERVER_PREVIEW_KEY = "server-preview.key"


def server_state(root: Path) -> Path:
    """Return the file with what all environments of the server share, and who set it."""
    return root / SERVER


def failpoint(root: Path) -> Path:
    """Return the file with which a test makes a release fail; only root writes it."""
    return root / FAILPOINT


def server_lock(root: Path) -> Path:
    """Return the lock under which the server's state is written."""
    return root / "server.lock"


def environment_folder(root: Path, project: str, environment: str) -> Path:
    """Return the folder with the stacks of an environment."""
    return root / f"{project}-{environment}"


def environments(root: Path, project: str) -> set[str]:
    """Return the environments of a project that have releases on this server."""
    return {path.parent.parent.name[len(project) + 1 :] for path in root.glob(f"{project}-*/*/{RELEASES}")}


def stack_folder(root: Path, project: str, environment: str, stack: str) -> Path:
    """Return the folder of a stack."""
    return environment_folder(root, project, environment) / stack


def release_folder(releases: Path, number: int) -> Path:
    """Return the folder of a release; ``releases`` is the folder of all releases of its stack."""
    return releases / f"{number:04d}"


def content_folder(stack: Path) -> Path:
    """Return the folder with the mounted files of a stack's releases; ``stack`` is the stack's folder."""
    return stack / CONTENT


def content_file(stack: Path, digest: str, name: str) -> Path:
    """Return a mounted file or folder by the digest of its content and its own name, empty for the source folder."""
    return content_folder(stack) / digest / (name or "source")


def secrets_folder(stack: Path) -> Path:
    """Return the folder with the secret files of a stack; ``stack`` is the stack's folder."""
    return stack / SECRETS


def secret_file(stack: Path, digest: str, name: str) -> Path:
    """Return the file of a secret; ``stack`` is the stack's folder."""
    return secrets_folder(stack) / digest / name


def data_folder(stack: Path) -> Path:
    """Return the folder with the writable folders of a stack's containers; ``stack`` is the stack's folder."""
    return stack / DATA


def all_records(root: Path) -> t.Iterator[Path]:
    """Return the record files of all releases of every stack on this server."""
    return root.glob(f"*/*/{RELEASES}/*/{RECORD}")


def locks_of_stack(root: Path, project: str, stack: str) -> t.Iterator[Path]:
    """Return the lock files of a stack in all environments of this server."""
    return root.glob(f"{project}-*/{stack}/{LOCK}")


def compose_file(release: Path, part: str) -> Path:
    """Return the Compose file of a part of a release: a color, ``workers``, ``accessories`` or one-off jobs."""
    return release / f"{part}.yml"


def backups_folder(root: Path, project: str, environment: str) -> Path:
    """Return the folder with the backups of an environment and what they need."""
    return root / "backups" / f"{project}-{environment}"


def backup_store_folder(
    root: Path, project: str, environment: str, stack: str, source: tuple[str, str] | None = None
) -> Path:
    """Return the folder with the backups of a stack's database on the shared server.

    ``source`` is another one: the service of an accessory and the name of a database in it, which may have any
    characters.
    """
    folder = backups_folder(root, project, environment) / stack
    return folder / ACCESSORY_BACKUPS / source_name(source) if source else folder


def volume_store_folder(root: Path, project: str, environment: str, stack: str, volume: str) -> Path:
    """Return the folder with the backups of a volume of a stack."""
    return backups_folder(root, project, environment) / stack / VOLUME_BACKUPS / urllib.parse.quote(volume, safe="")


def source_name(source: tuple[str, str]) -> str:
    """Return the service of an accessory and the name of a database as one name for files and labels."""
    service, database = source
    return f"{service}@{urllib.parse.quote(database, safe='')}"


def parse_source_name(name: str) -> tuple[str, str]:
    """Return the service and the database of what ``source_name`` has returned."""
    service, dummy, database = name.partition("@")
    return service, urllib.parse.unquote(database)


def proxy_folder(root: Path) -> Path:
    """Return the folder of the proxy."""
    return root / "proxy"


def proxy_settings(root: Path) -> Path:
    """Return the file in which the role ``proxy`` says which proxy it set up."""
    return proxy_folder(root) / PROXY_SETTINGS


def server_preview_key(root: Path) -> Path:
    """Return the file with the preview key of this server, known to no client."""
    return proxy_folder(root) / SERVER_PREVIEW_KEY


def host_ports_lock(root: Path) -> Path:
    """Return the lock under which published ports of this server are chosen."""
    return proxy_folder(root) / "ports.lock"


def networks(root: Path) -> Path:
    """Return the file with the subnets of our networks on this server."""
    return root / NETWORKS


def fixed_addresses(root: Path) -> Path:
    """Return the file with the last address that a container of each network got from us."""
    return root / "fixed-addresses.json"


def networks_lock(root: Path) -> Path:
    """Return the lock under which networks of this server are created."""
    return root / "networks.lock"


def page(root: Path, name: str) -> Path:
    """Return a page of the proxy: ``maintenance``, ``placeholder`` or a stack's own."""
    return proxy_folder(root) / "pages" / f"{name}.html"


def maintenance_page(root: Path, stack_key: str) -> Path:
    """Return the maintenance page of a stack; the stack key is what ``names.stack_key`` makes."""
    return page(root, f"{stack_key}.maintenance")


def postgres_folder(root: Path) -> Path:
    """Return the folder with the passwords of the shared PostgreSQL's roles."""
    return root / "postgres"


def redis_folder(root: Path, environment: str | None) -> Path:
    """Return the folder of an environment's own Redis, or without one that of the shared Redis."""
    return root / (f"redis-{environment}" if environment else "redis")


def postgres_tenants(root: Path, environment: str) -> Path:
    """Return the file with the logins of an environment that the shared PostgreSQL accepts."""
    return postgres_folder(root) / "conf" / "tenants" / f"{environment}.conf"


def free_bytes(folder: Path) -> int:
    """Return the bytes that are free on the file system of a folder, which may not exist yet."""
    return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.exists())).free
