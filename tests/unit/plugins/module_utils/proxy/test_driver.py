"""The skeleton that every driver shares, with a small driver that the registry gets for the test."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import FakeEngine

from ansible_collections.switchyard.stacks.plugins.module_utils import atomic_file, names
from ansible_collections.switchyard.stacks.plugins.module_utils.errors import ProxyRefused, SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import registry
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.driver import Files, Proxy
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.layout import stack_file
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyPlan,
    ProxyState,
    Route,
    StackRoutes,
)

KEY = "po.shop.prod"
SHOP = StackRoutes("po", "prod", "shop", (Route("web", 8000, "shop.org", "/"),))
FILE = stack_file(KEY, "txt", "green")


class SmallProxy(Proxy):
    """A proxy that keeps its state in this process: what a driver has to implement, and nothing else."""

    own_file = "00-proxy.txt"
    suffixes = (".txt",)
    secret_files = frozenset({"05-secret.txt"})

    def __init__(self, *args: t.Any) -> None:
        super().__init__(*args)
        self.state = ProxyState({KEY: "blue"})
        self.loaded: dict[str, str] = {}
        self.steps: list[str] = []
        # Called by name at each step, to fail there.
        self.fail: Callable[[str], None] = lambda step: None

    def _step(self, name: str) -> None:
        self.steps.append(name)
        self.fail(name)

    def read(self) -> ProxyState:
        return self.state

    def plan_routes(self, state: ProxyState, routing: StackRoutes, color: str) -> ProxyPlan:
        name = stack_file(routing.key, "txt", color)
        current = atomic_file.read(self.config_folder / name)
        files = {name: json.dumps(routing.services())}
        return ProxyPlan(state, state.with_routes(routing, color), files, {name: current} if current else {})

    def files_of(self, key: str) -> list[str]:
        return [stack_file(key, "txt", color) for color in names.COLORS]

    def check_staged(self, files: Files) -> str | None:
        self._step("check")
        staged = {path.name: path.read_text() for path in (self.folder / "staged").iterdir()}
        wrong = [f"/etc/switchyard/staged/{name}: wrong" for name, text in staged.items() if text == "wrong"]
        return "; ".join(wrong) or None

    def prepare_load(self, plan: ProxyPlan) -> None:
        self._step("prepare")

    def load(self, plan: ProxyPlan, files: Files) -> None:
        self._step("load")
        self.loaded = self.config_contents()

    def cancel_load(self, plan: ProxyPlan) -> None:
        self._step("cancel")

    def finish_load(self, plan: ProxyPlan) -> None:
        self._step("finish")

    def activate(self, state: ProxyState) -> None:
        self._step("activate")
        self.state = state

    def in_flight(self, key: str, color: str) -> int:
        return 0

    def stats(self, key: str, color: str) -> dict[str, t.Any]:
        return {}


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallProxy:
    """Give the small proxy, registered and opened as any other."""
    monkeypatch.setitem(registry.PROVIDERS, "small", registry.Provider(lambda: SmallProxy))
    for name in ("conf.d", "staged"):
        (tmp_path / "proxy" / name).mkdir(parents=True)
    settings = {"provider": "small", "behind_traefik": False, "container": "po-proxy", "address": "::1", "port": 80}
    (tmp_path / "proxy" / "proxy.json").write_text(json.dumps(settings))
    opened = registry.open_proxy(tmp_path, FakeEngine())  # type: ignore[arg-type]
    assert isinstance(opened, SmallProxy)
    return opened


def add_routes(proxy: SmallProxy, routing: StackRoutes = SHOP) -> ProxyPlan:
    return proxy.apply(lambda state: proxy.plan_routes(state, routing, "green"))


def failing(step: str) -> Callable[[str], None]:
    """Return a function that fails at the first call of a step."""
    left = [step]

    def fail(name: str) -> None:
        if name in left:
            left.remove(name)
            raise SwitchyardError(f"{name} fails", logs={"po-proxy": ["its last line"]})

    return fail


# --- changes that succeed ---


def test_new_routes_are_validated_written_loaded_and_activated(proxy: SmallProxy) -> None:
    assert add_routes(proxy).changed
    assert proxy.steps == ["check", "prepare", "load", "finish", "activate"]
    assert proxy.loaded == {FILE: '{"web": 8000}'}
    assert proxy.state.routes_of(KEY, "green") == {"shop.org/": "web"}
    proxy.steps.clear()
    assert not add_routes(proxy).changed
    assert proxy.steps == []


def test_switch_weight_and_availability_load_nothing(proxy: SmallProxy) -> None:
    proxy.apply(lambda state: proxy.plan_weight(state, KEY, 25))
    assert proxy.state.weights == {KEY: 25}
    proxy.apply(lambda state: proxy.plan_availability(state, [KEY], "held"))
    assert proxy.state.availability == {KEY: "held"}
    proxy.apply(lambda state: proxy.plan_switch(state, KEY, "green"))
    assert proxy.state == ProxyState({KEY: "green"})
    assert proxy.steps == ["activate"] * 3


def test_a_forgotten_stack_has_no_file(proxy: SmallProxy) -> None:
    add_routes(proxy)
    proxy.apply(lambda state: proxy.plan_forget(state, KEY))
    assert (proxy.state, proxy.loaded, proxy.config_contents()) == (ProxyState(), {}, {})


def test_a_secret_file_is_readable_by_the_proxy_alone(proxy: SmallProxy) -> None:
    files = {"05-secret.txt": "s", "06-plain.txt": "p"}
    proxy.apply(lambda state: ProxyPlan(state, state, files))
    modes = {name: (proxy.config_folder / name).stat().st_mode & 0o777 for name in files}
    assert modes == {"05-secret.txt": 0o600, "06-plain.txt": 0o644}


# --- changes that the proxy refuses ---


def test_a_file_that_is_not_valid_is_never_written(proxy: SmallProxy) -> None:
    with pytest.raises(ProxyRefused, match=r"refuses .*, the old one stays: .*conf\.d/x\.txt: wrong"):
        proxy.apply(lambda state: ProxyPlan(state, state, {"x.txt": "wrong"}))
    assert proxy.steps == ["check"]
    assert list(proxy.config_folder.iterdir()) == []


@pytest.mark.parametrize("step", ["prepare", "load"])
def test_a_load_that_fails_restores_the_files(proxy: SmallProxy, step: str) -> None:
    add_routes(proxy)
    before, state = proxy.config_contents(), proxy.state
    proxy.steps.clear()
    proxy.fail = failing(step)
    moved = StackRoutes("po", "prod", "shop", (Route("api", 9000, "shop.org", "/api"),))
    with pytest.raises(
        SwitchyardError, match=f"refused the reload, the old configuration is back: {step} fails"
    ) as error:
        add_routes(proxy, moved)
    assert error.value.details == {"logs": {"po-proxy": ["its last line"]}}
    assert (proxy.config_contents(), proxy.state) == (before, state)
    assert proxy.steps[-1] == "cancel"
    assert "activate" not in proxy.steps


def test_a_first_file_that_is_not_loaded_is_removed(proxy: SmallProxy) -> None:
    proxy.fail = failing("load")
    with pytest.raises(SwitchyardError, match="load fails"):
        add_routes(proxy)
    assert proxy.config_contents() == {}


def test_a_switch_that_fails_is_undone(proxy: SmallProxy) -> None:
    proxy.fail = failing("activate")
    with pytest.raises(SwitchyardError, match="activate fails"):
        proxy.apply(lambda state: proxy.plan_switch(state, KEY, "green"))
    assert proxy.steps == ["activate", "activate"]
    assert proxy.state == ProxyState({KEY: "blue"})


def test_a_change_waits_for_the_lock_and_a_second_process_is_refused(proxy: SmallProxy) -> None:
    def refuse() -> None:
        raise SwitchyardError("Two proxies run")

    proxy.check_single_process = refuse  # type: ignore[method-assign]
    with pytest.raises(SwitchyardError, match="Two proxies run"):
        proxy.apply(lambda state: proxy.plan_switch(state, KEY, "green"))
    assert proxy.steps == []

    def change(state: ProxyState) -> ProxyPlan:
        with pytest.raises(BlockingIOError), atomic_file.locked(proxy.folder / "lock", wait=False):
            pass
        return ProxyPlan(state, state)

    del proxy.check_single_process
    assert not proxy.apply(change).changed


# --- files of others ---


def test_a_foreign_file_is_named_and_validated(proxy: SmallProxy) -> None:
    add_routes(proxy)
    for name in ("00-proxy.txt", ".half.txt.1.tmp", "99-foreign.txt"):
        (proxy.config_folder / name).write_text("fine")
    assert proxy.foreign_files(proxy.read()) == ["99-foreign.txt"]
    assert proxy.validate_config() is None
    (proxy.config_folder / "99-foreign.txt").write_text("wrong")
    assert proxy.validate_config() == f"{proxy.config_folder}/99-foreign.txt: wrong"


def test_files_with_another_ending_are_not_loaded(proxy: SmallProxy) -> None:
    (proxy.config_folder / "readme.md").write_text("wrong")
    (proxy.folder / "staged" / "50-old.txt").write_text("wrong")
    assert proxy.validate_config() is None
