from __future__ import annotations

import typing as t

from ansible_collections.switchyard.stacks.plugins.filter.status_table import FilterModule, status_table

NOW = 10_000.0
RELEASE = {"number": 3, "version": "2.0.0", "since": NOW - 7200, "holder": "root@vm (process 7)"}


def line(**changes: t.Any) -> dict[str, t.Any]:
    return {
        "stack": "shop",
        "live": "green",
        "release": RELEASE,
        "warm": None,
        "containers": 4,
        "failing": {},
        "availability": None,
        "canary": None,
        "lock": None,
        "backup": None,
        "unnamed_volumes": {},
        "certificates": {},
        **changes,
    }


def table(*lines: dict[str, t.Any]) -> list[str]:
    return status_table({"app1": {"now": NOW, "stacks": list(lines)}})


def test_a_stack_is_a_line() -> None:
    backup = {"name": "b", "state": "restored", "finished": NOW - 3 * 3600}
    assert table(line(backup=backup), line(stack="blog", release=None, live=None, containers=0)) == [
        "STACK  VERSION  COLOR  RELEASE  LIVE FOR  BY       CONTAINERS  BACKUP                          NOTES",
        "shop   2.0.0    green  3        2 h       root@vm  4           3 h old, verified by a restore",
        "blog   -        -      -        -         -        0           -",
    ]
    assert FilterModule().filters()["status_table"] is status_table


def test_what_needs_attention_is_in_the_last_column() -> None:
    lock = {"holder": "bob@desk", "since": NOW - 300, "step": "migrate", "stale": True}
    canary = {"release": 4, "version": "2.1.0", "weight": 25, "paused": True}
    notes = table(
        line(availability="maintenance", warm={**RELEASE, "version": "1.9.0"}, lock=lock, canary=canary),
        line(failing={"po-celery-prod": "restarting"}, availability="held"),
    )
    assert notes[1].endswith(
        "maintenance page; canary 2.1.0 has 25 % of the clients, paused; bob@desk releases it for 5 min, step migrate;"
        " its lock has expired; 1.9.0 is warm"
    )
    assert "3 of 4 run" in notes[2]
    assert notes[2].endswith("requests are held; po-celery-prod is restarting")


def test_volumes_that_no_file_names_are_a_second_table() -> None:
    volumes = {"po-shop-redis-data-prod": "redis:/data", "po-shop-mq-var-lib-mq-prod": "mq:/var/lib/mq"}
    assert table(line(unnamed_volumes=volumes), line(stack="blog"))[3:] == [
        "",
        "STACK  VOLUME WITHOUT A NAME IN THE COMPOSE FILES  SERVICE  PATH",
        "shop   po-shop-mq-var-lib-mq-prod                  mq       /var/lib/mq",
        "shop   po-shop-redis-data-prod                     redis    /data",
    ]


def test_a_certificate_that_expires_is_said() -> None:
    day = 86400
    ends = {"a.org": NOW - 1, "b.org": NOW + 20.9 * day, "c.org": NOW + 21 * day}
    assert table(line(certificates=ends))[1].endswith(
        "the certificate of a.org has expired; the certificate of b.org expires in 20 days"
    )


def test_a_broken_backup_is_said() -> None:
    assert "broken" in table(line(backup={"name": "b", "state": "broken", "finished": None}))[1]


def test_several_servers_have_a_column() -> None:
    lines = status_table({name: {"now": NOW, "stacks": [line()]} for name in ("app1", "app2")})
    assert lines[0].startswith("SERVER  STACK")
    assert [text.split()[0] for text in lines[1:]] == ["app1", "app2"]


def test_a_server_without_releases() -> None:
    assert status_table({"app1": {"now": NOW, "stacks": []}}) == ["No stack has a release."]
