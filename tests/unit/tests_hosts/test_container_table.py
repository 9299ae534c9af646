"""The comparison finds each right and limit that a container should not have, or lacks."""

from __future__ import annotations

import typing as t
from pathlib import Path

import container_table
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TABLE = yaml.safe_load((ROOT / "molecule/end_to_end/vars/containers.yml").read_text())


def container(**changes: t.Any) -> dict[str, t.Any]:
    """Return a proxy as Docker shows it; ``changes`` are of its HostConfig."""
    host = {
        "CapAdd": None,
        "CapDrop": ["ALL"],
        "DeviceCgroupRules": None,
        "Devices": [],
        "IpcMode": "private",
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
        "Memory": 2**20,
        "NetworkMode": "po-shop-prod.front",
        "PidMode": "",
        "PidsLimit": 1024,
        "PortBindings": {"8080/tcp": []},
        "Privileged": False,
        "ReadonlyRootfs": True,
        "RestartPolicy": {"Name": "unless-stopped"},
        "SecurityOpt": ["no-new-privileges:true"],
        "UTSMode": "",
        "UsernsMode": "",
    }
    config = {"User": "99:99", "Healthcheck": {"Test": ["CMD", "true"]}, "Labels": {container_table.ROLE: "proxy"}}
    mounts = [
        {"Type": "bind", "Source": "/var/lib/switchyard/proxy/run"},
        {"Type": "volume", "Source": "/var/lib/docker"},
    ]
    return {"Name": "/po-proxy", "Config": config, "HostConfig": {**host, **changes}, "Mounts": mounts}


def differences(one: dict[str, t.Any]) -> list[str]:
    return container_table.differences([one], {"proxy": TABLE["proxy"]})


def test_a_container_as_the_table_says() -> None:
    assert differences(container()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Privileged": True}, "is privileged"),
        ({"CapDrop": ["NET_RAW"]}, "does not drop ALL capabilities"),
        ({"CapAdd": ["CAP_SYS_ADMIN"]}, ": capabilities is SYS_ADMIN, not "),
        ({"SecurityOpt": None}, "can gain privileges"),
        ({"SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]}, "is unconfined"),
        ({"PidsLimit": None}, "has no limit of processes"),
        ({"PidsLimit": -1}, "has no limit of processes"),
        ({"Devices": [{"PathOnHost": "/dev/sda"}]}, "has devices"),
        ({"LogConfig": {"Type": "json-file", "Config": {}}}, "has a log without a limit"),
        ({"PidMode": "host"}, "has PidMode host"),
        ({"ReadonlyRootfs": False}, ": read_only is False, not True"),
        ({"Memory": 0}, ": memory is False, not True"),
        ({"PortBindings": {}}, ": publishes is False, not True"),
        ({"RestartPolicy": {"Name": "always"}}, ": restart is always, not unless-stopped"),
    ],
)
def test_a_right_too_much_or_a_limit_too_few(changes: dict[str, t.Any], message: str) -> None:
    (found,) = differences(container(**changes))
    assert found.replace("po-proxy (proxy)", "").strip().startswith(message.strip())


@pytest.mark.parametrize("source", ["/", "/etc", "/run/docker.sock", "/var/run/docker.sock", "/proc/1"])
def test_a_mount_of_the_server(source: str) -> None:
    one = container()
    one["Mounts"].append({"Type": "bind", "Source": source})
    assert differences(one) == [f"po-proxy (proxy) mounts {source}"]


def test_root_and_a_missing_health_check_are_found() -> None:
    one = container()
    one["Config"].update(User="", Healthcheck=None)
    assert [line.split(": ")[1] for line in differences(one)] == [
        "health is False, not True",
        "root is True, not False",
    ]


def labelled(name: str, **labels: str) -> dict[str, t.Any]:
    values = {f"io.switchyard.{key}": value for key, value in labels.items()}
    return {"Name": f"/{name}", "Config": {"Labels": values}}


def test_containers_of_other_scenarios_are_left_out() -> None:
    containers = [
        labelled("po-proxy", project="po", role="proxy"),
        labelled("po-shop-web-prod-blue", project="po", environment="prod"),
        labelled("po-shop-web-qual-blue", project="po", environment="qual"),
        labelled("other-proxy", project="other", role="proxy"),
        labelled("po-without-labels"),
        labelled("client"),
    ]
    found = container_table.of_environment(containers, "po", "prod")
    assert [container["Name"] for container in found] == ["/po-proxy", "/po-shop-web-prod-blue", "/po-without-labels"]


def test_every_role_is_in_the_table_and_was_seen() -> None:
    one = container()
    one["Config"]["Labels"] = {}
    assert differences(one) == ["po-proxy: the table has no role ''", "no container had the role proxy"]
