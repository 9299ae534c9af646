from __future__ import annotations

from fakes import HOST, Machine, worker

from ansible_collections.switchyard.stacks.plugins.module_utils.release import status


def test_the_status_comes_from_the_proxy_the_engine_and_the_lock(two_releases: Machine) -> None:
    two_releases.engine.start(worker(1))
    two_releases.proxy.busy = {"blue": [4]}
    two_releases.lock("bob@desk")
    seen = status.stack_status(two_releases.ctx)
    assert (seen.live, seen.routes) == ("blue", {f"{HOST}/": "web"})
    assert (seen.colors["blue"].release, seen.colors["green"].release) == (1, 2)
    assert (seen.colors["blue"].in_flight, seen.colors["green"].in_flight) == (4, 0)
    assert seen.colors["green"].containers == {"po-shop-web-prod-green": "running"}
    assert seen.workers == {"po-shop-celery-prod": "running"}
    assert seen.lock
    assert (seen.lock.holder, seen.lock.stale) == ("bob@desk", False)
