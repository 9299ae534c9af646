from __future__ import annotations

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.backup import dump_process
from ansible_collections.switchyard.stacks.plugins.module_utils.backup.dump_process import DumpProcess
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError


def test_a_program_runs_at_the_same_time_and_its_failure_is_reported() -> None:
    with DumpProcess(["true"], "pg_dump") as running:
        running.wait()
    with (
        pytest.raises(SwitchyardError, match=r"pg_dump ended with exit code 1: .*No space left on device"),
        DumpProcess(["sh", "-c", "echo 'could not write: No space left on device' >&2; exit 1"], "pg_dump") as running,
    ):
        running.wait()


def test_what_a_program_says_can_be_read_while_it_runs_and_an_error_is_reported_without_it() -> None:
    calm = ["pg_restore: connecting to database for restore", 'pg_restore: creating TABLE "public.t"']
    wrong = [
        "pg_restore: while PROCESSING TOC:",
        "pg_restore: from TOC entry 6; 2615 16385 SCHEMA s postgres",
        'pg_restore: error: could not execute query: ERROR:  schema "s" already exists',
        "Command was: CREATE SCHEMA s;",
        "pg_dump: detail: Query was: LOCK TABLE public.t",
    ]
    said = "\n".join([calm[0], wrong[0], calm[1], *wrong[1:], ""])
    with DumpProcess(["sh", "-c", 'printf %s "$1" >&2; exit 1', "sh", said], "pg_restore") as running:
        running._process.wait()
        assert running.stderr_from(0) == said.encode()
        assert running.stderr_from(len(calm[0]) + 1).startswith(b"pg_restore: while")
        assert running.stderr_from(len(said)) == b""
        with pytest.raises(SwitchyardError) as caught:
            running.wait()
    assert str(caught.value).splitlines() == [
        f"pg_restore ended with exit code 1: {wrong[0]}",
        *wrong[1:],
    ]


def test_the_programs_own_words_precede_what_failed_at_the_same_time() -> None:
    def fail() -> None:
        with DumpProcess(["sh", "-c", "echo 'the reason' >&2; exit 1"], "pg_dump") as running:
            running._process.wait()
            raise SwitchyardError("something else")

    with pytest.raises(SwitchyardError, match="the reason"):
        fail()


def test_it_does_not_outlive_us() -> None:
    with pytest.raises(KeyboardInterrupt), DumpProcess(["sleep", "60"], "pg_dump") as running:
        raise KeyboardInterrupt
    assert running._process.poll() is not None


def test_seconds_are_noted() -> None:
    seconds: dict[str, float] = {}
    with dump_process.timed(seconds, "dump"):
        pass
    assert 0 <= seconds["dump"] < 1


def test_only_root_may_read_what_a_program_writes() -> None:
    assert dump_process.private_umask(["pg_dump"])[2].startswith("umask 077")
