from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.filter.postgres_data_problems import FilterModule


def test_problems_are_dictionaries() -> None:
    call = FilterModule().filters()["postgres_data_problems"]
    image = "postgres (PostgreSQL) 18.1\n/var/lib/postgresql/data"
    assert [one["code"] for one in call("postgres:18", "/var/lib/postgresql/data", image, "17 .")] == [
        "postgres.major_differs"
    ]
    assert call("postgres:18", "/var/lib/postgresql/data", image, "18 .") == []
