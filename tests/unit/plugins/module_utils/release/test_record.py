from __future__ import annotations

from pathlib import Path

import pytest
from fakes import checked

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record, Records


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "shop")


def release(records: Records, **changes: object) -> Record:
    number = records.begin()
    record = Record(number, "blue", "live", "f", checked(), "ann", 1.0).updated(**changes)
    records.save(record)
    return record


def test_a_record_is_read_as_it_was_saved(records: Records) -> None:
    record = release(records, images={"app:1": "sha256:1"}, previous=3, reason="slow")
    assert records.get(record.number) == record
    assert records.require(record.number) == record


def test_only_root_reads_it(records: Records) -> None:
    folder = records.path(release(records).number)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "release.json").stat().st_mode & 0o777 == 0o600


def test_numbers_only_grow(records: Records) -> None:
    numbers = [release(records).number for _again in range(11)]
    assert numbers == list(range(1, 12))
    records.prune(2, set())
    assert records.begin() == 12


def test_all_come_newest_first_also_beyond_four_digits(records: Records) -> None:
    release(records)
    records.path(12345).mkdir()
    records.save(Record(12345, "green", "live", "f", checked(), "ann", 1.0))
    assert [record.number for record in records.all()] == [12345, 1]


def test_half_a_record_is_passed_over(records: Records) -> None:
    first, second = release(records), release(records)
    (records.path(second.number) / "release.json").write_text('{"number": 2, "col')
    records.begin()
    (records.folder / "0004.old").mkdir()
    assert records.all() == [first]
    assert records.get(second.number) is None


def test_a_record_that_is_needed_and_missing_is_an_error(records: Records) -> None:
    assert records.get(None) is None
    assert records.get(9) is None
    with pytest.raises(SwitchyardError, match="no record of release 9"):
        records.require(9)


def test_the_oldest_go_but_never_one_that_is_needed(records: Records) -> None:
    for _again in range(6):
        release(records)
    assert records.prune(2, {1, 6}) == [4, 3, 2]
    assert [record.number for record in records.all()] == [6, 5, 1]
    assert records.prune(2, {1, 6}) == []
