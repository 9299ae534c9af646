from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import Machine
from fakes_log import request_line

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import access_log
from ansible_collections.switchyard.stacks.plugins.module_utils.release import access_lines
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record


@pytest.fixture
def record(two_releases: Machine) -> Record:
    return two_releases.ctx.records.all()[0]


def released(record: Record, number: int, color: str, started: float, finished: float, state: str) -> Record:
    return replace(record, number=number, color=color, started=started, finished=finished, state=state)


def test_the_release_of_a_color_at_a_time(record: Record) -> None:
    records = [
        released(record, 5, "green", 500, 550, "failed"),
        released(record, 4, "blue", 400, 440, "superseded"),
        # A rollback made it live again.
        released(record, 3, "green", 300, 600, "live"),
        released(record, 2, "blue", 200, 240, "superseded"),
    ]
    expected = {
        ("blue", 199): None,
        ("blue", 201): 2,
        ("blue", 399): 2,
        ("blue", 401): 4,
        ("blue", 700): 4,
        ("green", 301): 3,
        ("green", 510): 5,
        ("green", 560): 3,
        ("green", 700): 3,
    }
    found = {(color, at): access_lines.release_at(records, color, at) for color, at in expected}
    assert found == expected
    assert access_lines.release_at(records, None, 700) is None


def test_no_character_of_a_request_controls_a_terminal() -> None:
    line = access_log.parse(
        request_line(path="/\x1b[2J\u202e\n", host="\x07", method="G\tT", termination="CD", preview="yes")
    )
    assert line
    text = access_lines.text_of(line, 7)
    assert text.isprintable()
    assert text.isascii()
    assert text.partition("Z ")[2] == (
        r"200 G\tT \u0007/\u001b[2J\u202e\n 12 ms (application 10 ms) 100 bytes blue release 7 web preview 192.0.2.1 1"
        " ended: client"
    )


def test_requests_of_a_service_or_a_color(two_releases: Machine) -> None:
    written = [
        request_line(path="/web"),
        request_line(path="/api", route="api"),
        request_line(path="/green", color="green"),
        request_line(path="/refused", status=403, termination="LR", upstream_ms=-1),
        request_line()[:50],
    ]
    ctx, process = two_releases.ctx, two_releases.proxy.process

    def paths(service: str | None, color: str | None) -> list[str]:
        process.written = list(written)
        lines = access_lines.request_lines(ctx, service, color, 0.0, 10)
        assert lines[-1] == "1 lines of the proxy cannot be read."
        return [line.split()[3].partition("/")[2] for line in lines[:-1]]

    assert paths(None, None) == ["web", "api", "green", "refused"]
    assert paths("web", None) == ["web", "green", "refused"]
    assert paths(None, "blue") == ["web", "api", "refused"]


def test_a_log_that_cannot_be_read_is_told(two_releases: Machine) -> None:
    two_releases.proxy.process.broken = SwitchyardError("The log is on another server.")
    assert access_lines.request_lines(two_releases.ctx, None, None, 0.0, 10) == ["The log is on another server."]
