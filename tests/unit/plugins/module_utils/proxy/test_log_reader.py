from __future__ import annotations

import json
import os
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import log_reader
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.log_reader import (
    AccessLogReader,
    ContainerLogReader,
    JournalReader,
    LogReader,
)

NOW = 1_796_038_800.0


def entry(text: str, at: float = NOW, end: str = "\n") -> str:
    """A line as the engine's driver json-file writes it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}".rstrip("0").rstrip(".")
    return json.dumps({"log": text + end, "stream": "stdout", "time": f"{stamp}Z"}, separators=(",", ":")) + "\n"


class EngineLog:
    """The files of a container, which rotate as the engine's do."""

    def __init__(self, folder: Path, keep: int = 3) -> None:
        self.path, self.keep = folder / "c-json.log", keep
        self.path.touch()

    def write(self, *texts: str, at: float = NOW) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(entry(text, at) for text in texts))

    def rotate(self) -> None:
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{number}") for number in range(1, self.keep))]
        for older, newer in zip(reversed(names), reversed(names[:-1])):
            if newer.exists():
                newer.replace(older)
        self.path.touch()


@pytest.fixture
def log(tmp_path: Path) -> EngineLog:
    return EngineLog(tmp_path)


def reader_of(log: EngineLog, since: float = NOW, needle: bytes = b"") -> ContainerLogReader:
    return ContainerLogReader(lambda: str(log.path), since, needle)


def test_each_line_is_read_once(log: EngineLog) -> None:
    reader = reader_of(log)
    log.write("one", "two")
    assert list(reader.read()) == ["one", "two"]
    assert list(reader.read()) == []
    log.write("three")
    assert list(reader.read()) == ["three"]


def test_half_a_line_is_read_when_it_is_whole(log: EngineLog) -> None:
    reader = reader_of(log)
    whole = entry("one")
    log.path.write_text(whole[:20])
    assert list(reader.read()) == []
    with log.path.open("a") as file:
        file.write(whole[20:])
    assert list(reader.read()) == ["one"]


def test_a_rotation_loses_no_line(log: EngineLog) -> None:
    reader = reader_of(log)
    log.write("one")
    assert list(reader.read()) == ["one"]
    log.write("two")
    log.rotate()
    log.write("three")
    log.rotate()
    log.write("four")
    assert list(reader.read()) == ["two", "three", "four"]
    assert not reader.missed
    log.rotate()
    assert list(reader.read()) == []
    log.write("five")
    assert list(reader.read()) == ["five"]


def test_lines_that_were_removed_before_they_were_read_are_told(log: EngineLog) -> None:
    reader = reader_of(log)
    log.write("one")
    assert list(reader.read()) == ["one"]
    for number in range(4):
        log.rotate()
        log.write(str(number))
    # Three files are kept, and the reader has the one that it had opened.
    assert list(reader.read()) == ["1", "2", "3"]
    assert reader.missed


def test_reading_begins_at_a_time(log: EngineLog) -> None:
    for number in range(50):
        log.write(f"{number} {'x' * (number % 7)}", at=NOW + number)
        if number in (20, 35):
            log.rotate()
    for since in (0, 1, 20, 21, 22, 35, 36, 37, 48, 49):
        # A second earlier: the engine stamps a line after the proxy made it.
        expected = list(range(max(0, since - 1), 50))
        assert [int(line.split()[0]) for line in reader_of(log, NOW + since).read()] == expected, since
    late = reader_of(log, NOW + 100)
    assert list(late.read()) == []
    log.write("50", at=NOW + 101)
    assert list(late.read()) == ["50"]


def test_times_of_the_engine_have_no_zeros_at_the_end(log: EngineLog) -> None:
    log.write("early", at=NOW + 0.5)
    log.write("late", at=NOW + 0.51)
    assert list(reader_of(log, NOW + 1.505).read()) == ["late"]


def test_only_lines_with_the_text_are_returned(log: EngineLog) -> None:
    log.write('{"stack":"po.shop.prod"}', '{"stack":"po.blog.prod"}', '{"host":"po.shop.prod"}')
    assert list(reader_of(log, needle=b'"stack":"po.shop').read()) == ['{"stack":"po.shop.prod"}']


