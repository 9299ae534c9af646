"""What the clients of server_reach.py may reach, and what they reached: lines of a report. Pure functions."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field

State = t.Mapping[str, t.Any]


@dataclass
class Line:
    """One kind of attempt: how often it was made, how often it succeeded, and which attempts went wrong.

    ``allowed``: each one succeeds (True), none does (False), or docs/networks.md says that nothing refuses it (None).
    """

    what: str
    allowed: bool | None
    tried: int = 0
    reached: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, reached: bool, text: str) -> None:
        """Count one attempt."""
        self.tried += 1
        self.reached += reached
        if self.allowed is not None and reached != self.allowed:
            self.wrong.append(text)

    def is_right(self) -> bool:
        """Whether there was an attempt, and each one ended as it should."""
        return self.tried > 0 and not self.wrong


OWN = "containers of the client's own network"
OTHERS = {
    "environment": "containers of other environments",
    "server": "other networks of the same environment, and what environments share",
    "foreign": "containers of other owners",
    "outside": "containers of the project, from networks of other owners",
}
NAMES, FOREIGN_NAMES = "names of the client's own network", "names of other networks"
LOGINS, FOREIGN_LOGINS = "logins of the client's own network", "logins of other networks, with their passwords"
METADATA = {
    True: "the metadata address, from internal networks",
    False: "the metadata address, from networks with a way out",
}
HOST_PORTS = "ports of the server itself"


def lines(state: State, logins: t.Sequence[t.Mapping[str, t.Any]], clients: t.Sequence[State]) -> list[Line]:
    """Return the lines of the report, what is allowed first."""
    found: dict[str, Line] = {}
    for what in (OWN, NAMES, LOGINS):
        found[what] = Line(what, True)
    for what in (*OTHERS.values(), FOREIGN_NAMES, FOREIGN_LOGINS):
        found[what] = Line(what, False)
    if any(state["networks"][client["on"]]["internal"] for client in clients):
        found[METADATA[True]] = Line(METADATA[True], False)
    for what in (METADATA[False], HOST_PORTS):
        found[what] = Line(what, None)
    for client in clients:
        for kind, reached, text in attempts(state, logins, client):
            found[kind].count(reached, text)
    return list(found.values())


def attempts(state: State, logins: t.Sequence[t.Mapping[str, t.Any]], client: State) -> Iterator[tuple[str, bool, str]]:
    """Yield the kind of each attempt of a client, whether it succeeded, and what it was."""
    on = client["on"]
    for kind, target, *more, got in client["got"]:
        text = f"{on} -> {kind} {target} {more[0] if more else ''}".rstrip()
        end = end_of(state, target)
        if kind == "name":
            yield from names_of(state, on, target, got)
        elif kind == "page":
            yield METADATA[state["networks"][on]["internal"]], bool(got), text
        elif kind in ("postgres", "redis"):
            login = next(one for one in logins if (one["kind"], one["user"]) == (kind, more[1]))
            # Another server would refuse the login in any case: that shows nothing.
            if end and end[0]["name"] == login["server"]:
                whose_network = state["networks"][on]
                own = end[1] == on and whose_network["environment"] == login["environment"]
                own = own and whose_network["stack"] in ("", login["stack"])
                yield (LOGINS if own else FOREIGN_LOGINS), bool(got), f"{text} as {login['user']}"
        elif end is None:
            yield HOST_PORTS, bool(got), text
        elif end[1] == on:
            yield OWN, bool(got), f"{text} ({end[0]['name']})"
        else:
            yield whose(state, on, end[0]), bool(got), f"{text} ({end[0]['name']})"


def names_of(state: State, on: str, name: str, got: t.Sequence[str]) -> Iterator[tuple[str, bool, str]]:
    """Yield the attempt at a name: it has addresses on the client's network, or none."""
    here = {
        one["networks"][on]["address"]
        for one in state["containers"]
        if on in one["networks"] and name in one["networks"][on]["names"]
    }
    text = f"{on} -> name {name}: {', '.join(got) or 'unknown'}"
    if here:
        yield NAMES, bool(got), text
        # Every address beyond those is of another network.
        yield FOREIGN_NAMES, not set(got) <= here, text
    else:
        yield FOREIGN_NAMES, bool(got), text


def end_of(state: State, address: str) -> tuple[State, str] | None:
    """Return the container with an address, and on which network; None for an address outside of containers."""
    return next(
        (
            (one, network)
            for one in state["containers"]
            for network, end in one["networks"].items()
            if end["address"] == address
        ),
        None,
    )


def whose(state: State, on: str, container: State) -> str:
    """Return the kind of an attempt at a container that is not on the client's network."""
    if not state["networks"][on]["project"]:
        return OTHERS["outside"] if container["project"] else OTHERS["foreign"]
    if not container["project"]:
        return OTHERS["foreign"]
    own = state["networks"][on]["environment"]
    return OTHERS["environment"] if own and container["environment"] not in ("", own) else OTHERS["server"]


def shared_networks(state: State) -> tuple[list[str], list[str]]:
    """Return the networks with containers of several environments, and those with several stacks of one."""
    environments: dict[str, set[str]] = {}
    stacks: dict[str, set[str]] = {}
    for one in state["containers"]:
        for network in one["networks"]:
            environments.setdefault(network, set()).add(one["environment"])
            stacks.setdefault(network, set()).add(one["stack"])
    met = [network for network, found in sorted(environments.items()) if len(found - {""}) > 1]
    return met, [network for network, found in sorted(stacks.items()) if len(found - {""}) > 1]
