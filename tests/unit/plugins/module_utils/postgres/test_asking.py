from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes_postgres import stored, wanted

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import asking, verifying
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.dumping import GIGABYTE
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.manifest import Manifest
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.retaining import Rule


def params(**given: t.Any) -> dict[str, t.Any]:
    """Return a module's options with their defaults."""
    spec = {**asking.SERVER, **asking.BACKUP}
    place = {"root": "/srv", "project": "po", "environment": "prod", "stack": "my-shop"}
    return {**{name: one.get("default") for name, one in spec.items()}, **place, **given}


def test_without_a_server_ours_is_meant() -> None:
    asked = asking.wanted(params())
    assert (asked.target.container, asked.target.host, asked.database) == ("po-postgres", None, "my_shop_prod")
    assert asked.problems() == []
    assert str(asking.shelf(params()).folder) == "/srv/backups/po-prod/my-shop"


def test_a_host_that_is_named_is_not_ours() -> None:
    asked = asking.wanted(params(host="db", image="postgres:17", database="other"))
    assert (asked.target.container, asked.target.host, asked.database) == (None, "db", "other")


def test_options_become_what_is_asked() -> None:
    asked = asking.wanted(params(keep=3, keep_days=9, compare="rows", parallel_from=2, keep_backups=["a"]))
    assert (asked.rule, asked.content, asked.parallel_from, asked.named) == (Rule(3, 9), False, 2 * GIGABYTE, ("a",))


@pytest.mark.parametrize(("state", "changed"), [("dumped", True), ("restored", False)])
def test_a_backup_that_stands_is_tried_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, changed: bool
) -> None:
    where = asking.shelf(params(root=str(tmp_path)))
    made = stored(where, state=state)
    monkeypatch.setattr(asking.connecting, "sweep", lambda *names: [])
    tried: list[str] = []

    def verify(engine: t.Any, where: t.Any, found: Manifest, *how: t.Any) -> Manifest:
        tried.append(found.name)
        return found.reached("restored", 1.0)

    monkeypatch.setattr(verifying, "verify", verify)
    engine = t.cast("t.Any", None)
    looked = asking.prove(engine, where, wanted(), "latest", check=True)
    done = asking.prove(engine, where, wanted(), made.name)
    assert looked["changed"] is done["changed"] is changed
    assert looked["diff"] == done["diff"]
    assert done["backup"]["state"] == "restored"
    assert tried == [made.name]


def test_nothing_is_no_proof(tmp_path: Path) -> None:
    with pytest.raises(SwitchyardError, match="verify: none proves nothing"):
        asking.prove(t.cast("t.Any", None), asking.shelf(params(root=str(tmp_path))), wanted(verify="none"), "latest")
