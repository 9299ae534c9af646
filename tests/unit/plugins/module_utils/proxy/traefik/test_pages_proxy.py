from __future__ import annotations

from pathlib import Path

import pytest
from fakes_traefik import KEY, STATE, FakePages, FakeTraefik, close

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    driver,
)


def test_a_stack_is_held_before_its_requests_arrive(shop: driver.Traefik, pages: FakePages) -> None:
    close(shop, "held")
    assert shop.read().availability == pages.closed == {KEY: "held"}
    close(shop, "maintenance")
    assert pages.closed == {KEY: "maintenance"}
    close(shop, None)
    assert pages.closed == shop.read().availability == {}


def test_requests_do_not_wait_where_nothing_resumes_them(
    shop: driver.Traefik, folder: Path, running: FakeTraefik
) -> None:
    (folder / "run" / "pages.sock").unlink()
    with pytest.raises(SwitchyardError, match=r"server of the pages does not answer.*setup\.yml"):
        close(shop, "held")
    assert shop.read() == STATE


def test_a_stack_opens_also_without_the_server_of_the_pages(shop: driver.Traefik, folder: Path) -> None:
    close(shop, "held")
    (folder / "run" / "pages.sock").unlink()
    close(shop, None)
    assert shop.read() == STATE
    assert (folder / "maps" / "availability.map").read_text() == ""
