from __future__ import annotations

import typing as t

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import stateful_services


@pytest.mark.parametrize(
    "image",
    [
        "postgres:16",
        "postgres",
        "postgres:16-alpine@sha256:00",
        "docker.io/library/postgres:16",
        "registry:5000/team/mysql:8",
        "localhost:5000/redis",
        "bitnami/postgresql:16",
        "bitnami/postgresql-repmgr:16",
        "postgis/postgis:16-3.4",
        "timescale/timescaledb-ha:pg16",
        "pgvector/pgvector:pg16",
        "tensorchord/pgvecto-rs:pg14-v0.2.0",
        "ghcr.io/immich-app/postgres:14",
        "mariadb:11",
        "mysql/mysql-server:8.0",
        "mongo:7",
        "mongodb/mongodb-community-server:7",
        "redis/redis-stack-server:7",
        "valkey/valkey:8",
        "rabbitmq:3-management",
        "docker.elastic.co/elasticsearch/elasticsearch:8.1",
        "opensearchproject/opensearch:2",
        "clickhouse/clickhouse-server:24",
        "minio/minio:RELEASE.2024-01-01",
        "confluentinc/cp-kafka:7",
        "mcr.microsoft.com/mssql/server:2022-latest",
        "percona/percona-server-mongodb:6",
        "quay.io/sclorg/postgresql-16-c9s:1",
        "chromadb/chroma:0.6.3",
        "dxflrs/garage:v1.1.0",
        "eclipse-mosquitto:2",
        "confluentinc/cp-server:7.9.0",
        "docker.elastic.co/elasticsearch/elasticsearch-wolfi:8.17.0",
        "clickhouse/clickhouse-keeper:24",
        "mongodb/mongodb-atlas-local:8",
        "hashicorp/vault:1.18",
    ],
)
def test_images_of_data_stores(image: str) -> None:
    assert stateful_services.data_store_of(image)


@pytest.mark.parametrize(
    "image",
    [
        "",
        "nginx:1.27",
        "prometheuscommunity/postgres-exporter:1",
        "mongo-express:1",
        "opensearchproject/opensearch-dashboards:2",
        "minio/mc:1",
        "redis-commander:1",
        "postgres/pgadmin:4",
        "team/postgres-migrations:1",
        "registry.redis.io:5000/app:1",
        "dpage/pgadmin4:8",
        "memcached:1.6",
        "vaultwarden/server:1.33.0",
        "khairul169/garage-webui:1",
        "confluentinc/cp-schema-registry:7.9.0",
        "confluentinc/cp-kafka-rest:7.9.0",
        "supertokens/supertokens-postgresql:9",
    ],
)
def test_images_of_other_programs(image: str) -> None:
    assert stateful_services.data_store_of(image) is None
    assert stateful_services.keeper_of(image) is None


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("prom/prometheus:v3.1.0", "prometheus"),
        ("confluentinc/cp-enterprise-prometheus:2", "prometheus"),
        ("victoriametrics/victoria-metrics:v1.108.1", "victoria-metrics"),
        ("victoriametrics/victoria-metrics:v1.108.1-cluster", "victoria-metrics"),
        ("grafana/loki:3.3.2", "loki"),
        ("redis:8", "redis"),
        ("prom/node-exporter:v1.8.2", None),
        ("grafana/promtail:3.3.2", None),
        ("prometheuscommunity/postgres-exporter:1", None),
    ],
)
def test_monitors_keep_data_and_have_a_way_out(image: str, name: str | None) -> None:
    assert stateful_services.keeper_of(image) == name
    # A store has no way out of the stack, and a monitor has to reach what it measures.
    assert (stateful_services.data_store_of(image) is not None) == (name == "redis")


DATA = {"type": "volume", "source": "data", "target": "/data"}


def bind(source: str) -> dict[str, str]:
    """Return a mount of a path of the server."""
    return {"type": "bind", "source": source, "target": "/b"}


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ({"image": "app:1", "volumes": [DATA]}, "writes the volume data"),
        ({"image": "redis:7"}, "has the image of a data store (redis)"),
        ({"image": "app:1", "volumes": [{**DATA, "read_only": True}]}, None),
        ({"image": "app:1", "volumes": [{"type": "volume", "target": "/anonymous"}]}, None),
        ({"image": "app:1", "volumes": [bind("/srv/a")]}, "writes /srv/a on the server"),
        ({"image": "app:1", "volumes": [bind("/own"), DATA]}, "writes the volume data"),
        ({"image": "app:1", "volumes": [{**bind("/srv/a"), "read_only": True}]}, None),
        ({"image": "app:1", "volumes": [bind("/srv/run/app.sock"), bind("/var/run/docker.sock"), bind("/")]}, None),
        ({"image": "app:1", "volumes": [bind("/etc/localtime"), bind("/dev"), bind("/tmp"), bind("/var/log/x")]}, None),
        ({"image": "app:1", "volumes": [bind("/etcd"), bind("/etc")]}, "writes /etcd on the server"),
        ({"image": "app:1", "volumes": None}, None),
        ({"build": {"context": "."}}, None),
    ],
)
def test_what_looks_stateful(service: dict[str, t.Any], reason: str | None) -> None:
    assert stateful_services.stateful_reason(service, lambda path: path == "/own") == reason
