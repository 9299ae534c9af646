from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import HOST
from fakes_traefik import FILE, INVALID, SHOP, STATE, FakeTraefik, routes, switch

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    Route,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.traefik import (
    driver,
)


def test_a_switch_needs_no_trial_but_new_routes_do(
    shop: driver.Traefik, docker: Callable[[str], Callable[[], list[str]]]
) -> None:
    notes = docker("cat")
    before = len(notes())
    switch(shop, "green")
    assert len(notes()) == before
    routes(shop, "blue", replace(SHOP, routes=(Route("web", 9000, HOST, "/"),)))
    assert len(notes()) == before + 1
    assert notes()[-1].startswith("exec -i po-proxy sh -c traefik")


@pytest.mark.usefixtures("shop")
def test_an_invalid_foreign_file_is_found_before_anything_changes(
    proxy: driver.Traefik, folder: Path, docker: Callable[[str], Callable[[], list[str]]], trial: FakeTraefik
) -> None:
    (folder / "conf.d" / "foreign.yml").write_text('{"http": {"services": {"x": {"bogus": 1}}}}')
    docker(f"echo '{INVALID}'; cat")
    trial.key = "it loads nothing, so it has no way to its API either"
    before = (folder / "conf.d" / FILE).read_text()
    with pytest.raises(
        SwitchyardError, match=r"Nothing was changed.*foreign\.yml: field not found, node: bogus\. Repair that file"
    ):
        switch(proxy, "green")
    assert (folder / "conf.d" / FILE).read_text() == before
    assert proxy.read() == STATE


@pytest.mark.usefixtures("trial")
def test_what_the_trial_does_not_do_is_refused(shop: driver.Traefik, trial: FakeTraefik) -> None:
    trial.frozen = True
    with pytest.raises(SwitchyardError, match=r"refuses the new configuration, the old one stays: .* differs"):
        routes(shop, "green", replace(SHOP, routes=(Route("web", 9000, HOST, "/"),)))


def test_a_foreign_file_is_reported_in_traefiks_words(
    shop: driver.Traefik, docker: Callable[[str], Callable[[], list[str]]], trial: FakeTraefik
) -> None:
    before = shop.foreign_files(shop.read())
    (shop.folder / "conf.d" / "99-theirs.yml").write_text("{}")
    assert [name for name in shop.foreign_files(shop.read()) if name not in before] == ["99-theirs.yml"]
    assert shop.validate_config() is None
    docker(f"echo '{INVALID}'; cat")
    trial.key = "it loads nothing, so it has no way to its API either"
    assert shop.validate_config() == "foreign.yml: field not found, node: bogus"
