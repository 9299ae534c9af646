from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeEngine, container
from fakes_behind_traefik import NEXT, OLD, FrontTraefik

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import layout
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik import (
    replace as behind_traefik_replace,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik.driver import BehindTraefikProxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik.replace import (
    ReplacementState,
    RollingReplacement,
    decide,
)
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import maps
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyState

RUNS, ENDED = container(), container(state="exited")


@pytest.mark.parametrize(
    ("current", "ended", "begun"),
    [
        (ReplacementState(None, None), [], []),
        (ReplacementState(RUNS, None), [], []),
        (ReplacementState(RUNS, None, True), ["stay"], ["stay"]),
        # Made, and never started.
        (ReplacementState(RUNS, ENDED), ["drop"], ["enter", "leave", "rename"]),
        # On its way out, and then the replacement ended by itself.
        (ReplacementState(RUNS, ENDED, True), ["stay", "drop"], ["stay", "enter", "leave", "rename"]),
        # Both serve: the replacement may have another image than the inventory asks for by now.
        (ReplacementState(RUNS, RUNS), ["retreat"], ["retreat"]),
        (ReplacementState(RUNS, RUNS, True), ["leave", "rename"], ["leave", "rename"]),
        # Stopped, but not removed; removed, but not renamed.
        (ReplacementState(ENDED, RUNS, True), ["leave", "rename"], ["leave", "rename"]),
        (ReplacementState(None, RUNS), ["rename"], ["rename"]),
        (ReplacementState(None, ENDED), ["enter", "rename"], ["enter", "rename"]),
        (ReplacementState(ENDED, ENDED), ["drop"], ["drop"]),
    ],
)
def test_every_state_leads_to_one_proxy_alone(current: ReplacementState, ended: list[str], begun: list[str]) -> None:
    assert (decide(current, False), decide(current, True)) == (ended, begun)


def replacing(engine: FrontTraefik, folder: Path) -> RollingReplacement:
    return RollingReplacement(folder, OLD, engine, provider_delay=0.02, drain=0.1)  # type: ignore[arg-type]


def test_the_replacement_takes_the_place(engine: FrontTraefik, folder: Path) -> None:
    (folder / "run.2" / "left-over").touch()
    work = replacing(engine, folder)
    assert work.execute(True, check_mode=True) == ["enter", "leave", "rename"]
    assert set(engine.by_name) == {OLD, NEXT}
    assert work.execute(True) == ["enter", "leave", "rename"]
    assert list(engine.by_name) == [OLD]
    assert engine.by_name[OLD].mounts == {layout.RUN_ROOT: str(folder / "run.2")}
    # The new one began with the addresses that the old one knew. Later on they may be those of other containers.
    assert "172.18.0.4" in engine.began[NEXT]
    assert not (folder / "run.2" / "servers.state").exists()
    assert not (folder / "run.2" / "left-over").exists()
    assert (engine.removed, engine.timeouts, work.dropped_requests) == ([OLD], [behind_traefik_replace.STOP_TIMEOUT], 0)
    assert work.execute(False) == []


def test_what_does_not_end_is_counted_and_closed(engine: FrontTraefik, folder: Path) -> None:
    engine.masters[OLD].sessions = ["public", "GLOBAL"]
    work = replacing(engine, folder)
    work.execute(True)
    assert (work.dropped_requests, engine.timeouts) == (1, [None])


def test_one_that_does_not_start_changes_nothing(engine: FrontTraefik, folder: Path) -> None:
    engine.fails = True
    engine.written[NEXT] = ["no such directive"]
    with pytest.raises(SwitchyardError, match="the old one serves on: po-proxy-next does not keep running") as failure:
        replacing(engine, folder).execute(True)
    assert failure.value.details["logs"] == {NEXT: ["no such directive"]}
    assert list(engine.by_name) == [OLD]


def test_one_that_answers_a_moment_later_is_waited_for(
    engine: FrontTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, asked = BehindTraefikProxy.read, []

    def late(proxy: BehindTraefikProxy) -> ProxyState:
        asked.append(proxy.names)
        if len(asked) < 3:
            raise SwitchyardError("Connection refused")
        return read(proxy)

    monkeypatch.setattr(BehindTraefikProxy, "read", late)
    assert replacing(engine, folder).execute(True) == ["enter", "leave", "rename"]


def test_one_that_never_answers_does_not_serve(
    engine: FrontTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(proxy: BehindTraefikProxy) -> ProxyState:
        raise SwitchyardError("Connection refused")

    monkeypatch.setattr(BehindTraefikProxy, "read", silent)
    with pytest.raises(SwitchyardError, match="the old one serves on: Connection refused"):
        replacing(engine, folder).execute(True)
    assert list(engine.by_name) == [OLD]


def test_one_that_does_something_else_never_serves_alone(
    engine: FrontTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ProxyState({"po.shop.prod": "blue"})
    engine.masters[OLD].maps["12"] = maps.maps_of(state)
    with pytest.raises(SwitchyardError, match="The state of po-proxy-next differs from that of po-proxy"):
        replacing(engine, folder).execute(True)
    assert list(engine.by_name) == [OLD]


def test_a_traefik_that_does_not_look_at_the_health_loses_nothing(engine: FrontTraefik, folder: Path) -> None:
    engine.follows_health = False
    with pytest.raises(SwitchyardError, match="so it was not replaced and serves on"):
        replacing(engine, folder).execute(True)
    assert list(engine.by_name) == [OLD]
    assert not (folder / "run" / behind_traefik_replace.LEAVING).exists()


def test_a_health_that_does_not_follow_is_reported(
    engine: FrontTraefik, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic_file, "write_or_remove", lambda path, content: None)
    with pytest.raises(SwitchyardError, match="po-proxy is not unhealthy after 0 s, but healthy"):
        replacing(engine, folder).execute(True)


@pytest.mark.parametrize("leaving", [False, True])
def test_what_a_killed_run_left_is_ended(engine: FrontTraefik, folder: Path, leaving: bool) -> None:
    engine.start_container(NEXT)
    if leaving:
        (folder / "run" / behind_traefik_replace.LEAVING).touch()
    replacing(engine, folder).execute(False)
    assert list(engine.by_name) == [OLD]
    assert engine.removed == [OLD if leaving else NEXT]


def test_a_proxy_that_is_alone_and_leaving_stays(engine: FrontTraefik, folder: Path) -> None:
    (folder / "run" / behind_traefik_replace.LEAVING).touch()
    engine.remove([engine.by_name[NEXT]])
    assert replacing(engine, folder).execute(False) == ["stay"]
    assert not (folder / "run" / behind_traefik_replace.LEAVING).exists()


def test_another_run_that_was_quicker_is_reported(engine: FrontTraefik, folder: Path) -> None:
    engine.remove([engine.by_name[NEXT]])
    with pytest.raises(SwitchyardError, match=r"another run replaced po-proxy first\. Run setup\.yml again"):
        replacing(engine, folder).execute(True)


def test_a_server_without_a_proxy_has_nothing_to_end(tmp_path: Path) -> None:
    assert RollingReplacement(tmp_path / "proxy", OLD, FakeEngine(), 1, 1).execute(False) == []  # type: ignore[arg-type]
