# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fate of each key of the Compose specification in a release.

docs/compose.md is generated from this table, and a check compares it with the specification's JSON schema.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .container_limits import CAPABILITIES, PIDS

KEPT, CHANGED, REFUSED, NEEDS_ALLOW = "kept", "changed", "refused", "needs `allow`"

NETWORK = "the network is created by its name and internal only"
ATTACHMENT = "the service joins the network without it"
NOT_FOR_CONTAINERS = "it has no effect on a container that Compose starts"
READ_BY_COMPOSE = "Compose resolves it"
OF_SOURCE = "a path below source.path"
OF_INVENTORY = "the content is the value in secrets of the inventory, or the file in source.path"

# The sysctls that a container has for itself (Docker's manual, "docker run --sysctl") have other names.
NOT_NAMESPACED = r"(?!net\.|fs\.mqueue\.|kernel\.(msg|sem|shm))"


@dataclass(frozen=True)
class KeyFate:
    """What a release does with a key: ``kept``, ``changed``, ``refused`` or ``needs allow``, with the reason.

    ``refused_values`` is a pattern of the values of another key that are refused for the reason; in a list or a
    mapping, of the items. ``notice``: preflight lists the key where a file has it. ``allow`` has the words that allow
    what the key reaches outside of the container (``config/allowances.py``), ``harmless`` the values that need none.
    """

    fate: str
    reason: str = ""
    hint: str = ""
    notice: bool = False
    refused_values: str = ""
    allow: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()

    def refuses(self, value: t.Any) -> bool:
        """Return whether the value of a normalised file is refused; an empty value asks for nothing."""
        if value in (None, False, "", [], {}):
            return False
        if self.refused_values:
            items = value if isinstance(value, (list, dict)) else [value]
            return any(re.match(self.refused_values, str(item)) for item in items)
        return self.fate == REFUSED


def _kept(keys: str, reason: str = "", *, allow: str = "") -> dict[str, KeyFate]:
    return {key: KeyFate(KEPT, reason, allow=tuple(allow.split())) for key in keys.split()}


def _changed(keys: str, reason: str, *, notice: bool = False, allow: str = "") -> dict[str, KeyFate]:
    return {key: KeyFate(CHANGED, reason, notice=notice, allow=tuple(allow.split())) for key in keys.split()}


def _refused(keys: str, reason: str, hint: str, values: str = "") -> dict[str, KeyFate]:
    fate = KEPT if values else REFUSED
    return {key: KeyFate(fate, reason, hint, refused_values=values) for key in keys.split()}


def _needs_allow(key: str, word: str = "", *, harmless: str = "", refused: str = "") -> dict[str, KeyFate]:
    reason, hint = (OTHER_NAME, ONE_CONTAINER) if refused else ("", "")
    free = tuple(harmless.split())
    return {key: KeyFate(NEEDS_ALLOW, reason, hint, refused_values=refused, allow=(word or key,), harmless=free)}


OTHER_NAME = "a service is not called by its own name in a release"
ONE_CONTAINER = "Remove it, or give both programs one container"
TAKE_OUT = "Remove it"
HOOK = "commands in the running container"

FILE = {
    **_kept("services networks volumes secrets configs", "see below"),
    **_kept("version", "Compose ignores it"),
    **_kept("include", READ_BY_COMPOSE, allow="file"),
    **_changed("name", "names begin with the project, and the stack's name is that of the inventory"),
    **_refused("models", "a release starts no models", "Run the model as a service"),
    **_refused("jobs", "a release starts no jobs of the Compose file", "Name the service under after_migrate"),
}

