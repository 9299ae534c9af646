from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import FakeEngine, FakeMaster, container

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file
from ansible_collections.switchyard.stacks.plugins.module_utils.engine.models import Container
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.behind_traefik import driver
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
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import ProxyPlan, ProxyState

OLD, NEXT = "po-proxy", "po-proxy-next"
RUNS, ENDED = container(), container(state="exited")


# --- which step comes next, wherever a run before was killed ---


@pytest.mark.parametrize(
    ("stand", "ended", "begun"),
    [
        (ReplacementState(None, None), [], []),
        (ReplacementState(RUNS, None), [], []),
        (ReplacementState(RUNS, None, True), ["stay"], ["stay"]),
        # Made, and never started.
        (ReplacementState(RUNS, ENDED), ["drop"], ["enter", "leave", "rename"]),
        # Told to leave, and then the one beside ended by itself.
        (ReplacementState(RUNS, ENDED, True), ["stay", "drop"], ["stay", "enter", "leave", "rename"]),
        # Both serve: the one beside may have another image than the inventory asks for by now.
        (ReplacementState(RUNS, RUNS), ["retreat"], ["retreat"]),
        (ReplacementState(RUNS, RUNS, True), ["leave", "rename"], ["leave", "rename"]),
        # Stopped, but not removed; removed, but not renamed.
        (ReplacementState(ENDED, RUNS, True), ["leave", "rename"], ["leave", "rename"]),
        (ReplacementState(None, RUNS), ["rename"], ["rename"]),
        (ReplacementState(None, ENDED), ["enter", "rename"], ["enter", "rename"]),
        (ReplacementState(ENDED, ENDED), ["drop"], ["drop"]),
    ],
)
def test_every_state_leads_to_one_proxy_alone(stand: ReplacementState, ended: list[str], begun: list[str]) -> None:
    assert (decide(stand, False), decide(stand, True)) == (ended, begun)


# --- the steps themselves ---


def stat(came: int) -> str:
    head = "# pxname,svname,scur,req_tot,\n"
    return f"{head}public,FRONTEND,9,{came},\npo.shop.prod_web_blue,BACKEND,1,,\n"


