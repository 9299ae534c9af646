from __future__ import annotations

import random

import pytest
from fakes_log import request_line

from ansible_collections.switchyard.stacks.plugins.module_utils.config.stack import WatchSpec
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import access_log
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.access_log import AccessLine
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates import watch_verdict
from ansible_collections.switchyard.stacks.plugins.module_utils.release.gates.watch_verdict import (
    GOOD,
    TOO_FEW,
    WORSE,
    Figures,
    Tally,
    figures,
    judge,
    newest,
    percentile,
)

SPEC = WatchSpec(max_error_rate=0.01, max_p99_ms=500, min_requests=50)


def line(**changes: object) -> AccessLine:
    found = access_log.parse(request_line(**changes))
    assert found
    return found


def tally(*lines: AccessLine) -> Tally:
    counted = Tally()
    for each in lines:
        counted.add(each)
    return counted


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99, 1.0])
def test_a_percentile_is_that_of_the_sorted_values(share: float) -> None:
    draw = random.Random(7)
    for count in (1, 2, 99, 100, 101, 1000):
        values = sorted(int(draw.lognormvariate(4, 1)) for _ in range(count))
        times: dict[int, int] = {}
        for value in values:
            times[value] = times.get(value, 0) + 1
        # Nearest rank: the smallest value that at least this share is not above.
        right = next(value for value in values if sum(other <= value for other in values) >= count * share)
        assert percentile(times, share) == right
    assert percentile({}, share) is None


def test_what_is_counted_of_a_request() -> None:
    counted = tally(
        line(ms=900, upstream_ms=10),
        line(ms=30000, upstream_ms=-1, status=504, termination="sH"),
        line(ms=99999, upstream_ms=5, status=101),
        line(status=500),
        line(status=404),
        line(ms=700, upstream_ms=-1, status=499, termination="CH"),
    )
    assert (counted.requests, counted.failed) == (6, 2)
    assert dict(counted.times) == {10: 3, 30000: 1, 700: 1}


def test_figures_of_several_counts() -> None:
    found = figures([tally(*[line(upstream_ms=number)] * 10) for number in range(10)])
    assert found == Figures(100, 0, 9)
    assert figures([]) == Figures(0, 0, None)
    assert str(Figures(200, 3, 12)) == "1.5% of 200 requests failed, p99 12 ms"


def test_the_newest_requests_that_are_enough() -> None:
    counts = [tally(*[line()] * number) for number in (30, 0, 10, 5)]
    assert [newest(counts, least) for least in (1, 5, 6, 15, 16, 45, 46)] == [1, 1, 2, 2, 4, 4, 4]
    assert newest([], 1) == 0


@pytest.mark.parametrize(
    ("new", "old", "state"),
    [
        # Limits only: the old color has too few.
        (Figures(100, 1, 100), None, GOOD),
        (Figures(100, 2, 100), None, WORSE),
        (Figures(100, 0, 501), None, WORSE),
        (Figures(100, 0, 500), None, GOOD),
        (Figures(49, 49, 9000), None, TOO_FEW),
        # The old color has none.
        (Figures(100, 5, 100), Figures(1000, 0, 100), WORSE),
        # A third party fails both alike.
        (Figures(200, 60, 100), Figures(200, 60, 100), GOOD),
        (Figures(200, 66, 100), Figures(200, 60, 100), GOOD),
        (Figures(200, 100, 100), Figures(200, 60, 100), WORSE),
        (Figures(500, 500, 100), Figures(500, 300, 100), WORSE),
        (Figures(500, 500, 100), Figures(500, 500, 100), GOOD),
        # It is as slow, a little slower, and much slower.
        (Figures(100, 0, 3000), Figures(100, 0, 3000), GOOD),
        (Figures(100, 0, 4400), Figures(100, 0, 3000), GOOD),
        (Figures(100, 0, 4600), Figures(100, 0, 3000), WORSE),
        # Much slower than the old color, and fast enough.
        (Figures(100, 0, 400), Figures(100, 0, 10), GOOD),
    ],
)
def test_a_verdict(new: Figures, old: Figures | None, state: str) -> None:
    verdict = judge(new, old, SPEC)
    assert (verdict.state, bool(verdict.reasons)) == (state, state != GOOD)
    assert verdict.old == old


def test_the_reasons() -> None:
    assert judge(Figures(1000, 51, 612), None, SPEC).reasons == (
        "5.1% of its requests failed, 1.0% are allowed",
        "1 % of its requests took longer than 612 ms, 500 ms are allowed",
    )
    assert judge(Figures(3, 0, 1), None, SPEC).reasons == ("only 3 of 50 requests",)


def test_without_a_limit_of_time_none_is_too_slow() -> None:
    assert judge(Figures(100, 0, 90000), None, WatchSpec()).state == GOOD


def test_a_color_that_is_as_the_old_one_is_seldom_worse_by_chance() -> None:
    draw = random.Random(11)

    def failures(requests: int, share: float) -> int:
        return sum(draw.random() < share for _ in range(requests))

    windows = 500
    for share in (0.02, 0.3, 0.8):
        worse = sum(
            judge(Figures(100, failures(100, share), 1), Figures(400, failures(400, share), 1), SPEC).state == WORSE
            for _ in range(windows)
        )
        assert worse / windows < 0.06, share


def test_a_color_that_fails_five_percent_more_is_noticed() -> None:
    draw = random.Random(5)
    for old_share in (0.0, 0.01):
        worse = sum(
            judge(
                Figures(500, sum(draw.random() < old_share + 0.05 for _ in range(500)), 1),
                Figures(2000, int(2000 * old_share), 1),
                SPEC,
            ).state
            == WORSE
            for _ in range(200)
        )
        assert worse > 190
    assert watch_verdict.allowed_share(None, 100) == 0.0