SERVICE = {
    # What the container is.
    **_kept(
        "annotations attach blkio_config command cpu_count cpu_percent cpu_shares cpu_quota cpu_period cpu_rt_period "
        "cpu_rt_runtime cpus cpuset dns dns_opt dns_search domainname entrypoint expose extra_hosts group_add "
        "healthcheck init isolation mem_limit mem_reservation mem_swappiness memswap_limit oom_kill_disable "
        "oom_score_adj read_only shm_size stdin_open stop_grace_period stop_signal storage_opt "
        "tmpfs tty ulimits umask user working_dir"
    ),
    **_kept("mac_address", "as far as Compose keeps it"),
    **_kept("platform", "preflight refuses one that the server does not run"),
    **_kept("deploy", "see below"),
    **_kept("env_file label_file extends", READ_BY_COMPOSE, allow="file"),
    # What leads out of the container.
    **_kept("configs", allow="/path read_only"),
    **_kept("post_start pre_start pre_stop", HOOK, allow="privileged"),
    **_changed("cap_add", f"{', '.join(CAPABILITIES)} are added unless cap_drop has them", allow="capability"),
    **_changed("security_opt", "without no-new-privileges, it is added", allow="security_opt"),
    **_needs_allow("devices", "device"),
    **_needs_allow("device_cgroup_rules", "device_cgroup_rule"),
    **_needs_allow("external_links", "external_link"),
    **_needs_allow("gpus", "gpu"),
    **_needs_allow("privileged"),
    **_needs_allow("use_api_socket", "docker_socket"),
    **_needs_allow("cgroup", harmless="private"),
    **_needs_allow("cgroup_parent"),
    **_needs_allow("ipc", harmless="none private shareable", refused="service:"),
    **_needs_allow("network_mode", harmless="none", refused="service:"),
    **_needs_allow("pid", refused="service:"),
    **_needs_allow("runtime", harmless="runc io.containerd.runc.v2"),
    **_needs_allow("userns_mode"),
    **_needs_allow("uts"),
    **_needs_allow("volumes_from", refused="(?!container:)"),
    **_refused("sysctls", "the engine sets it for the whole server", TAKE_OUT, NOT_NAMESPACED),
    **_refused("credential_spec", "only containers of Windows have it", TAKE_OUT),
    **_refused("provider", "Compose would start a program of the server as root", "Run it as a service"),
    **_refused("models", "a release starts no models", "Run the model as a service"),
    # What the release decides.
    **_changed("image", "pinned by its digest, which the release's record keeps"),
    **_changed("pull_policy pull_refresh_after", "a release pulls a missing image itself, once"),
    **_changed("build", "built once for each version of its source; an image with a fixed tag is pulled", notice=True),
    **_changed(
        "container_name", "the release names containers; in the stack, the name resolves as a host name", notice=True
    ),
    **_changed("ports", "not published: requests arrive through the routes of the proxy", notice=True),
    **_changed("hostname", "kept where only the stack would resolve it; otherwise it resolves as an alias"),
    **_changed("profiles", "a service without an active profile does not exist; see COMPOSE_PROFILES in variables"),
    **_changed("develop", "it has no effect in a release", notice=True),
    **_changed("links", "an alias resolves to the own color; see Names of services"),
    **_changed(
        "depends_on", "holds, except towards services that a release starts later; see Dependencies", notice=True
    ),
    **_changed(
        "networks", "as in the file, and the networks that lead to the proxy and to shared servers", allow="network"
    ),
    **_changed(
        "volumes",
        "named volumes have names of this environment",
        allow="/path read_only docker_socket volume volume_driver",
    ),
    **_changed("secrets", "the file has the value in secrets of the inventory"),
    **_changed("scale", "the number of containers of one color; 0 starts none"),
    **_changed("environment", "SWITCHYARD_COLOR is added in a color"),
    **_changed("labels", "labels of the release are added; those of Traefik and of the release are left out"),
    **_changed("cap_drop", "ALL; the capabilities that it has are not added"),
    **_changed("logging", "without a limit, json-file has three files of 10 MB"),
    **_changed("pids_limit", f"without it, {PIDS}"),
    **_changed("restart", "without it, unless-stopped; a one-shot and a job are never restarted"),
}

BUILD = {
    **_kept(
        "args dockerfile_inline extra_hosts isolation labels no_cache no_cache_filter provenance sbom shm_size target "
        "ulimits"
    ),
    **_kept("additional_contexts context dockerfile", OF_SOURCE, allow="build_context"),
    **_kept("pull", "an image that exists is not built again for a newer base"),
    **_kept("secrets", "the build reads the values in secrets of the inventory; the image does not have them"),
    **_changed("tags", "the image is named by its source"),
    **_changed("cache_from cache_to", "left out: the engine that builds has a cache"),
    **_changed("platforms", "the image is built for the server"),
    **_needs_allow("entitlements", "build_entitlement"),
    **_needs_allow("privileged", "build_privileged"),
    **_needs_allow("ssh", "build_ssh"),
    "network": KeyFate(
        NEEDS_ALLOW,
        "a build joins no network of the stack and of no container",
        TAKE_OUT,
        refused_values=r"(?!(host|none|default)\Z)",
        allow=("build_network",),
        harmless=("none", "default"),
    ),
}