class Edge(FakeEngine):
    """Two containers with a HAProxy each, and a Traefik that follows their health."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        super().__init__()
        self.folders = {OLD: folder / "run", NEXT: folder / "run.2"}
        self.stack = stack
        self.masters: dict[str, FakeMaster] = {}
        self.follows_health = True
        self.fails = False
        self.timeouts: list[int | None] = []
        for name, run in self.folders.items():
            run.mkdir(parents=True)
            mounts = {driver.RUN: str(run)}
            self.start(container(name, state="created", health="starting", mounts=mounts, addresses={"n": "127.0.0.1"}))
        self.start_container(OLD)

    def start_container(self, name: str) -> None:
        super().start_container(name)
        if self.fails:
            self.standing[name] = replace(self.standing[name], state="exited")
            return
        master = FakeMaster(self.folders[name] / "master.sock")
        # One more request each time that somebody looks, as long as Traefik sends some.
        master.before_answer = lambda line: self.come(name, master)
        master.stat["12"] = stat(0)
        self.masters[name] = self.stack.enter_context(master.listening())

    def come(self, name: str, master: FakeMaster) -> None:
        one = self.container(name)
        if one and (one.health == "healthy" or not self.follows_health):
            master.stat["12"] = stat(int(master.stat["12"].splitlines()[1].split(",")[3]) + 1)

    def container(self, name: str) -> Container | None:
        one = super().container(name)
        if not one:
            return None
        leaving = (Path(one.mounts[driver.RUN]) / behind_traefik_replace.LEAVING).exists()
        return replace(one, health=one.health and ("unhealthy" if leaving else "healthy"))

    def remove(self, containers: t.Iterable[Container], timeout: int | None = None) -> list[str]:
        self.timeouts.append(timeout)
        return super().remove(containers, timeout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "proxy"


@pytest.fixture
def engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    for name, value in {"POLL": 0.001, "QUIET": 0.02, "HEALTH_LIMIT": 0.1, "FOLLOW_LIMIT": 0.2}.items():
        monkeypatch.setattr(behind_traefik_replace, name, value)
    with contextlib.ExitStack() as stack:
        yield Edge(folder, stack)


def replacing(engine: Edge, folder: Path) -> RollingReplacement:
    return RollingReplacement(folder, OLD, engine, settle=0.02, drain=0.1)  # type: ignore[arg-type]


def test_the_one_beside_takes_the_place(engine: Edge, folder: Path) -> None:
    (folder / "run.2" / "left-over").touch()
    work = replacing(engine, folder)
    assert work.carry_out(True, check_mode=True) == ["enter", "leave", "rename"]
    assert set(engine.standing) == {OLD, NEXT}
    assert work.carry_out(True) == ["enter", "leave", "rename"]
    assert list(engine.standing) == [OLD]
    assert engine.standing[OLD].mounts == {driver.RUN: str(folder / "run.2")}
    # The new one began with the addresses that the old one knew.
    assert "172.18.0.4" in (folder / "run.2" / "servers.state").read_text()
    assert not (folder / "run.2" / "left-over").exists()
    assert (engine.removed, engine.timeouts, work.cut_off) == ([OLD], [behind_traefik_replace.STOP], 0)
    assert work.carry_out(False) == []


def test_what_does_not_end_is_counted_and_closed(engine: Edge, folder: Path) -> None:
    engine.masters[OLD].sessions = ["public", "GLOBAL"]
    work = replacing(engine, folder)
    work.carry_out(True)
    assert (work.cut_off, engine.timeouts) == (1, [None])


def test_one_that_does_not_start_changes_nothing(engine: Edge, folder: Path) -> None:
    engine.fails = True
    engine.written[NEXT] = ["no such directive"]
    with pytest.raises(SwitchyardError, match="the old one serves on: po-proxy-next does not keep running") as failure:
        replacing(engine, folder).carry_out(True)
    assert failure.value.details["logs"] == {NEXT: ["no such directive"]}
    assert list(engine.standing) == [OLD]


def test_one_that_answers_a_moment_later_is_waited_for(
    engine: Edge, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, asked = BehindTraefikProxy.read, []

    def late(proxy: BehindTraefikProxy) -> ProxyState:
        asked.append(proxy.names)
        if len(asked) < 3:
            raise SwitchyardError("Connection refused")
        return read(proxy)

    monkeypatch.setattr(BehindTraefikProxy, "read", late)
    assert replacing(engine, folder).carry_out(True) == ["enter", "leave", "rename"]


def test_one_that_never_answers_does_not_serve(engine: Edge, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(proxy: BehindTraefikProxy) -> ProxyState:
        raise SwitchyardError("Connection refused")

    monkeypatch.setattr(BehindTraefikProxy, "read", silent)
    with pytest.raises(SwitchyardError, match="the old one serves on: Connection refused"):
        replacing(engine, folder).carry_out(True)
    assert list(engine.standing) == [OLD]


def test_one_that_does_something_else_never_serves_alone(
    engine: Edge, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ProxyState({"po.shop.prod": "blue"})
    engine.masters[OLD].maps["12"] = maps.maps_of(state)
    with pytest.raises(SwitchyardError, match="po-proxy-next does not do what po-proxy does"):
        replacing(engine, folder).carry_out(True)
    assert list(engine.standing) == [OLD]


def test_a_traefik_that_does_not_look_at_the_health_loses_nothing(engine: Edge, folder: Path) -> None:
    engine.follows_health = False
    with pytest.raises(SwitchyardError, match="so it was not replaced and serves on"):
        replacing(engine, folder).carry_out(True)
    assert list(engine.standing) == [OLD]
    assert not (folder / "run" / behind_traefik_replace.LEAVING).exists()


def test_a_health_that_does_not_follow_is_told(engine: Edge, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_file, "write_or_remove", lambda path, content: None)
    with pytest.raises(SwitchyardError, match="po-proxy is not unhealthy after 0 s, but healthy"):
        replacing(engine, folder).carry_out(True)


@pytest.mark.parametrize("leaving", [False, True])
def test_what_a_killed_run_left_is_ended(engine: Edge, folder: Path, leaving: bool) -> None:
    engine.start_container(NEXT)
    if leaving:
        (folder / "run" / behind_traefik_replace.LEAVING).touch()
    replacing(engine, folder).carry_out(False)
    assert list(engine.standing) == [OLD]
    assert engine.removed == [OLD if leaving else NEXT]


def test_a_proxy_that_is_alone_and_leaving_stays(engine: Edge, folder: Path) -> None:
    (folder / "run" / behind_traefik_replace.LEAVING).touch()
    engine.remove([engine.standing[NEXT]])
    assert replacing(engine, folder).carry_out(False) == ["stay"]
    assert not (folder / "run" / behind_traefik_replace.LEAVING).exists()


def test_another_run_that_was_quicker_is_told(engine: Edge, folder: Path) -> None:
    engine.remove([engine.standing[NEXT]])
    with pytest.raises(SwitchyardError, match=r"another setup\.yml replaced it meanwhile. Run yours again"):
        replacing(engine, folder).carry_out(True)


def test_a_server_without_a_proxy_has_nothing_to_end(tmp_path: Path) -> None:
    assert RollingReplacement(tmp_path / "proxy", OLD, FakeEngine(), 1, 1).carry_out(False) == []  # type: ignore[arg-type]


# --- the proxy, whichever container it is ---


def test_no_change_reaches_one_of_two(engine: Edge, folder: Path) -> None:
    settings = {"container": OLD, "address": "", "port": 8080}
    proxy = BehindTraefikProxy(folder, settings, engine)  # type: ignore[arg-type]
    assert proxy.address == "127.0.0.1"
    proxy.apply(lambda state: ProxyPlan(state, state))
    engine.start_container(NEXT)
    with pytest.raises(SwitchyardError, match=r"po-proxy and po-proxy-next.*Nothing was changed. Run setup\.yml"):
        proxy.apply(lambda state: ProxyPlan(state, state))
    engine.remove([engine.standing[OLD]])
    assert proxy.run == folder / "run.2"
    assert proxy.read() == ProxyState()


def test_without_a_container_there_is_no_proxy(folder: Path) -> None:
    proxy = BehindTraefikProxy(folder, {"container": OLD, "address": "", "port": 1}, FakeEngine())  # type: ignore
    assert proxy.address == ""
    with pytest.raises(SwitchyardError, match="there is no container po-proxy"):
        proxy.read()
