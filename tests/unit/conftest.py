"""What the unit tests share."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable

import pytest
from ansible.module_utils.testing import patch_module_args


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, t.Any]]:
    """Call a module's main() as Ansible would, and return what it printed.

    run_module(bluegreen.main, {"stack": "bookings"}, check=True) -> {"changed": ..., ...}
    """

    def run(
        main: Callable[[], None], parameters: dict[str, t.Any], *, check: bool = False, diff: bool = False
    ) -> t.Any:
        arguments = {**parameters, "_ansible_check_mode": check, "_ansible_diff": diff}
        with patch_module_args(arguments), pytest.raises(SystemExit):
            main()
        return json.loads(capsys.readouterr().out)

    return run
