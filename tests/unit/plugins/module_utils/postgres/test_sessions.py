from __future__ import annotations

import typing as t

import pytest
from fakes_postgres import FakeSession

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.postgres import sessions


def test_sessions_that_stay_are_named() -> None:
    admin = FakeSession({"SELECT DISTINCT usename": [{"usename": "app", "application_name": ""}]})
    with pytest.raises(SwitchyardError, match=r"Sessions do not end: app \(no name\)"):
        sessions.terminate_sessions(t.cast("t.Any", admin), "true", limit=0.0)
    admin.answers.clear()
    sessions.terminate_sessions(t.cast("t.Any", admin), "datname = 'shop'")
    assert "AND datname = 'shop'" in admin.statements[-1]
