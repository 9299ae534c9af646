from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from ansible_collections.switchyard.stacks.plugins.module_utils.engine import host_ports
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError

SPAN = (20000, 20009)


def everything(port: int) -> bool:
    return True


def test_each_service_gets_consecutive_ports() -> None:
    assert host_ports.allocate(SPAN, {"web": 2, "api": 1}, [], set(), everything) == {
        "web": [20000, 20001],
        "api": [20002],
    }


def test_reserved_and_used_ports_are_skipped() -> None:
    given = host_ports.allocate(SPAN, {"web": 3}, [], {20001}, lambda port: port != 20005)
    assert given == {"web": [20002, 20003, 20004]}


def test_a_color_reuses_its_own_reserved_ports() -> None:
    before = [{"web": [20004]}, {"web": [20008]}]
    assert host_ports.allocate(SPAN, {"web": 1}, before, {20004, 20008}, everything) == {"web": [20004]}


@pytest.mark.parametrize(("count", "free"), [(2, range(20000, 20010)), (1, range(20005, 20010))])
def test_another_number_of_replicas_or_a_used_port_needs_new_ports(count: int, free: range) -> None:
    given = host_ports.allocate(SPAN, {"web": count}, [{"web": [20004]}], {20004}, lambda port: port in free)
    assert given == {"web": [20000, 20001] if count == 2 else [20005]}


def test_ports_of_an_older_release_are_reused() -> None:
    before = [{"web": [20000]}, {"api": [20009]}, {"web": [20004, 20005]}]
    assert host_ports.allocate(SPAN, {"web": 2}, before, {20000, 20004, 20005}, everything) == {"web": [20004, 20005]}


def test_a_span_without_enough_ports_is_an_error() -> None:
    with pytest.raises(
        SwitchyardError, match=r"no 11 consecutive free ports between 20000 and 20009.*proxy_published_ports.*setup"
    ):
        host_ports.allocate(SPAN, {"web": 11}, [], set(), everything)


def test_ports_of_all_records_on_the_server_are_reserved(tmp_path: Path) -> None:
    for number, (stack, content) in enumerate({"po-prod/shop": {"web": [1, 2]}, "po-qual/blog": {"api": [7]}}.items()):
        folder = tmp_path / stack / "releases" / f"{number:04d}"
        folder.mkdir(parents=True)
        (folder / "release.json").write_text(json.dumps({"ports": content}))
    half = tmp_path / "po-prod" / "shop" / "releases" / "0009"
    half.mkdir()
    (half / "release.json").write_text('{"ports": ')
    assert host_ports.reserved(tmp_path) == {1, 2, 7}
    assert host_ports.reserved(tmp_path / "none") == set()


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_a_port_with_a_listener_is_not_free(address: str) -> None:
    with socket.socket() as listener:
        listener.bind((address, 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not host_ports.is_free(port)
    assert host_ports.is_free(port)
