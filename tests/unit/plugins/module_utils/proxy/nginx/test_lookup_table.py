from __future__ import annotations

import random
import typing as t

from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import maps
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import (
    lookup_table,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)


def test_an_expression_begins_with_the_address_and_ends_no_word_of_nginx() -> None:
    assert lookup_table.pattern("shop.org/a-b_1") == r'"~*^shop\.org/a-b_1"'
    assert lookup_table.pattern('x.org/$a"{;\\ é(') == r'"~*^x\.org/\x24a\x22\x7b\x3b\x5c\x20\xc3\xa9\x28"'


def ask_public(table: lookup_table.LookupTable, live: t.Mapping[str, str], at: str) -> str | None:
    """Do what the server for users does with the table: return the stack of a request."""
    number = next((table.number[one] for one in table.host_paths if at.startswith(one)), None)
    by_number = {number: address for address, number in table.number.items()}
    for _ in range(table.depth()):
        if number is None:
            return None
        address = by_number[number]
        other = table.instead().get((address, live.get(table.owner[address], "")), address)
        number = table.number[other] if other else None
    return table.owner[by_number[number]] if number else None


def test_users_reach_what_haproxy_finds() -> None:
    chance = random.Random(3)
    paths = ["/", "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/x"]
    for _ in range(300):
        owners = {f"s.org{path}": f"po.s{chance.randrange(3)}.prod" for path in paths}
        routes = {
            (key, color, at): f"web{chance.randrange(2)}"
            for at, key in owners.items()
            for color in ("blue", "green")
            if chance.random() < 0.6
        }
        live = {key: chance.choice(["blue", "green"]) for key in set(owners.values()) if chance.random() < 0.8}
        table = lookup_table.LookupTable(routes)
        public = maps.maps_of(ProxyState(live, routes))["live_routes"]
        for path in [*paths, "/a/b/c/d/e", "/nothing", "/ab"]:
            at = f"s.org{path}"
            wanted = max((one for one in public if at.startswith(one)), key=len, default=None)
            assert ask_public(table, live, at) == (public[wanted] if wanted else None), (routes, live, at)


def test_stacks_with_the_same_routes_on_both_colors_are_found_at_the_first_look() -> None:
    table = lookup_table.LookupTable(
        {("a", color, at): "web" for color in ("blue", "green") for at in ("a.org/", "a.org/api")}
    )
    assert (table.instead(), table.depth()) == ({}, 1)
    assert lookup_table.LookupTable({}).depth() == 1


def test_the_longest_address_is_asked_for_first() -> None:
    text = lookup_table.LookupTable({("a", "blue", "a.org/"): "web", ("a", "blue", "a.org/api"): "api"}).maps()
    assert text.index(r"^a\.org/api") < text.index(r'^a\.org/"')
    assert text.index(r"blue:a\.org/api") < text.index(r'blue:a\.org/"')


def test_a_wildcard_is_for_one_label_and_behind_exact_hosts() -> None:
    assert lookup_table.pattern("*.a.org/x", "blue:") == r'"~*^blue:[^./]+\.a\.org/x"'
    routes = {("a", "blue", "*.a.org/long/path"): "web", ("b", "blue", "b.a.org/"): "web"}
    table = lookup_table.LookupTable(routes)
    assert table.host_paths == ["b.a.org/", "*.a.org/long/path"]
    assert [table.next(at, "green") for at in ("b.a.org/", "*.a.org/long/path")] == [None, None]
    more = lookup_table.LookupTable({**routes, ("a", "blue", "*.a.org/"): "web"})
    assert more.next("b.a.org/", "green") == "*.a.org/"
    assert r'"~*^[^./]+\.a\.org$" 2;' in table.scopes()
    assert '"b.a.org" 2;' in table.scopes()
