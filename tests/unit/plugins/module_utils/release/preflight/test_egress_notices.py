from __future__ import annotations

from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import egress_notices

FILES = normalised(web={}, db={"image": "postgres:17"}, queue={"image": "rabbitmq:4"}, mail={"image": "reg/mail:1"})


def notices(**egress: bool) -> list[tuple[str, str]]:
    stack = checked(accessories=["db", "queue", "mail"], egress=egress)
    return [(one.where, one.message) for one in egress_notices.egress_notices(FILES, stack, "stacks[shop]")]


def test_data_stores_without_a_choice_are_named() -> None:
    text = "db, queue reach nothing outside of the stack, as data stores. egress: {db: true, queue: true} lets them out"
    assert notices() == [("stacks[shop].egress", text)]


def test_a_choice_needs_no_notice() -> None:
    assert notices(db=False, queue=True, web=False) == []


def test_a_data_store_with_another_way_out_is_not_said_to_have_none() -> None:
    files = normalised(web={}, db={"image": "postgres:17", "networks": {"lan": None}})
    files["networks"]["lan"] = {"external": True}
    assert egress_notices.egress_notices(files, checked(accessories=["db"]), "stacks[shop]") == []
