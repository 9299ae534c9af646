"""What no file of this repository may contain."""

from __future__ import annotations

import re
from pathlib import Path

from repo import check, lines

# Hosts that may be linked to. Packages come from where pip, apt or Docker are configured to look: no mirror here.
HOSTS = {
    "docs.ansible.com",
    "docs.docker.com",
    "download.docker.com",
    "galaxy.ansible.com",
    "github.com",
    # The key of Docker Hub in a client's configuration
    "index.docker.io",
    "www.gnu.org",
}
HOSTS_OF_EXAMPLES = re.compile(r"(?:^|\.)(?:example(?:\.(?:org|com|net))?|test|invalid|localhost)$|^[\d.]+$|^[\w-]+$")


@check
def errors_are_not_ignored(root: Path) -> list[str]:
    """A task whose failure does not matter says why, in a comment on its line or the line above."""
    problems = []
    for name, text in lines(root, "roles", "playbooks", "inventories", "molecule", "tests", suffixes=(".yml", ".yaml")):
        for number, line in enumerate(text):
            if not re.search(r"\bignore_errors:|\bignore_unreachable:|failed_when:\s*false", line):
                continue
            if "#" not in line and not text[number - 1].lstrip().startswith("#"):
                problems.append(f"{name}:{number + 1}: {line.strip()} without a reason beside it")
    return problems


@check
def nothing_is_left_over(root: Path) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()}"
        for name, text in lines(root)
        for number, line in enumerate(text, 1)
        if re.search(r"\b(?:TODO|FIXME|XXX)\b", line)
    ]


@check
def nothing_belongs_to_one_machine(root: Path) -> list[str]:
    """No person's folder, and no server that one's own package tools should choose."""
    problems = []
    for name, text in lines(root):
        for number, line in enumerate(text, 1):
            if re.search(r"(?<![\w.}])/(?:home|Users|root)/[\w.]", line):
                problems.append(f"{name}:{number}: a path of one machine: {line.strip()}")
            for host in re.findall(r"https?://([\w.-]+)", line):
                if host not in HOSTS and not HOSTS_OF_EXAMPLES.search(host):
                    problems.append(f"{name}:{number}: {host} is not in the list of hosts that are linked to")
    return problems
