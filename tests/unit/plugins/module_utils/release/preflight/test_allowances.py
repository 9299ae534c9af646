"""What a Compose file smuggles out of its containers: each way is refused, and is accepted with its allowance."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from fakes import checked, normalised

from ansible_collections.switchyard.stacks.plugins.module_utils import state_file
from ansible_collections.switchyard.stacks.plugins.module_utils.engine import compose_cli, compose_render
from ansible_collections.switchyard.stacks.plugins.module_utils.release import source_files, status
from ansible_collections.switchyard.stacks.plugins.module_utils.release.preflight import allowances
from ansible_collections.switchyard.stacks.plugins.module_utils.release.record import Record

WHERE = "stacks[shop]"


class Smuggled(t.NamedTuple):
    """A line of the service ``tool``, the key that is refused, and the allowance for it; ``more`` follows the services.

    ``rendered`` is the key of the service that the release starts.
    """

    line: str
    path: str
    allowance: str
    more: str = ""
    rendered: str = ""


CASES = [
    Smuggled("volumes: ['/:/host']", "volumes", "/"),
    Smuggled("volumes: ['/srv/./media/:/media']", "volumes", "/srv/media"),
    Smuggled("volumes: ['/etc/ssl:/ssl:ro']", "volumes", "read_only /etc/ssl"),
    Smuggled("volumes: ['/etc/ssl:/ssl:ro']", "volumes", "/etc/ssl"),
    Smuggled("volumes: ['/var/run/docker.sock:/s']", "volumes", "docker_socket"),
    Smuggled("volumes: ['/run/docker.sock:/s:ro']", "volumes", "docker_socket"),
    Smuggled("volumes: ['/run/containerd/containerd.sock:/s']", "volumes", "/run/containerd/containerd.sock"),
    Smuggled("use_api_socket: true", "use_api_socket", "docker_socket"),
    Smuggled(
        "volumes: ['data:/d']", "volumes", "/etc", "volumes: {data: {driver_opts: {type: none, o: bind, device: /etc}}}"
    ),
    Smuggled(
        "volumes: ['data:/d']",
        "volumes",
        "volume_driver data",
        "volumes: {data: {driver_opts: {type: nfs, o: addr=192.0.2.1, device: ':/x'}}}",
    ),
    Smuggled("volumes: ['data:/d']", "volumes", "volume_driver data", "volumes: {data: {driver: sshfs}}"),
    Smuggled(
        "volumes: ['data:/d']",
        "volumes",
        "volume po-data-prod",
        "volumes: {data: {external: true, name: po-data-prod}}",
    ),
    Smuggled("pid: host", "pid", "pid host"),
    Smuggled("pid: 'container:other'", "pid", "pid container:other"),
    Smuggled("ipc: host", "ipc", "ipc host"),
    Smuggled("uts: host", "uts", "uts host"),
    Smuggled("userns_mode: host", "userns_mode", "userns_mode host"),
    Smuggled("cgroup: host", "cgroup", "cgroup host"),
    Smuggled("cgroup_parent: system.slice", "cgroup_parent", "cgroup_parent system.slice"),
    Smuggled("network_mode: host", "network_mode", "network_mode host"),
    Smuggled("network_mode: 'container:other'", "network_mode", "network_mode container:other"),
    Smuggled("network_mode: bridge", "network_mode", "network_mode bridge"),
    Smuggled("networks: [t]", "networks.t", "network traefik", "networks: {t: {external: true, name: traefik}}"),
    Smuggled("", "networks.default", "network lan", "networks: {default: {external: true, name: lan}}"),
    Smuggled("cap_add: [ALL]", "cap_add", "capability ALL"),
    Smuggled("cap_add: [CAP_sys_admin, CHOWN]", "cap_add", "capability SYS_ADMIN"),
    Smuggled("privileged: true", "privileged", "privileged"),
    Smuggled("post_start: [{command: [x], privileged: true}]", "post_start", "privileged"),
    Smuggled("devices: ['/dev/ttyUSB0:/dev/a:rwm']", "devices", "device /dev/ttyUSB0"),
    Smuggled("device_cgroup_rules: ['a *:* rwm']", "device_cgroup_rules", "device_cgroup_rule a *:* rwm"),
    Smuggled("gpus: all", "gpus", "gpu"),
    Smuggled("deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}", "deploy.resources", "gpu"),
    Smuggled("security_opt: ['seccomp:unconfined']", "security_opt", "security_opt seccomp=unconfined"),
    Smuggled("security_opt: ['apparmor=unconfined']", "security_opt", "security_opt apparmor=unconfined"),
    Smuggled("security_opt: ['label:disable']", "security_opt", "security_opt label=disable"),
    Smuggled("runtime: sysbox-runc", "runtime", "runtime sysbox-runc"),
    Smuggled("volumes_from: ['container:other:ro']", "volumes_from", "volumes_from other"),
    Smuggled("external_links: ['other:alias']", "external_links", "external_link other"),
    Smuggled("configs: [c]", "configs.c", "read_only /etc/shadow", "configs: {c: {file: /etc/shadow}}"),
]


def check(content: dict[str, t.Any], **stack: t.Any) -> list[tuple[str, str]]:
    """The code and the key of each problem."""
    found = allowances.problems(content, checked(workers=["tool"], **stack), WHERE)
    return [(problem.code, problem.where) for problem in found]


@pytest.fixture
def smuggled(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, t.Any]:
    """What Compose itself makes of a case."""
    text = f"services:\n  web: {{image: 'web:1'}}\n  tool:\n    image: 'tool:1'\n    {request.param.line}\n"
    (tmp_path / "docker-compose.yml").write_text(text + request.param.more)
    content = compose_cli.normalise(tmp_path, ["docker-compose.yml"], {})
    # Only the service of the case is of interest, also where a network of the file is.
    content["services"]["web"]["networks"] = {"plain": None}
    return content


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize(("smuggled", "case"), [(case, case) for case in CASES], indirect=["smuggled"])
def test_each_way_out_of_a_container_needs_its_allowance(smuggled: dict[str, t.Any], case: Smuggled) -> None:
    assert check(smuggled) == [("compose.not_allowed", f"{WHERE}.compose.services.tool.{case.path}")]
    for service in ("tool", "*"):
        allow = {service: [case.allowance]}
        assert check(smuggled, allow=allow) == []
        (notice,) = allowances.notices(smuggled, checked(workers=["tool"], allow=allow), WHERE)
        assert notice.where == f"{WHERE}.allow.{service}"
        assert notice.message.startswith(f"{case.allowance} allows ")
        assert notice.message.endswith(f": services.tool.{case.path}")
    allow = {"web": [case.allowance]}
    assert [code for code, where in check(smuggled, allow=allow)] == ["compose.not_allowed", "stack.allow_unused"]


@pytest.mark.usefixtures("real_compose")
@pytest.mark.parametrize(("smuggled", "case"), [(case, case) for case in CASES], indirect=["smuggled"])
def test_what_is_allowed_arrives_in_the_container(smuggled: dict[str, t.Any], case: Smuggled) -> None:
    key = case.path.partition(".")[0]
    given, stack = smuggled["services"]["tool"], checked(workers=["tool"])
    (service,) = (
        compose_render.render(smuggled, stack, compose_render.Release("po", "prod")).workers["services"].values()
    )
    if key == "networks":
        joined = {smuggled["networks"][name]["name"] for name in given["networks"]}
        assert joined <= service["networks"].keys()
    elif key in ("cap_add", "security_opt"):
        assert {case.allowance.split()[1].replace("=", sign) for sign in ":="} & set(service[key])
    elif key == "external_links":
        assert set(given[key]) < set(service[key])
    else:
        assert service[key] == given[key]
    assert ("networks" in service) == (key != "network_mode")


@pytest.mark.parametrize(
    "service",
    [
        {"volumes": [{"type": "volume", "source": "data", "target": "/d"}, {"type": "tmpfs", "target": "/t"}]},
        {"volumes": [{"type": "bind", "source": f"{source_files.PLACEHOLDER}/conf", "target": "/c"}]},
        {"ipc": "shareable", "cgroup": "private", "network_mode": "none", "runtime": "runc"},
        {"cap_add": ["CHOWN", "CAP_KILL"], "cap_drop": ["ALL"], "privileged": False},
        {"security_opt": ["no-new-privileges:true", "no-new-privileges:false", "apparmor=docker-default"]},
        {"configs": [{"source": "own"}], "post_start": [{"command": ["x"], "user": "root"}]},
        {"volumes": [{"type": "volume", "source": "ram", "target": "/r"}]},
    ],
)
def test_what_stays_in_the_container_needs_no_allowance(service: dict[str, t.Any]) -> None:
    content = normalised(web={}, tool=service)
    content["configs"] = {"own": {"file": f"{source_files.PLACEHOLDER}/own"}}
    content["volumes"] = {"data": {}, "ram": {"driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}}}
    assert check(content) == []


def test_an_allowance_of_many_services_names_the_first_ones() -> None:
    tools = {f"t{number}": {"pid": "host"} for number in range(8)}
    (notice,) = allowances.notices(normalised(**tools), checked(allow={"*": ["pid host"]}), WHERE)
    assert notice.message.endswith(
        ": services.t0.pid, services.t1.pid, services.t2.pid, services.t3.pid, "
        "services.t4.pid, services.t5.pid and 2 more"
    )


@pytest.mark.parametrize("path", ["/srv/../etc", f"{source_files.PLACEHOLDER}/../../etc", "/srv/.."])
def test_a_path_that_the_engine_would_resolve_again_is_never_allowed(path: str) -> None:
    content = normalised(web={}, tool={"volumes": [{"type": "bind", "source": path}]})
    assert check(content, allow={"tool": ["/etc", "/", "/srv"]})[0][0] == "compose.not_allowed"


def test_what_the_role_of_a_service_forbids_is_not_offered() -> None:
    content = normalised(web={"network_mode": "host", "privileged": True})
    (problem,) = allowances.problems(content, checked(), WHERE)
    assert problem.hint == "Remove it, or write allow: {web: [privileged]} in the stack"


def test_one_line_allows_everything_that_a_service_needs() -> None:
    tool = {"privileged": True, "cap_add": ["SYS_ADMIN"], "volumes": [{"type": "bind", "source": "/a b"}]}
    allow = {"tool": ["privileged"]}
    found = allowances.problems(normalised(web={}, tool=tool), checked(workers=["tool"], allow=allow), WHERE)
    assert {problem.hint for problem in found} == {
        'Remove it, or write allow: {tool: [privileged, "capability SYS_ADMIN", "/a b"]} in the stack'
    }


def test_the_record_of_a_release_keeps_its_allowances() -> None:
    stack = checked(allow={"web": ["docker_socket", "network  traefik"]})
    record = Record(1, "blue", "live", "f", stack, "me", 0.0)
    loaded = state_file.from_json(Record, state_file.as_json(record))
    assert loaded.stack == stack
    assert status.release_summary(loaded).allow == {"web": ("docker_socket", "network traefik")}
