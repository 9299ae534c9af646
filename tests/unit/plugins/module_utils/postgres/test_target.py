from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import target as postgres_target
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres.target import Target


def test_a_password_file_bears_every_password() -> None:
    assert postgres_target.passfile_line("*", 5432, "a:b", "c\\d") == "*:5432:*:a\\:b:c\\\\d\n"


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        (Target(container="x"), []),
        (Target(host="db", image="postgres:17", password="p:w"), []),
        (Target(), ["container, host"]),
        (Target(container="x", host="db", image="postgres:17"), ["container, host"]),
        (Target(host="db"), ["image"]),
        (Target(host="db", port=0, tls="maybe", password="a\nb"), ["image", "port", "tls", "password"]),
        (Target(host="db", image="i:1", tls="verify-full"), ["tls_ca"]),
        (Target(host="db", image="i:1", tls_ca="/nowhere.pem"), ["tls_ca"]),
    ],
)
def test_all_that_is_wrong_with_a_server_is_reported(target: Target, wrong: list[str]) -> None:
    assert [problem.where for problem in target.problems()] == wrong


def test_a_target_does_not_show_its_password() -> None:
    assert "marker" not in repr(Target(host="db", password="marker"))
