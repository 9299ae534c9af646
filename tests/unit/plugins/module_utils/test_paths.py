from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import paths


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (paths.environment_folder(Path("/r"), "po", "prod"), "/r/po-prod"),
        (paths.stack_folder(Path("/r"), "po", "prod", "shop"), "/r/po-prod/shop"),
        (paths.release_folder(Path("/r/po-prod/shop/releases"), 12), "/r/po-prod/shop/releases/0012"),
        (paths.compose_file(Path("/release"), "blue"), "/release/blue.yml"),
        (paths.backups_folder(Path("/r"), "po", "prod"), "/r/backups/po-prod"),
        (paths.backup_store_folder(Path("/r"), "po", "prod", "shop"), "/r/backups/po-prod/shop"),
        (paths.proxy_folder(Path("/r")), "/r/proxy"),
        (paths.proxy_settings(Path("/r")), "/r/proxy/proxy.json"),
        (paths.server_preview_key(Path("/r")), "/r/proxy/server-preview.key"),
        (paths.host_ports_lock(Path("/r")), "/r/proxy/ports.lock"),
        (paths.page(Path("/r"), "maintenance"), "/r/proxy/pages/maintenance.html"),
        (paths.maintenance_page(Path("/r"), "po.shop.prod"), "/r/proxy/pages/po.shop.prod.maintenance.html"),
        (paths.postgres_folder(Path("/r")), "/r/postgres"),
    ],
)
def test_every_path_on_a_server(path: Path, expected: str) -> None:
    assert str(path) == expected


def test_records_and_environments_are_found_by_the_folders_of_releases(tmp_path: Path) -> None:
    for environment in ("po-prod", "po-qual", "other-dev"):
        release = paths.release_folder(tmp_path / environment / "shop" / paths.RELEASES, 1)
        release.mkdir(parents=True)
        (release / paths.RECORD).touch()
    # A stack without a release, and the backups of an environment that has gone.
    paths.stack_folder(tmp_path, "po", "dev", "shop").mkdir(parents=True)
    paths.backup_store_folder(tmp_path, "po", "old", "shop").mkdir(parents=True)
    assert paths.environments(tmp_path, "po") == {"prod", "qual"}
    assert len(list(paths.all_records(tmp_path))) == 3


def test_free_bytes_of_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    assert paths.free_bytes(tmp_path / "a" / "b") > 0
