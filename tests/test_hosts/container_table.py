"""Compare every container of an environment with a table of the rights and limits of each role.

container_table.py PROJECT ENVIRONMENT < table as a line of JSON, and lines of `docker inspect --format '{{json .}}'`

The rules follow the container section of the CIS Docker Benchmark. It prints each difference, and exits with 1 where
there is one, where a role is not in the table, or where no container had a role of the table.
"""

from __future__ import annotations

import json
import sys
import typing as t

ROLE, PROJECT, ENVIRONMENT = (f"io.switchyard.{key}" for key in ("role", "project", "environment"))

# Host paths that give a container the server, or what the server knows.
FORBIDDEN = ("/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/usr", "/var/run")

Container = dict[str, t.Any]


def of_environment(containers: t.Iterable[Container], project: str, environment: str) -> list[Container]:
    """Return the containers of an environment, and those that all environments of its project share.

    Other scenarios create containers on the same server at the same time. A container with a name of the project and
    without labels counts, so that a missing label is found.
    """
    found = []
    for container in containers:
        labels = container["Config"]["Labels"] or {}
        name = container["Name"].lstrip("/")
        owner = labels.get(PROJECT, project if name.startswith(f"{project}-") else None)
        if owner == project and labels.get(ENVIRONMENT, environment) == environment:
            found.append(container)
    return found


def row_of(container: Container) -> dict[str, t.Any]:
    """Return what the table has of a container."""
    config, host = container["Config"], container["HostConfig"]
    return {
        "capabilities": " ".join(sorted(name.replace("CAP_", "", 1) for name in host["CapAdd"] or [])),
        "root": config["User"].split(":")[0] in ("", "0", "root"),
        "read_only": host["ReadonlyRootfs"],
        "memory": host["Memory"] > 0,
        "health": bool(config.get("Healthcheck")),
        "restart": host["RestartPolicy"]["Name"] or "no",
        "publishes": bool(host["PortBindings"]),
    }


def broken_rules(container: Container) -> list[str]:
    """Return the rules that hold for every role and that this container breaks."""
    host, log = container["HostConfig"], container["HostConfig"]["LogConfig"]
    options = host["SecurityOpt"] or []
    sources = [mount["Source"] for mount in container["Mounts"] if mount["Type"] == "bind"]
    rules = {
        "is privileged": host["Privileged"],
        "does not drop ALL capabilities": host["CapDrop"] != ["ALL"],
        "can gain privileges": not any(option.startswith("no-new-privileges") for option in options),
        "is unconfined": any("unconfined" in option or "disable" in option for option in options),
        "has no limit of processes": (host["PidsLimit"] or 0) <= 0,
        "has devices": bool(host["Devices"] or host["DeviceCgroupRules"]),
        "has a log without a limit": log["Type"] not in ("none", "local") and "max-size" not in log["Config"],
    }
    for mode in ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode"):
        rules[f"has {mode} host"] = host[mode] == "host"
    for source in sources:
        rules[f"mounts {source}"] = source == "/" or any(f"{source}/".startswith(f"{path}/") for path in FORBIDDEN)
    return [rule for rule, broken in rules.items() if broken]


def differences(containers: t.Sequence[Container], table: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Return each broken rule and each difference from the table."""
    found, roles = [], set()
    for container in containers:
        name, role = container["Name"].lstrip("/"), container["Config"]["Labels"].get(ROLE, "")
        roles.add(role)
        found += [f"{name} ({role}) {rule}" for rule in broken_rules(container)]
        expected, row = table.get(role), row_of(container)
        if expected is None:
            found.append(f"{name}: the table has no role '{role}'")
            continue
        found += [
            f"{name} ({role}): {key} is {row.get(key)}, not {expected.get(key)}"
            for key in sorted({*row, *expected})
            if row.get(key) != expected.get(key)
        ]
    return found + [f"no container had the role {role}" for role in sorted(set(table) - roles)]


def main() -> int:
    table, *inspected = (json.loads(line) for line in sys.stdin if line.strip())
    containers = of_environment(inspected, *sys.argv[1:])
    found = list(dict.fromkeys(differences(containers, table)))
    print("\n".join(found) or f"{len(containers)} containers are as the table says")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
