"""The load client sees every failure, and only failures: it runs as a process against a server that misbehaves."""

from __future__ import annotations

import json
import signal
import time

import pytest
from faulty_http_server import Server, finish, start


@pytest.fixture
def run(tmp_path):
    def do(server, *options, duration=0.6, rate=200, slow=0):
        result = tmp_path / "result.json"
        arguments = ["--duration", str(duration), "--rate", str(rate), "--slow-clients", str(slow)]
        code, output = finish(start(server, "run", *arguments, "--result", str(result), *options))
        return code, output, json.loads(result.read_text())

    return do


def test_a_clean_run_reports_no_failure_and_counts_like_the_server(run):
    with Server() as server:
        code, output, result = run(server, slow=2)
    counts = result["normal"]
    assert code == 0, output
    assert counts["sent"] == counts["succeeded"]
    assert counts["failed"] == result["slow"]["failed"] == 0
    assert counts["sent"] + result["slow"]["sent"] == server.requests.total()
    # 0.6 s at 200 a second; a machine that is busy sees the end of it later.
    assert counts["sent"] >= 120
    assert server.requests["POST"] == pytest.approx(counts["sent"] / 10, abs=1)
    assert "0 failed" in output


@pytest.mark.parametrize(
    ("fault", "kind"), [("drop", "reset"), ("cut", "reset"), ("503", "status 503"), ("hang", "timeout")]
)
def test_one_failure_is_seen_and_never_sent_again(run, fault, kind):
    with Server(faults={77: fault}) as server:
        code, output, result = run(server, "--timeout", "0.5")
    counts = result["normal"]
    assert code == 1, output
    assert counts["failed_by_kind"] == {kind: 1}
    assert [failure["kind"] for failure in counts["failures"]] == [kind]
    assert counts["sent"] == counts["succeeded"] + 1 == server.requests.total()
    assert kind in output


def test_a_server_that_is_not_there_is_a_failure_of_every_request(run):
    with Server() as server:
        pass
    server.url = "http://127.0.0.1:9"
    code, _, result = run(server, duration=0.2, slow=1)
    assert code == 1
    assert result["normal"]["failed_by_kind"] == {"connect": result["normal"]["sent"]}
    assert result["slow"]["failed_by_kind"] == {"connect": result["slow"]["sent"]}


def test_an_idle_connection_that_the_server_closed_is_not_a_failure(run):
    # 20 connections at 20 requests a second: each is idle for a second, far longer than the server waits.
    with Server(close_idle=0.25) as server:
        code, output, result = run(server, rate=20, duration=2.5)
    assert code == 0, output
    assert result["reopened"] > 20
    assert result["normal"]["sent"] == server.requests.total()


def test_versions_and_chunked_answers(run):
    with Server(switch_at=101, faults={50: "chunked"}) as server:
        _, _, result = run(server, duration=1)
    versions = result["normal"]["versions"]
    assert list(versions) == ["1.0.0", "2.0.0"]
    assert versions["1.0.0"]["count"] == 100
    assert versions["1.0.0"]["last"] > 0.4
    assert versions["2.0.0"]["first"] >= versions["1.0.0"]["last"] - 0.1


def test_every_good_answer_has_a_line_where_that_is_asked_for(run, tmp_path):
    answers = tmp_path / "answers"
    with Server(switch_at=101, faults={50: "503"}) as server:
        _, _, result = run(server, "--answers", str(answers), duration=1)
    lines = [line.split() for line in answers.read_text().splitlines()]
    assert len(lines) == result["normal"]["succeeded"] == result["normal"]["sent"] - 1
    assert [version for _, version in lines].count("1.0.0") == 99
    assert [float(when) for when, _ in lines] == sorted(float(when) for when, _ in lines)


def test_latency_counts_from_the_time_a_request_was_due(run):
    # The only connection hangs for 0.5 s: requests due during that time are late, and are still sent.
    with Server(faults={20: "hang"}) as server:
        _, _, result = run(server, "--timeout", "0.5", "--connections", "1", duration=1)
    counts = result["normal"]
    assert counts["sent"] >= 200
    assert counts["latency_ms"]["max"] > 400
    # A hundred of the two hundred are due in that time, eighty of them more than 100 ms before it ends.
    assert counts["latency_ms"]["p90"] > 100
    assert counts["longest_gap"]["seconds"] > 0.4


def test_sigterm_ends_the_load_with_a_whole_result(tmp_path):
    result = tmp_path / "result.json"
    with Server() as server:
        process = start(server, "run", "--slow-clients", "0", "--result", str(result))
        deadline = time.monotonic() + 20
        while not server.requests.total() and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        code, output = finish(process)
    assert code == 0, output
    assert json.loads(result.read_text())["normal"]["sent"] == server.requests.total()


def test_check_finds_what_was_lost_and_what_was_doubled(run, tmp_path):
    ledger = tmp_path / "ledger"
    check = ["check", "--ledger", str(ledger), "--settle", "0"]
    with Server(faults={31: "503"}) as server:
        run(server, "--ledger", str(ledger), "--post-every", "2")
        keys = [line.split()[1] for line in ledger.read_text().splitlines()]
        assert len(keys) == server.requests["POST"]
        code, output = finish(start(server, *check))
        assert code == 0, output

        server.bookings[keys[3]] = 2
        code, output = finish(start(server, *check))
        assert (code, "doubled 1" in output) == (1, True)

        server.bookings[keys[3]] = 1
        del server.bookings[keys[5]]
        code, output = finish(start(server, *check))
        assert (code, "lost 1" in output) == (1, True)

        server.bookings[keys[5]] = 1
        server.stats["tasks_run_twice"] = 1
        code, output = finish(start(server, *check))
        assert (code, "tasks run twice 1" in output) == (1, True)


def test_a_wrong_url_is_said(tmp_path):
    with Server() as server:
        pass
    server.url = "bookings.localhost"
    code, output = finish(start(server, "run"))
    assert code == 2
    assert "http://ADDRESS:PORT" in output
