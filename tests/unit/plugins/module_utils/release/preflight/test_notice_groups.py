from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.file_changes import Notice
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight.notice_groups import grouped

STACK = "switchyard_stacks[shop]"
FILES = f"{STACK}.compose"


def lines(*notices: Notice, services: tuple[str, ...] = ("web", "db", "web.db")) -> list[str]:
    content = {"services": {name: {} for name in services}, "networks": {"lan": {}}}
    return [f"{notice.where}: {notice.message}" for notice in grouped(notices, content)]


def test_services_with_one_change_are_one_line() -> None:
    found = lines(
        Notice(f"{FILES}.services.web.ports", "not published", "53:53/udp"),
        Notice(f"{FILES}.services.web.restart", "unless-stopped is added"),
        Notice(f"{FILES}.services.db.ports", "not published", "5432/tcp"),
        Notice(f"{FILES}.services.db.restart", "unless-stopped is added"),
        Notice(f"{FILES}.services.db.ports", "reached through the proxy", "80/tcp"),
    )
    assert found == [
        f"{FILES}: ports of web (53:53/udp), db (5432/tcp): not published",
        f"{FILES}: restart of web, db: unless-stopped is added",
        f"{FILES}: ports of db (80/tcp): reached through the proxy",
    ]


def test_a_name_with_dots_and_a_nested_key() -> None:
    found = lines(
        Notice(f"{FILES}.services.web.db.hostname", "left out", "x"),
        Notice(f"{FILES}.services.web.networks.default.aliases", "left out", "www"),
        Notice(f"{FILES}.networks.lan.ipam", "created by its name"),
        Notice(f"{FILES}.services.web.db", "a one-shot"),
    )
    assert found == [
        f"{FILES}: hostname of web.db (x): left out",
        f"{FILES}: aliases of web (www): left out",
        f"{FILES}: ipam of network lan: created by its name",
        f"{FILES}: web.db: a one-shot",
    ]


def test_another_key_of_the_stack_is_left_as_it_is() -> None:
    assert lines(Notice(f"{STACK}.allow.web", "pid host allows a lot")) == [f"{STACK}.allow.web: pid host allows a lot"]


def test_a_file_with_many_services_stays_readable() -> None:
    services = tuple(f"s{number}" for number in range(15))
    notices = [Notice(f"{FILES}.services.{name}.logging", "added") for name in services]
    assert lines(*notices, services=services) == [f"{FILES}: logging of s0, s1, s2, s3, s4, s5 and 9 more: added"]


def test_a_change_is_named_once() -> None:
    notice = Notice(f"{FILES}.services.web.logging", "added")
    assert lines(notice, notice) == [f"{FILES}: logging of web: added"]