ATTACHED_NETWORK = {
    **_changed("aliases", "an alias resolves to the own color; see Names of services"),
    **_changed(
        "interface_name ipv4_address ipv6_address link_local_ips mac_address driver_opts priority gw_priority "
        "use_service_name_alias",
        ATTACHMENT,
        notice=True,
    ),
}

DEPLOY = {
    **_kept("replicas"),
    **_kept("resources", allow="gpu"),
    **_changed("restart_policy", 'where restart is missing, condition none is restart "no", others are unless-stopped'),
    **_kept("mode endpoint_mode labels placement rollback_config update_config", NOT_FOR_CONTAINERS),
}

MOUNT = {
    **_kept("target consistency volume tmpfs image bind"),
    **_refused("type", "a release mounts folders, volumes, images and tmpfs", "Use a named volume", "npipe|cluster"),
    **_changed("read_only", "a relative file is read-only"),
    **_changed("source", "a relative path: see [Files and folders](#files-and-folders)", allow="/path read_only"),
}

DEFINED_NETWORK = {
    **_kept("internal"),
    **_kept("external", allow="network"),
    **_changed("name", "the network has a name of this environment, unless it is external"),
    **_changed("driver driver_opts ipam enable_ipv4 enable_ipv6 attachable labels", NETWORK, notice=True),
}

VOLUME = {
    **_kept("external", allow="volume"),
    **_kept("driver driver_opts", "a bind needs the allowance of its path", allow="volume_driver"),
    **_changed("name", "the volume has a name of this environment, unless it is external"),
    **_changed("labels", "the volume has the labels of the stack only"),
}

CONFIG = {
    **_kept("content"),
    **_changed("file", "a relative path: see [Files and folders](#files-and-folders)", allow="/path read_only"),
    **_kept("labels template_driver", NOT_FOR_CONTAINERS),
    **_changed("name", "it has the name of its key"),
    **_refused("environment", "the variable is not set on the server", "Write content: with ${NAME} in it"),
    **_refused("external", "Compose has no configs outside of a file", "Write content or file"),
}

SECRET = _changed("name environment file external labels driver driver_opts template_driver", OF_INVENTORY)

# Section of a file to its keys. ``*`` is any name of a service, network, volume, config or secret.
SPECIFICATION: dict[str, dict[str, KeyFate]] = {
    "": FILE,
    "services.*": SERVICE,
    "services.*.build": BUILD,
    "services.*.networks.*": ATTACHED_NETWORK,
    "services.*.deploy": DEPLOY,
    "services.*.volumes": MOUNT,
    "networks.*": DEFINED_NETWORK,
    "volumes.*": VOLUME,
    "configs.*": CONFIG,
    "secrets.*": SECRET,
}


@dataclass(frozen=True)
class FoundKey:
    """A key of a normalised file: its path, such as ``services.web.ports``, its value and its fate."""

    path: str
    value: t.Any
    fate: KeyFate


UNKNOWN = KeyFate(REFUSED, "the Compose specification that this version knows does not have it", TAKE_OUT)


def keys_of(normalised: t.Mapping[str, t.Any]) -> list[FoundKey]:
    """Return every key of a normalised file with its fate, in the order of the table; ``x-`` keys are left out.

    A key that the table does not have is refused: a release must not drop what it does not know.
    """
    return [
        FoundKey(f"{where}.{key}".lstrip("."), value, fates.get(key, UNKNOWN))
        for section, fates in SPECIFICATION.items()
        for where, mapping in _sections(normalised, section.split(".") if section else [], "")
        for key, value in mapping.items()
        if not key.startswith("x-")
    ]


def _sections(value: t.Any, keys: t.Sequence[str], where: str) -> t.Iterator[tuple[str, t.Mapping[str, t.Any]]]:
    """Yield the path and the mapping of each place of the table."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _sections(item, keys, f"{where}[{index}]")
    elif isinstance(value, dict) and not keys:
        yield where, value
    elif isinstance(value, dict):
        for key in value if keys[0] == "*" else [keys[0]]:
            yield from _sections(value.get(key), keys[1:], f"{where}.{key}".lstrip("."))