def test_what_the_engine_split_is_one_line(log: EngineLog) -> None:
    with log.path.open("a") as file:
        file.write(entry("a" * 9, end="") + entry("b" * 9, end="") + entry("key") + entry("other") + entry("key again"))
    assert list(reader_of(log, needle=b"key").read()) == ["aaaaaaaaabbbbbbbbbkey", "key again"]


def test_another_container_is_read_from_its_first_line(log: EngineLog, tmp_path: Path) -> None:
    paths = [str(log.path)]
    reader = ContainerLogReader(lambda: paths[-1], NOW, b"")
    log.write("one")
    assert list(reader.read()) == ["one"]
    log.write("two")
    paths.append("")
    assert list(reader.read()) == ["two"]
    (tmp_path / "next").mkdir()
    other = EngineLog(tmp_path / "next")
    other.write("three")
    paths.append(str(other.path))
    os.unlink(log.path)
    assert list(reader.read()) == ["three"]
    assert not reader.missed


def test_a_log_that_is_not_on_this_server(tmp_path: Path) -> None:
    with pytest.raises(SwitchyardError, match=r"cannot be read: .*log driver json-file"):
        list(ContainerLogReader(lambda: str(tmp_path / "missing"), NOW, b"").read())


JOURNAL = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in
  *--since=@1796038799.000*) echo 'po.shop one'; echo other; echo '-- cursor: s=1;i=2';;
  *'--after-cursor=s=1;i=2') echo 'po.shop two'; echo '-- cursor: s=1;i=3';;
  *) exit {code};;
esac
"""


def test_the_journal_is_read_from_the_last_line(tmp_path: Path) -> None:
    program = tmp_path / "journalctl"
    program.write_text(JOURNAL.format(folder=tmp_path, code=0))
    program.chmod(0o755)
    reader = JournalReader("po-proxy.service", NOW, b"po.shop", {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert [list(reader.read()) for _visit in range(3)] == [["po.shop one"], ["po.shop two"], []]
    assert "--unit=po-proxy.service" in (tmp_path / "asked").read_text()


def test_a_journal_that_cannot_be_read(tmp_path: Path) -> None:
    program = tmp_path / "journalctl"
    program.write_text(JOURNAL.format(folder=tmp_path, code=3))
    program.chmod(0o755)
    reader = JournalReader("po-proxy.service", 0.0, b"", {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    with pytest.raises(SwitchyardError, match="journalctl ended with exit code 3"):
        list(reader.read())


class Lines(LogReader):
    """A log with these lines."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    def read(self) -> t.Iterator[str]:
        yield from self.lines

    def close(self) -> None:
        self.lines = ()


def test_the_requests_of_a_stack() -> None:
    def line(**changes: t.Any) -> str:
        given: dict[str, t.Any] = {"time": int(NOW * 1000), "stack": "po.shop.prod", "route": "web", "color": "blue"}
        given.update({"status": 200, "ms": 1, "upstream_ms": 1, "bytes": 1, "method": "GET", "host": "h", "path": "/"})
        given.update({"client": "::1", "preview": "-", "termination": "--", "id": "1"})
        return json.dumps({**given, **changes})

    asked: list[tuple[float, bytes]] = []
    lines = Lines(line(path="/1"), line(stack="po.shop.production"), line(time=1), line()[:-9], "text", line(path="/2"))
    reader = AccessLogReader(lambda *given: asked.append(given) or lines, "po.shop.prod", NOW)
    assert [found.path for found in reader.read()] == ["/1", "/2"]
    assert (asked, reader.unreadable, reader.missed) == ([(NOW, b'"po.shop.prod')], 1, False)


def test_the_text_of_all_lines_is_escaped_as_in_the_files_of_the_engine(log: EngineLog) -> None:
    log.write('{"RouterName":"po.shop.prod:public:h/@file","DownstreamStatus":200}')
    assert len(list(reader_of(log, needle=b'"po.shop.prod').read())) == 1
    assert len(entry("x")) < log_reader.CHUNK
