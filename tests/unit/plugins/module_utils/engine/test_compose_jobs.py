from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_jobs


def test_the_password_of_a_migration_is_another_file() -> None:
    jobs = {"services": {}, "secrets": {"postgres_password": {"file": "/a"}, "key": {"file": "/b"}}}
    found = compose_jobs.with_password_file(jobs, "/c")
    assert found["secrets"] == {"postgres_password": {"file": "/c"}, "key": {"file": "/b"}}
    assert compose_jobs.with_password_file({"services": {}}, "/c") == {"services": {}}


def test_a_rehearsal_reaches_one_container_only_and_writes_no_volume() -> None:
    web = {
        "image": "i",
        "networks": {"back": {}},
        "expose": ["80"],
        "volumes": [{"type": "volume", "source": "v", "target": "/v"}],
    }
    found = compose_jobs.in_network_of(
        {"services": {"web": web, "m": {"image": "i"}}, "networks": {"back": {}}}, "copy"
    )
    assert "networks" not in found
    assert found["services"]["web"] == {
        "image": "i",
        "network_mode": "container:copy",
        "volumes": [{"type": "volume", "source": "v", "target": "/v", "read_only": True}],
    }
    assert found["services"]["m"] == {"image": "i", "network_mode": "container:copy"}


def test_a_job_may_say_that_it_is_never_restarted() -> None:
    policy = {"condition": "none"}
    deploy = {"replicas": 1, "placement": {}, "resources": {}, "restart_policy": policy}
    job = compose_jobs.as_job({"image": "i", "labels": {}, "deploy": deploy}, "front")
    assert job["deploy"] == {"placement": {}, "resources": {}, "restart_policy": policy}
    deploy = {"mode": "global", "placement": {}, "resources": {}, "update_config": {"parallelism": 1}}
    assert "deploy" not in compose_jobs.as_job({"image": "i", "labels": {}, "deploy": deploy}, "front")


def test_a_job_has_nothing_that_only_a_server_needs() -> None:
    service = {
        "image": "i",
        "restart": "always",
        "healthcheck": {},
        "networks": {"po-shop-prod.front": {}, "po-shop-prod.back": {}},
        "labels": {},
        "deploy": {"replicas": 3, "resources": {"limits": {"memory": "64M"}}, "restart_policy": {"condition": "any"}},
    }
    assert compose_jobs.as_job(service, "po-shop-prod.front") == {
        "image": "i",
        "deploy": {"resources": {"limits": {"memory": "64M"}}},
        "networks": {"po-shop-prod.back": {}},
        "labels": {"io.switchyard.role": "job"},
    }
