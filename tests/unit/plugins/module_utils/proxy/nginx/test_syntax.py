from __future__ import annotations

import random
import re

import pytest
from fakes_nginx_reader import HOSTILE, words

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import syntax


@pytest.mark.parametrize("value", HOSTILE)
def test_nothing_in_a_value_ends_its_word_or_is_a_variable(value: str) -> None:
    read = words(f'"1" {syntax.quoted(value)};')
    assert [read[0], *read[2:]] == ["1", ";"]
    assert "$" not in read[1].replace("${sy_dollar}", "")
    assert read[1].replace("${sy_dollar}", "$") == value


def test_an_expression_is_exactly_a_text() -> None:
    assert syntax.expression('a.org/$"{;\\ é(') == r"a\.org/\x24\x22\x7b\x3b\x5c\x20\xc3\xa9\x28"


def test_numbers_above_another_one() -> None:
    chance = random.Random(5)
    for limit in [1, 9, 10, 99, 100, 109, 1024, 1048576, 10**12, *(chance.randrange(1, 10**9) for _ in range(200))]:
        above = re.compile(syntax.above(limit))
        near = [limit - 1, limit, limit + 1, limit * 10, limit // 10, *(chance.randrange(10**10) for _ in range(20))]
        for number in near:
            assert bool(above.match(str(number))) == (number > limit), (number, limit)
            assert bool(above.match(f"00{number}")) == (number > limit), (number, limit)
    assert not re.match(syntax.above(10), "")
