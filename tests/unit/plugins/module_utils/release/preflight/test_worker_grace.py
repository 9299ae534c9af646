from __future__ import annotations

from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import worker_grace

WHERE = "stacks[shop]"


def test_a_worker_without_a_grace_period_is_named() -> None:
    found = worker_grace.notices(normalised(web={}, celery={}), checked(workers=["celery"]), WHERE)
    assert [notice.where for notice in found] == ["stacks[shop].compose.services.celery.stop_grace_period"]
    assert "10 s after SIGTERM" in found[0].message
    assert found[0].code == "compose.worker_grace"


def test_only_workers_without_a_grace_period_are_named() -> None:
    content = normalised(web={}, celery={"stop_grace_period": "1m0s"})
    assert worker_grace.notices(content, checked(workers=["celery"]), WHERE) == []
    assert worker_grace.notices(normalised(web={}), checked(workers=["celery"]), WHERE) == []
