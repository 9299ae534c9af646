from __future__ import annotations

from ansible_collections.switchyard.stacks.plugins.module_utils.near_name import did_you_mean, near_name


def test_the_most_similar_known_name_is_found() -> None:
    assert near_name("bookngs", ["bookings", "booking", "shop"]) == "bookings"
    assert near_name("web", ["shop"]) is None


def test_a_higher_likeness_finds_less() -> None:
    assert near_name("redis_imag", ["redis_image"], 0.9) == "redis_image"
    assert near_name("redis_imag", ["redis_users"], 0.9) is None


def test_a_hint_names_the_known_name_or_what_there_is() -> None:
    assert did_you_mean("wep", {"web": 1, "db": 2}, "Services are web, db") == "Did you mean 'web'?"
    assert did_you_mean("queue", ["web"], "Services are web") == "Services are web"
