from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.data_version import data_problems

OLD, NEW = "/var/lib/postgresql/data", "/var/lib/postgresql"


def of_image(major: int, pgdata: str) -> str:
    return f"postgres (PostgreSQL) {major}.2 (Debian {major}.2-1.pgdg13+1)\n{pgdata}"


@pytest.mark.parametrize(
    ("path", "image", "volume"),
    [
        (OLD, of_image(17, OLD), ""),
        (OLD, of_image(17, OLD), "17 .\n"),
        (NEW, of_image(18, f"{NEW}/18/docker"), "18 18/docker\n"),
        (OLD, "postgres (PostgreSQL) 19beta1\n" + OLD, "19 ."),
    ],
)
def test_an_image_that_fits_the_data(path: str, image: str, volume: str) -> None:
    assert data_problems("postgres:x", path, image, volume) == []


def test_a_newer_major_is_refused_with_both_versions_and_the_way_to_go() -> None:
    (problem,) = data_problems("postgres:18", OLD, of_image(18, OLD), "17 .")
    assert (problem.where, problem.code) == ("postgres_image", "postgres.major_differs")
    assert problem.message == (
        "postgres:18 is PostgreSQL 18, and the data of this server is of PostgreSQL 17: it cannot start with that"
    )
    assert problem.hint.startswith(
        "Write an image of PostgreSQL 17. A new major version needs the databases to be restored"
    )


def test_a_newer_major_with_the_folder_of_its_own_would_begin_empty() -> None:
    (problem,) = data_problems("postgres:18", NEW, of_image(18, f"{NEW}/18/docker"), "17 .")
    assert (problem.where, problem.code) == ("postgres_image", "postgres.major_differs")


def test_an_older_major_is_refused() -> None:
    (problem,) = data_problems("postgres:16", OLD, of_image(16, OLD), "17 .")
    assert problem.message.endswith("of PostgreSQL 17: an older version cannot read it")
    assert problem.hint == "Write an image of PostgreSQL 17"


def test_the_same_major_at_another_path_would_begin_empty() -> None:
    (problem,) = data_problems("postgres:17", NEW, of_image(17, OLD), "17 .")
    assert (problem.where, problem.code) == ("postgres_data_path", "postgres.data_path")
    assert problem.message == "the volume has its data in ., and postgres:17 would create an empty server in data"


def test_an_image_without_a_version_is_refused_where_there_is_data() -> None:
    assert [one.code for one in data_problems("other:1", OLD, "sh: postgres: not found", "17 .")] == [
        "postgres.image_unknown"
    ]
