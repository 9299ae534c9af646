from __future__ import annotations

import json

import pytest
from fakes import Machine, container
from fakes_haproxy import FakeMaster

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy import base_config, capabilities
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import driver
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import config, preview_keys
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.nginx import driver as nginx_driver
from ansible_collections.switchyard.stacks.plugins.module_utils.release.context import HostContext


@pytest.fixture
def server(machine: Machine, master: FakeMaster) -> HostContext:
    """Give a server whose role has made the proxy's folders, with an HAProxy that takes every configuration."""
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80}
    (machine.root / "proxy" / "proxy.json").write_text(json.dumps(settings))
    vars(machine.host)["proxy"] = driver.HAProxy(machine.root / "proxy", settings, machine.host.engine)
    return machine.host


def own(server: HostContext) -> str:
    return (server.root / "proxy" / "conf.d" / "00-proxy.cfg").read_text()


def test_a_proxy_that_does_not_run_finds_the_file_at_its_start(server: HostContext, master: FakeMaster) -> None:
    result = base_config.apply_base_config(server, "global\n", check_mode=False)
    assert (result.changed, result.running) == (True, False)
    assert own(server) == "global\n"
    assert master.log == []


def test_a_proxy_that_runs_takes_it_over_by_a_reload(server: HostContext, machine: Machine, master: FakeMaster) -> None:
    base_config.apply_base_config(server, "old\n", check_mode=False)
    machine.engine.start(container("po-proxy"))
    result = base_config.apply_base_config(server, "new\n", check_mode=False)
    assert (result.changed, result.running, own(server)) == (True, True, "new\n")
    assert (result.diff["before"], result.diff["after"]) == ("old\n", "new\n")
    assert master.log.count("reload") == 1


def test_the_same_again_changes_nothing(server: HostContext, machine: Machine, master: FakeMaster) -> None:
    base_config.apply_base_config(server, "same\n", check_mode=False)
    machine.engine.start(container("po-proxy"))
    assert not base_config.apply_base_config(server, "same\n", check_mode=False).changed
    assert master.log == []


def test_a_look_says_what_would_change_and_writes_nothing(server: HostContext) -> None:
    assert base_config.apply_base_config(server, "global\n", check_mode=True).changed
    assert list((server.root / "proxy" / "conf.d").iterdir()) == []


def test_a_look_before_the_first_setup_shows_everything(machine: Machine) -> None:
    result = base_config.apply_base_config(
        HostContext(machine.root / "none", "po", "prod"), "global\n", check_mode=True
    )
    assert (result.changed, result.running, result.diff["after"]) == (True, False, "global\n")
    assert not (machine.root / "none").exists()


def test_what_the_real_proxies_refuses_is_not_put_in_place(
    server: HostContext, machine: Machine, master: FakeMaster
) -> None:
    base_config.apply_base_config(server, "old\n", check_mode=False)
    machine.engine.start(container("po-proxy"))
    master.reload_answer = "Success=0\n--\n[ALERT] no\n"
    with pytest.raises(SwitchyardError, match="refused the reload"):
        base_config.apply_base_config(server, "new\n", check_mode=False)
    assert own(server) == "old\n"


def test_a_container_that_restarts_does_not_run(server: HostContext, machine: Machine) -> None:
    machine.engine.start(container("po-proxy", state="restarting"))
    assert not base_config.is_running(server)


def test_the_first_start_finds_everything_that_is_included_and_keeps_what_releases_wrote(machine: Machine) -> None:
    folder = machine.root / "proxy" / "conf.d"
    folder.mkdir()
    settings = {"container": "po-proxy", "address": "127.0.0.1", "port": 80}
    vars(machine.host)["proxy"] = nginx_driver.Nginx(machine.root / "proxy", settings, machine.host.engine)
    (folder / config.ROUTES).write_text("of releases\n")
    base_config.apply_base_config(machine.host, "daemon off;\n", check_mode=False)
    names = {
        "00-proxy.conf",
        preview_keys.KEYS,
        preview_keys.KEY,
        config.ROUTES,
        config.LOOKUP,
        config.OPTIONS,
    }
    assert {path.name for path in folder.iterdir()} == names
    assert (folder / config.ROUTES).read_text() == "of releases\n"


def test_users_are_taken_over_and_no_diff_has_them(server: HostContext, machine: Machine, master: FakeMaster) -> None:
    base_config.apply_base_config(server, "same\n", check_mode=False)
    machine.engine.start(container("po-proxy"))
    folder = machine.root / "proxy" / "users"
    folder.mkdir()
    (folder / "prod.staff.htpasswd").write_text("anna:$6$a$b\n")
    server.proxy.capabilities = capabilities.ProxyCapabilities(users=("prod.staff",))
    result = base_config.apply_base_config(server, "same\n", check_mode=False)
    assert (result.changed, master.log.count("reload")) == (True, 1)
    assert "$6$" not in str(result)
    assert not base_config.apply_base_config(server, "same\n", check_mode=False).changed
