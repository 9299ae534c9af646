from __future__ import annotations

import typing as t
from collections.abc import Callable
from pathlib import Path

from ansible_collections.switchyard.stacks.plugins.modules import postgres_passwords


def test_check_mode_reports_and_makes_nothing(run_module: Callable[..., dict[str, t.Any]], tmp_path: Path) -> None:
    options = {"root": str(tmp_path), "logins": ["shop_prod_ro"]}
    looked = run_module(postgres_passwords.main, options, check=True, diff=True)
    assert (looked["changed"], looked["created"], looked["verifiers"]) == (True, ["shop_prod_ro"], {})
    assert looked["diff"]["after"] == "a password of shop_prod_ro\n"
    assert not list(tmp_path.iterdir())
    made = run_module(postgres_passwords.main, options)
    assert (made["changed"], made["created"]) == (True, ["shop_prod_ro"])
    assert made["verifiers"]["shop_prod_ro"].startswith("SCRAM-SHA-256$")
    again = run_module(postgres_passwords.main, options, check=True)
    assert (again["changed"], again["verifiers"]) == (False, made["verifiers"])
    assert run_module(postgres_passwords.main, options)["changed"] is False
