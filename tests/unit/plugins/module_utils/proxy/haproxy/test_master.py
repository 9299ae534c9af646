from __future__ import annotations

import contextlib

import pytest
from fakes import HOST
from fakes_haproxy import SHOP, STATE, FakeMaster, load_state, loaded_state, switch

from ansible_collections.switchyard.stacks.plugins.module_utils.errors import SwitchyardError
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import driver
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.haproxy import master as master_module
from ansible_collections.switchyard.stacks.plugins.module_utils.proxy.state import (
    ProxyState,
)


def test_processes_are_the_current_worker_and_then_the_old_ones() -> None:
    answer = (
        "#<PID>          <type>          <reloads>       <uptime>        <version>      \n"
        "1               master          2 [failed: 0]   0d00h05m02s     3.0.11-1+deb13u5\n"
        "# workers\n"
        "22              worker          0               0d00h00m02s     3.0.11-1+deb13u5\n"
        "# old workers\n"
        "12              worker          1               0d00h04m02s     3.0.11-1+deb13u5\n"
        "# programs\n"
    )
    assert master_module.parse_processes(answer) == ["22", "12"]


def test_a_master_without_a_worker_is_reported(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = []
    with pytest.raises(SwitchyardError, match="runs no worker"):
        proxy.read()


STAT = """# pxname,svname,scur,stot,econ,status,
public,FRONTEND,9,90,,OPEN,
po-a-prod_web_blue,web1,1,10,2,UP,
po-a-prod_web_blue,BACKEND,1,10,2,UP,
po-a-prod_my_api_blue,BACKEND,2,4,0,UP,
po-a-prod_web_green,BACKEND,50,4,0,UP,
po-a-prod-x_web_blue,BACKEND,100,4,0,UP,
po-a-prod-x_my_blue_green,BACKEND,200,4,0,UP,
x-po-a-prod_web_blue,BACKEND,400,4,0,UP,
"""


def test_in_flight_counts_the_color_in_all_workers_and_no_other(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    master.stat = {"22": STAT, "12": "# pxname,svname,scur,stot,econ,status,\npo-a-prod_web_blue,BACKEND,4,4,0,UP,\n"}
    assert proxy.in_flight("po-a-prod", "blue") == 1 + 2 + 4
    assert proxy.in_flight("po-a-prod", "green") == 50
    assert proxy.in_flight("po-a-prod-x", "blue") == 100
    assert proxy.in_flight("po-a-prod-x", "green") == 200
    assert proxy.in_flight("po-b-prod", "green") == 0


def test_in_flight_does_without_a_worker_that_just_ended(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    master.stat = {"22": STAT}

    def end(line: str) -> None:
        if line == "@!22 show stat":
            master.workers = ["22"]

    master.before_answer = end
    assert proxy.in_flight("po-a-prod", "green") == 50


def test_stats_say_what_the_proxy_sees_of_a_color(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.stat = {"12": STAT}
    assert proxy.stats("po-a-prod", "blue")["po-a-prod_web_blue/web1"] == {
        "status": "UP",
        "in_flight": 1,
        "requests": 10,
        "connection_errors": 2,
    }


def test_workers_that_are_finishing_pass_their_requests_on(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12", "11"]
    master.passing_on = ["11"]
    load_state(master, STATE)
    proxy.apply(switch("green"))
    assert loaded_state(master, "22").live == {"po.shop.prod": "green", "po-blog-prod": "green"}
    assert loaded_state(master, "12") == loaded_state(master, "11") == STATE
    assert master.passing_on == ["11", "12"]


def test_a_worker_learns_with_the_reload_that_another_took_its_place(proxy: driver.HAProxy, master: FakeMaster) -> None:
    def fork(line: str) -> None:
        if line == "reload":
            master.workers = ["22", "12"]
            load_state(master, STATE)

    master.before_answer = fork
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert master.passing_on == ["12"]


def test_a_worker_of_an_older_configuration_hears_of_a_switch_itself(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers, master.older = ["22", "12"], ["12"]
    load_state(master, STATE)
    proxy.apply(switch("green"))
    assert (
        loaded_state(master, "22").live
        == loaded_state(master, "12").live
        == {"po.shop.prod": "green", "po-blog-prod": "green"}
    )


def test_a_finishing_worker_that_ends_in_between_is_not_a_failure(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    load_state(master, STATE)

    def end(line: str) -> None:
        if line.startswith("@!12 add map"):
            master.workers = ["22"]

    master.before_answer = end
    proxy.apply(switch("green"))
    assert loaded_state(master, "22").live["po.shop.prod"] == "green"


def test_the_master_may_list_a_worker_that_has_ended_already(proxy: driver.HAProxy, master: FakeMaster) -> None:
    master.workers = ["22", "12"]
    load_state(master, STATE)
    asked: list[str] = []

    def hear(line: str) -> None:
        if line.startswith("@!12 show map"):
            master.refuse = {"show map": "Can't connect to the target CLI!"}
        elif line == "show proc" and master.refuse:
            asked.append(line)
            if len(asked) == 2:
                master.workers, master.refuse = ["22"], {}

    master.before_answer = hear
    proxy.apply(switch("green"))
    assert loaded_state(master, "22").live["po.shop.prod"] == "green"


def test_a_finishing_worker_that_refuses_a_switch_is_a_failure(
    proxy: driver.HAProxy, master: FakeMaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master_module, "ENDING_LIMIT", 0.1)
    master.workers = ["22", "12"]
    load_state(master, STATE)
    refused = {"add map": "Permission denied"}

    def refuse(line: str) -> None:
        master.refuse = refused if line.startswith("@!12") else {}

    master.before_answer = refuse
    with pytest.raises(SwitchyardError, match="Permission denied"):
        proxy.apply(switch("green"))


def test_an_empty_map_empties_the_running_one(proxy: driver.HAProxy, master: FakeMaster) -> None:
    load_state(master, ProxyState({"po.shop.prod": "blue"}, {}))
    proxy.apply(switch(None))
    assert loaded_state(master) == ProxyState({}, {})


def test_a_worker_that_starts_finds_the_maps_and_the_servers_addresses(
    proxy: driver.HAProxy, master: FakeMaster
) -> None:
    seen: dict[str, str] = {}

    def look(line: str) -> None:
        if line == "reload":
            seen["routes"] = (proxy.folder / "maps" / "routes.map").read_text()
            seen["servers"] = (proxy.folder / "run" / "servers.state").read_text()

    master.before_answer = look
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert f"po.shop.prod:green:{HOST}/ web\n" in seen["routes"]
    assert seen["servers"].startswith("1\n# be_id")
    assert seen["servers"].endswith("172.18.0.4\n")


def test_the_addresses_of_a_backend_that_changes_are_not_kept(proxy: driver.HAProxy, master: FakeMaster) -> None:
    seen: list[str] = []

    def look(line: str) -> None:
        if line == "reload":
            seen.append((proxy.folder / "run" / "servers.state").read_text())

    master.before_answer = look
    proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "blue"))
    assert "po.shop.prod_web_blue" not in seen[0]
    assert seen[0].startswith("1\n# be_id")


@pytest.mark.parametrize("answer", ["Success=1\n", "Success=0\n"])
def test_a_proxy_that_starts_later_finds_no_address(proxy: driver.HAProxy, master: FakeMaster, answer: str) -> None:
    master.reload_answer = answer
    with contextlib.suppress(SwitchyardError):
        proxy.apply(lambda state: proxy.plan_routes(state, SHOP, "green"))
    assert "reload" in master.log
    assert not (proxy.folder / "run" / "servers.state").exists()
