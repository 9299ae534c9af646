# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs that a service keeps data, so that two copies of it at once could destroy them."""

from __future__ import annotations

import re
import typing as t

# Names of repositories whose images keep data: databases, queues, object stores, search engines.
_STORES = """
    activemq aerospike arangodb artemis cassandra chroma clickhouse cockroach consul couchbase couchdb crate dgraph
    dragonfly edgedb elasticsearch emqx etcd eventstore falkordb ferretdb firebird foundationdb garage gel ignite immudb
    influxdb kafka keydb manticore mariadb meilisearch memgraph milvus minio mongo mongodb mosquitto mssql mysql nats
    neo4j openldap opensearch oracle orientdb percona pgvecto pgvector postgis postgres postgresql pulsar qdrant questdb
    rabbitmq ravendb redis redpanda rethinkdb rqlite rustfs scylla seaweedfs singlestore solr surrealdb tarantool tidb
    timescale timescaledb typesense valkey vault vernemq vespa weaviate yugabyte zookeeper
"""
DATA_STORES = frozenset(_STORES.split())

# The same for programs that keep measurements and logs, which they fetch from others or send to others.
MONITORS = frozenset(("graphite", "loki", "mimir", "prometheus", "tempo", "thanos", "victorialogs", "victoriametrics"))

# Words that may follow such a name; with another word the image is a tool for it, as in ``postgres-exporter``.
_VARIANTS = """
    alpine atlas broker bundle ce cluster db debian ee enterprise community free full galera ha jemalloc keeper kraft
    local management mq native oss pg repmgr rs router search sentinel server shard single slim stack standalone ubi
    ubuntu wolfi xe
"""
VARIANTS = frozenset(_VARIANTS.split())

# The vendor names these, not the repository.
VENDORS = ("mssql/server", "database/free", "database/express", "database/enterprise", "confluentinc/cp-server")

# Words before the name: Confluent's and Eclipse's images begin with them.
_PREFIX = re.compile(r"\A(cp-(enterprise-)?|eclipse-)")

# Folders of a server that hold no data of applications.
OF_SYSTEM = ("/dev/", "/etc/", "/lib/", "/proc/", "/run/", "/sys/", "/tmp/", "/usr/", "/var/log/", "/var/run/")

IsOwn = t.Callable[[str], bool]


def data_store_of(image: str) -> str | None:
    """Return the name by which an image is known as a store of data, or None.

    ``image`` is ``[registry[:port]/][vendor/]name[:tag][@digest]``.
    """
    return _known(image, DATA_STORES)


def keeper_of(image: str) -> str | None:
    """Return the name by which an image is known to keep data, as a store or as a monitor, or None."""
    return data_store_of(image) or _known(image, MONITORS)


def _known(image: str, known: t.Collection[str]) -> str | None:
    """Return the name of an image of this kind, or None; ``known`` are the first words of such names."""
    path = re.sub(r":[^/]*\Z", "", image.partition("@")[0]).lower()
    for vendor in VENDORS:
        if known is DATA_STORES and (path == vendor or path.endswith(f"/{vendor}")):
            return vendor
    name = _PREFIX.sub("", path.rsplit("/", maxsplit=1)[-1])
    first, *others = re.split(r"[-_.]+", name)
    # ``victoria-metrics`` and ``rabbit-mq`` have two words for one.
    if others and first + others[0] in known:
        first, *others = first + others[0], *others[1:]
    # ``postgres16`` and ``mysql8`` have their version in the name.
    stem = first if first in known else re.sub(r"\d+\Z", "", first)
    if stem not in known:
        return None
    follows = all(word in VARIANTS or word in known or re.match(r"[cv]?\d", word) for word in others)
    return name if follows else None


def stateful_reason(service: t.Mapping[str, t.Any], is_own: IsOwn) -> str | None:
    """Return why a service of a normalised file looks stateful, or None; ``is_own`` as ``written_data`` has it."""
    store = keeper_of(service.get("image") or "")
    return f"has the image of a data store ({store})" if store else next(written_data(service, is_own), None)


def written_data(service: t.Mapping[str, t.Any], is_own: IsOwn) -> t.Iterator[str]:
    """Yield what a service of a normalised file writes: named volumes, and paths of the server that may hold data.

    ``is_own`` returns whether a path is one of the stack's own files.
    """
    for mount in service.get("volumes") or ():
        source = str(mount.get("source") or "")
        if not source or mount.get("read_only"):
            continue
        if mount.get("type") == "volume":
            yield f"writes the volume {source}"
        elif mount.get("type") == "bind" and not is_own(source) and _holds_data(source):
            yield f"writes {source} on the server"


def _holds_data(path: str) -> bool:
    """Return whether a path of the server may hold data of applications: not a socket, and not of the system."""
    return not path.endswith(".sock") and path != "/" and not f"{path}/".startswith(OF_SYSTEM)
