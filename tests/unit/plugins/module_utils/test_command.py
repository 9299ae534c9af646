from __future__ import annotations

import os
import re
import tempfile
import time
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils import command
from ansible_collections.switchyard.stacks.plugins.module_utils.command import CommandError, Process, run


def test_both_streams_and_the_exit_code_are_returned() -> None:
    result = run(["sh", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert (result.code, result.stdout, result.stderr) == (3, "out\n", "err\n")


def test_an_argument_never_passes_through_a_shell() -> None:
    assert run(["printf", "%s", "a b; $(c)"]).stdout == "a b; $(c)"


def test_standard_input_is_the_given_text_or_empty() -> None:
    assert run(["cat"], stdin="täxt").stdout == "täxt"
    assert run(["cat"]).stdout == ""


def test_variables_are_added_and_own_ones_can_be_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN", "own")
    script = ["sh", "-c", 'printf %s "$GIVEN$OWN"']
    assert run(script, env={"GIVEN": "given "}).stdout == "given own"
    assert run(script, env={"GIVEN": "given"}, inherit=["PATH"]).stdout == "given"


def test_a_command_runs_in_the_given_folder(tmp_path: Path) -> None:
    assert run(["pwd"], cwd=tmp_path).stdout.strip() == str(tmp_path)


def test_both_streams_can_be_one_text_or_go_to_a_file() -> None:
    script = ["sh", "-c", "echo out; echo err >&2"]
    assert run(script, merge=True).stdout == "out\nerr\n"
    with tempfile.TemporaryFile() as output:
        assert run(script, output=output).stdout == ""
        output.seek(0)
        assert output.read() == b"out\nerr\n"


@pytest.mark.parametrize(
    ("script", "merge", "message"),
    [
        ("echo no space >&2; exit 3", False, "The pre-hook ended with exit code 3: no space"),
        ("echo no space; exit 3", True, "The pre-hook ended with exit code 3: no space"),
        ("exit 1", False, "The pre-hook ended with exit code 1: it wrote nothing."),
    ],
)
def test_a_failure_names_the_command_and_shows_what_it_wrote(script: str, merge: bool, message: str) -> None:
    with pytest.raises(CommandError) as raised:
        run(["sh", "-c", script], name="The pre-hook", merge=merge)
    assert str(raised.value) == message


def test_a_failure_shows_the_last_lines_and_keeps_all() -> None:
    with pytest.raises(CommandError) as raised:
        run(["sh", "-c", "seq 1 50 >&2; exit 7"])
    shown = str(raised.value).splitlines()
    assert (len(shown), shown[-1], raised.value.code) == (command.LINES, "50", 7)
    assert raised.value.output.split() == [str(number) for number in range(1, 51)]


def test_a_command_that_takes_too_long_is_killed() -> None:
    begun = time.monotonic()
    with pytest.raises(CommandError, match=r"sleep was not done after 0\.1 s\.") as raised:
        run(["sleep", "60"], timeout=0.1)
    assert raised.value.code is None
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize("secret", ["hunter2"])
def test_no_message_has_an_argument(secret: str) -> None:
    for args in (["/no/such/program", secret], ["sh", "-c", "exec sleep 60", secret], ["sh", "-c", "exit 1", secret]):
        with pytest.raises(CommandError) as raised:
            run(args, timeout=0.1)
        assert secret not in str(raised.value)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(CommandError, match="/no/such/program cannot be started: No such file or directory"):
        run(["/no/such/program"])


def test_a_process_answers_over_its_pipes_while_it_runs() -> None:
    process = Process(["cat"], stdin=command.PIPE, stdout=command.PIPE)
    process.stdin.write(b"question\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"question\n"
    assert process.poll() is None
    assert process.wait(timeout=0.05) is None
    process.stdin.close()
    assert process.wait() == 0
    process.close()


def test_a_process_may_end_by_itself_before_it_is_killed() -> None:
    ends = Process(["sh", "-c", "exit 4"])
    ends.kill(grace=30)
    assert ends.poll() == 4
    hangs = Process(["sleep", "60"])
    hangs.kill(grace=0.05)
    assert hangs.poll() == -9
    # It has ended: nothing is killed a second time.
    hangs.kill()


def test_a_process_can_have_a_session_of_its_own() -> None:
    process = Process(["sleep", "60"], new_session=True)
    assert os.getsid(process.pid) == process.pid
    process.kill()


def test_no_other_plugin_starts_a_process() -> None:
    plugins = Path(__file__).parents[4] / "plugins"
    starts_processes = re.compile(r"\bsubprocess\b|\bos\.(?:system|popen|spawn|exec|posix_spawn)")
    users = [path for path in plugins.rglob("*.py") if starts_processes.search(path.read_text(encoding="utf-8"))]
    assert [str(path.relative_to(plugins)) for path in users] == ["module_utils/command.py"]
