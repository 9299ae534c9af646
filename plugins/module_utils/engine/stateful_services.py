# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs that a service keeps data, so that two copies of it at once could destroy them."""

from __future__ import annotations

import re
import typing as t

# Names of repositories whose images keep data: databases, queues, object stores, search engines.
_STORES = """
    activemq aerospike arangodb artemis cassandra clickhouse cockroach consul couchbase couchdb crate dgraph dragonfly
    elasticsearch emqx etcd eventstore ferretdb firebird foundationdb gel ignite immudb influxdb kafka keydb manticore
    mariadb meilisearch milvus minio mongo mongodb mssql mysql nats neo4j opensearch oracle orientdb percona pgvecto
    pgvector postgis postgres postgresql pulsar qdrant questdb rabbitmq ravendb redis redpanda rethinkdb scylla
    seaweedfs singlestore solr surrealdb tarantool tidb timescale timescaledb typesense valkey victoriametrics weaviate
    yugabyte zookeeper
"""
DATA_STORES = frozenset(_STORES.split())

# Words that may follow such a name; with another word the image is a tool for it, as in ``postgres-exporter``.
_VARIANTS = """
    alpine broker bundle ce cluster db debian ee enterprise community free full galera ha jemalloc kraft local
    management mq native oss pg repmgr rs router search sentinel server shard single slim stack standalone ubi ubuntu xe
"""
VARIANTS = frozenset(_VARIANTS.split())

# The vendor names these, not the repository.
VENDORS = ("mssql/server", "database/free", "database/express", "database/enterprise")


def data_store_of(image: str) -> str | None:
    """Return the name by which an image is known as a store of data, or None.

    ``image`` is ``[registry[:port]/][vendor/]name[:tag][@digest]``.
    """
    path = re.sub(r":[^/]*\Z", "", image.partition("@")[0]).lower()
    for vendor in VENDORS:
        if path == vendor or path.endswith(f"/{vendor}"):
            return vendor
    # Confluent's images begin with cp-.
    name = re.sub(r"\Acp-", "", path.rsplit("/", maxsplit=1)[-1])
    first, *others = re.split(r"[-_.]+", name)
    # ``postgres16`` and ``mysql8`` have their version in the name.
    stem = first if first in DATA_STORES else re.sub(r"\d+\Z", "", first)
    if stem not in DATA_STORES:
        return None
    known = all(word in VARIANTS or word in DATA_STORES or re.match(r"[cv]?\d", word) for word in others)
    return name if known else None


def stateful_reason(service: t.Mapping[str, t.Any]) -> str | None:
    """Return why a service of a normalised file looks stateful, or None."""
    store = data_store_of(service.get("image") or "")
    if store:
        return f"has the image of a data store ({store})"
    for mount in service.get("volumes") or ():
        if mount.get("type") == "volume" and mount.get("source") and not mount.get("read_only"):
            return f"writes the volume {mount['source']}"
    return None
