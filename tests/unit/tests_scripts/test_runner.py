"""The test runner writes every result as JUnit XML, counts from it, and keeps the limits between steps."""

from __future__ import annotations

import os
import sys
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import junit
import pytest
from junit import Count
from runner import SLOTS, Runner, Schedule, Step, Together

PYTEST = """
import pytest

def test_good():
    pass

def test_bad():
    assert False

@pytest.mark.skip
def test_skipped():
    pass

@pytest.fixture
def broken():
    raise RuntimeError

def test_error(broken):
    pass
"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path, tmp_path / "logs", dict(os.environ))


def python(name: str, code: str, **options) -> Step:
    return Step(name, [sys.executable, "-c", code], **options)


def cases(tmp_path: Path, name: str) -> list[ET.Element]:
    return list(ET.parse(tmp_path / f"logs/junit/{name}.xml").iter("testcase"))


def test_a_step_is_one_test_case(runner, tmp_path):
    assert runner.run("lint", python("Ruff check", "print('hello')")) == Count(passed=1)
    (case,) = cases(tmp_path, "ruff-check")
    assert (case.get("classname"), case.get("name")) == ("lint", "Ruff check")
    assert list(case) == []
    assert (tmp_path / "logs/ruff-check.log").read_text() == "hello\n"


def test_a_failed_step_has_its_reason_and_output(runner, tmp_path, capsys):
    assert runner.run("lint", python("bad", "print('why \\x1b[0m'); exit(3)")) == Count(failed=1)
    (failure,) = cases(tmp_path, "bad")[0]
    assert failure.get("message") == "exit code 3"
    assert failure.text == "exit code 3\nwhy [0m"
    assert "FAILED  bad: exit code 3" in capsys.readouterr().out


def test_a_step_that_runs_too_long_is_ended(runner, tmp_path):
    assert runner.run("lint", python("slow", "import time; time.sleep(60)", limit=1)) == Count(failed=1)
    assert cases(tmp_path, "slow")[0][0].get("message") == "ran longer than 1 s"


def test_a_warning_of_ansible_fails_a_step_where_asked_for(runner, tmp_path):
    warning = "print('[WARNING]: a variable is deprecated')"
    assert runner.run("molecule", python("quiet", warning)) == Count(passed=1)
    assert runner.run("molecule", python("strict", warning, warnings_fail=True)) == Count(failed=1)
    assert cases(tmp_path, "strict")[0][0].text.endswith("[WARNING]: a variable is deprecated")


def test_pytest_counts_its_own_tests(runner, tmp_path):
    (tmp_path / "test_some.py").write_text(PYTEST)
    step = Step("unit", [sys.executable, "-m", "pytest", "-q", "test_some.py"], pytest=True)
    assert runner.run("unit", step) == Count(passed=1, failed=2, skipped=1)


def test_a_pytest_that_wrote_nothing_is_a_failure(runner, tmp_path):
    assert runner.run("unit", python("crash", "exit(4)", pytest=True)) == Count(failed=1)
    assert len(cases(tmp_path, "crash.step")) == 1
    assert junit.count((tmp_path / "logs/junit").iterdir()) == Count(failed=1)


def test_a_pytest_without_tests_is_a_failure(runner, tmp_path):
    step = Step("empty", [sys.executable, "-m", "pytest", "-q", str(tmp_path)], pytest=True)
    assert runner.run("unit", step) == Count(failed=1)


def test_the_last_line_names_skipped_tests_only_where_there_are_some():
    assert str(Count(3, 1)) == "3 passed, 1 failed"
    assert str(Count(3, 0, 2)) == "3 passed, 0 failed, 2 skipped"


# --- steps at the same time ---


def schedule(*steps: Step, light_parts_done: bool = True) -> Schedule:
    event = threading.Event()
    if light_parts_done:
        event.set()
    return Schedule(steps, event)


def steps(*names: str, **options) -> list[Step]:
    return [Step(name, [], **options) for name in names]


def test_steps_start_in_order_up_to_the_number_of_slots():
    waiting = schedule(*steps("a", "b", "c", "d"))
    assert [waiting.take().name for _ in range(SLOTS)] == ["a", "b", "c"]
    assert waiting.next_step() is None


def test_light_parts_take_a_slot_and_hold_quiet_steps_back():
    waiting = schedule(*steps("load", quiet=True), *steps("a", "b", "c"), light_parts_done=False)
    assert [waiting.take().name for _ in range(SLOTS - 1)] == ["a", "b"]
    assert waiting.next_step() is None
    waiting._light_parts_done.set()
    assert waiting.next_step().name == "load"


def test_steps_that_use_the_same_thing_run_one_after_the_other():
    project = frozenset({"project"})
    waiting = schedule(*steps("a", "b", uses=project), *steps("c"))
    first = waiting.take()
    assert (first.name, waiting.take().name, waiting.next_step()) == ("a", "c", None)
    waiting.done(first, failed=False)
    assert waiting.next_step().name == "b"


def test_after_a_failure_no_step_starts_before_the_repair():
    waiting = schedule(*steps("a", "b", "c"))
    first, second = waiting.take(), waiting.take()
    waiting.done(first, failed=True)
    assert waiting.next_step() is None
    waiting.done(second, failed=True)
    repairs = []
    waiting.alone(lambda: repairs.append(waiting.next_step()))
    waiting.alone(lambda: repairs.append("again"))
    assert repairs == [None]
    assert waiting.take().name == "c"
    assert waiting.take() is None


def test_steps_together_are_all_run_and_counted(runner, tmp_path):
    group = Together(
        (python("one", ""), python("two", "exit(1)"), python("three", ""), python("four", "")),
        repair=((sys.executable, "-c", "open('repaired', 'a').write('x')"),),
    )
    runner.light_parts_done.set()
    assert runner.run_together("molecule", group) == Count(passed=3, failed=1)
    assert (tmp_path / "repaired").read_text() == "x"


def test_a_stopped_runner_ends_what_runs_and_starts_nothing(runner, tmp_path):
    runner.light_parts_done.set()
    project = frozenset({"project"})
    long = "import time; open('there', 'w'); time.sleep(60)"
    late = "open('late', 'w')"
    group = Together((python("long", long, uses=project), python("late", late, uses=project)))

    def stop_soon():
        while not (tmp_path / "there").exists():
            pass
        runner.stop()

    stopping = threading.Thread(target=stop_soon)
    stopping.start()
    assert runner.run_together("molecule", group) == Count(failed=1)
    stopping.join()
    assert not (tmp_path / "late").exists()
